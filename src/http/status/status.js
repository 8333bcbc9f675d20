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
  return seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
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

function show(status) {
  const { upstream, rosters, requests, live } = status;
  const state = byId("state");
  const trouble = [];
  if (!status.ready) trouble.push("draining");
  if (upstream.breakerOpen) trouble.push("Flowmatix does not answer (the breaker is open)");
  if (upstream.credentialRefused) trouble.push("Flowmatix refuses the server's token");
  if (status.plans.some((plan) => plan.remaining === 0)) trouble.push("a plan is spent");
  state.textContent = trouble.length === 0 ? "ready" : trouble.join("; ");
  state.className = trouble.length === 0 ? "good" : "bad";
  byId("plans").replaceChildren(...plans(status.plans));
  bars(status.callsPerMinute);
  list("upstream", [
    ["breaker", upstream.breakerOpen ? "open" : "closed", upstream.breakerOpen ? "bad" : "good"],
    ...counts(upstream.calls).map(([outcome, count]) => [`calls: ${outcome}`, count]),
    ...counts(upstream.budgetRefusals).map(([reason, count]) => [`not called: ${reason}`, count]),
  ]);
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
