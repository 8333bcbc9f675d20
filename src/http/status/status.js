// Reads status.json again and again, and shows it. Everything is written as text.
"use strict";

const EVERY = 3000;
const byId = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function list(id, rows) {
  byId(id).replaceChildren(
    ...rows.flatMap(([name, value, className]) => [
      element("dt", name),
      element("dd", typeof value === "number" ? number.format(value) : value, className),
    ]),
  );
}

const size = (bytes) => (bytes < 1 << 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / (1 << 20)).toFixed(1)} MiB`);
const counts = (map) => Object.entries(map).filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);

function span(seconds) {
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${number.format(Math.round(seconds / 360) / 10)} h`;
}

function plans(all) {
  if (all.length === 0) return [element("p", "Nothing was spent yet.")];
  return all.map(({ plan, limit, remaining, resetSeconds }) => {
    const box = element("div", undefined, "plan");
    const line = element("p");
    line.append(element("span", `credential ${plan}`), element("span", `${number.format(remaining)} of ${number.format(limit)} calls left`, remaining === 0 ? "bad" : undefined));
    const bar = element("progress");
    bar.max = Math.max(limit, 1);
    bar.value = limit - remaining;
    bar.setAttribute("aria-label", `spent of the plan of credential ${plan}`);
    box.append(line, bar);
    if (remaining < limit) box.append(element("p", `The next call comes back in ${span(resetSeconds)}.`));
    return box;
  });
}

function bars(minutes) {
  const svg = byId("calls");
  const most = Math.max(1, ...minutes);
  svg.replaceChildren(
    ...minutes.map((calls, n) => {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const height = calls === 0 ? 1 : Math.max(3, (calls / most) * 116);
      for (const [name, value] of Object.entries({ x: n * 10 + 1, y: 120 - height, width: 8, height })) bar.setAttribute(name, value);
      const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
      title.textContent = `${59 - n} minutes ago: ${calls}`;
      bar.append(title);
      return bar;
    }),
  );
  svg.setAttribute("aria-label", `Calls by minute: ${minutes.reduce((sum, calls) => sum + calls, 0)} in the last hour, at most ${Math.max(...minutes)} in a minute`);
}

// A line of text over a bar.
function bar(name, said, value, most) {
  const box = element("div", undefined, "bar");
  const line = element("p");
  line.append(element("span", name), element("span", said));
  const shown = element("progress");
  shown.max = Math.max(most, 1);
  shown.value = value;
  shown.setAttribute("aria-label", `${name}: ${said}`);
  box.append(line, shown);
  return box;
}

const REASONS = {
  breaker: "it does not answer; the next try in",
  unavailable: "it asks for a pause (503); goes on in",
  rate_limited: "too many calls (429); goes on in",
  vendor_quota: "the plan is spent, by its own count; goes on in",
};

function pauses({ pauses, notTried }) {
  const rows = pauses.map(({ reason, plan, secondsLeft }) => [`${plan ? `credential ${plan}` : "all calls"}: ${REASONS[reason] ?? reason}`, span(secondsLeft), "bad"]);
  rows.push(...counts(notTried).map(([kind, count]) => [`not tried again yet: ${kind.replaceAll("_", " ")}`, count]));
  return rows.length === 0 ? [["none", ""]] : rows;
}

function callers(all) {
  if (all.length === 0) return [element("p", "No callers share a plan.")];
  const several = new Set(all.map(({ plan }) => plan)).size > 1;
  return all.map(({ caller, plan, calls, limit }) =>
    bar(`caller ${caller}${several ? ` of credential ${plan}` : ""}`, `${number.format(calls)} of ${number.format(limit)} calls`, calls, limit),
  );
}

function ages(all) {
  const most = Math.max(...all.map(({ rosters }) => rosters));
  return all.map(({ youngerThanSeconds, rosters, bytes }) =>
    bar(youngerThanSeconds === null ? "older" : `younger than ${span(youngerThanSeconds)}`, `${number.format(rosters)}, ${size(bytes)}`, rosters, most),
  );
}

function largest(all) {
  if (all.length === 0) return [element("p", "none")];
  const said = ({ members, bytes, ageSeconds, stale }) => `${number.format(members)} ${members === 1 ? "member" : "members"}, ${size(bytes)}, ${span(ageSeconds)} old${stale ? ", stale" : ""}`;
  return all.map((roster) => bar(`account ${roster.account}`, said(roster), roster.bytes, all[0].bytes));
}

function replicas(cluster) {
  byId("cluster-section").hidden = cluster === null;
  if (cluster === null) return;
  const tier = (up) => [up ? "up" : "away", up ? "good" : "bad"];
  list("cluster", [
    ["replicas, with this one", cluster.replicas],
    ["this one", cluster.joined ? "joined" : "joining", cluster.joined ? "good" : "bad"],
    ["tier: leases", ...tier(cluster.leasesUp)],
    ["tier: teams and notices", ...tier(cluster.valuesUp)],
  ]);
}

function show(status) {
  const { upstream, rosters, requests, live, cluster } = status;
  const state = byId("state");
  const trouble = [];
  if (!status.ready) trouble.push("draining");
  if (upstream.breakerOpen) trouble.push("Flowmatix does not answer (the breaker is open)");
  if (upstream.credentialRefused) trouble.push("Flowmatix refuses the server's token");
  if (upstream.pauses.some(({ reason }) => reason === "unavailable" || reason === "rate_limited")) trouble.push("Flowmatix asks for a pause");
  const isPaused = ({ plan }) => upstream.pauses.some((pause) => pause.reason === "rate_limited" && (pause.plan ?? plan) === plan);
  if (status.plans.some((plan) => plan.remaining === 0 && !isPaused(plan))) trouble.push("a plan is spent");
  if (cluster !== null && !(cluster.leasesUp && cluster.valuesUp)) trouble.push("the cluster's tier is away");
  state.textContent = trouble.length === 0 ? "ready" : trouble.join("; ");
  state.className = trouble.length === 0 ? "good" : "bad";
  byId("plans").replaceChildren(...plans(status.plans));
  bars(status.callsPerMinute);
  list("upstream", [
    ["breaker", upstream.breakerOpen ? "open" : "closed", upstream.breakerOpen ? "bad" : "good"],
    ["calls in flight", upstream.inFlight],
    ["calls that wait", upstream.waiting],
    ...counts(upstream.calls).map(([outcome, count]) => [`calls: ${outcome}`, count]),
    ...counts(upstream.budgetRefusals).map(([reason, count]) => [`not called: ${reason}`, count]),
  ]);
  list("pauses", pauses(upstream));
  byId("callers").replaceChildren(...callers(status.callers));
  byId("ages").replaceChildren(...ages(rosters.ages));
  byId("largest").replaceChildren(...largest(rosters.largest));
  replicas(cluster);
  const last = requests.lastRefusals.map(({ code, secondsAgo }) => [code, `${span(secondsAgo)} ago`]);
  list("last", last.length === 0 ? [["none", ""]] : last);
  list("rosters", [["kept", rosters.count], ["memory", size(rosters.bytes)], ...counts(rosters.lookups).map(([result, count]) => [`asked for: ${result}`, count])]);
  list("requests", [["under way", requests.inFlight], ["connections", requests.connections]]);
  list("live", [["subscriptions", live.subscriptions], ["WebSockets", live.webSockets], ["pollers", live.pollers]]);
  const refusals = [...counts(requests.refused), ...counts(requests.authFailures).map(([reason, count]) => [`authentication: ${reason}`, count])];
  list("refusals", refusals.length === 0 ? [["none", ""]] : refusals);
  byId("build").textContent = `version ${status.version}, commit ${status.commit}, configuration ${status.configuration}`;
}

async function refresh() {
  try {
    const response = await fetch("status.json", { cache: "no-store" });
    if (!response.ok) throw new Error(String(response.status));
    show(await response.json());
  } catch {
    const state = byId("state");
    state.textContent = "no answer from this service; what is shown is old";
    state.className = "bad";
  }
  setTimeout(refresh, EVERY);
}

refresh();
