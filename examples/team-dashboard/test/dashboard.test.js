// The built page in a real browser, in front of the real service: people, filters, pages, outages, and the way back in.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { build, createServer, preview } from "vite";

import { AGENCY_TOKEN, LANTERN_TOKEN, PINES, PINES_TOKEN, start, startPassthrough, startWithKey } from "../../../tests/service.js";
import { contrasts, controls, launch, open, shoot } from "./browser.js";

const stops = [];
let browser;

before(async () => {
  browser = await launch();
});

after(async () => {
  await browser?.close();
  for (const stop of stops.reverse()) await stop();
});

/** The page, served as `npm run preview` does, in front of this service. */
async function serve(service) {
  stops.push(() => service.stop());
  process.env.SERVICE_URL = service.origin;
  const server = await preview({ preview: { host: "127.0.0.1", port: 0 }, logLevel: "silent" });
  stops.push(() => server.close());
  return `http://127.0.0.1:${server.httpServer.address().port}`;
}

const list = (page) => page.getByRole("list", { name: "Members" });
const names = (page) => list(page).getByRole("heading").allInnerTexts();
const addresses = (page) => list(page).getByRole("link", { name: "@" }).allInnerTexts();
const counts = (page, text) => page.getByRole("status").filter({ hasText: text }).waitFor();
const button = (page, name) => page.getByRole("button", { name, exact: true });

const notice = (page) => page.getByRole("alert").filter({ hasText: /^As of \d+:\d\d/ });

/** Refreshes, as an impatient person would, until this is there: when a list is stale is the service's to say. */
async function refreshUntil(page, expected) {
  const refresh = page.getByRole("button", { name: /^(Refresh|Try again)$/ });
  while (!(await expected.isVisible())) {
    if (await refresh.isEnabled()) await refresh.click();
    await expected.waitFor({ timeout: 300 }).catch(() => {});
  }
}

/** Signs in, or changes whose team is shown. */
async function signIn(page, { token, account }) {
  if (token) await page.getByLabel("Access token").fill(token);
  if (account) {
    await page.getByLabel("E-mail address").fill(account.email);
    await page.getByLabel("User type").selectOption(account.type);
  }
  await button(page, "Show the team").click();
}

test("the team is there: real names, who is online, and how to reach them", async () => {
  const page = await open(browser, await serve(await start("demo")));
  await counts(page, "12 people, 6 online");
  const shown = await names(page);
  assert.equal(shown.length, 12);
  assert.deepEqual(shown.slice(0, 3), ["Bruno Jansen", "Farah Kowalski", "Fatou Yılmaz"]);
  const farah = list(page).getByRole("listitem").filter({ hasText: "Farah Kowalski" });
  await farah.getByText("Online", { exact: true }).waitFor();
  assert.match(await farah.getByRole("link").first().getAttribute("href"), /^mailto:farah\.kowalski/);
  await page.getByText(/^As of \d+:\d\d/).waitFor();
  await shoot(page, "desktop");
  assert.deepEqual(page.wrong, []);
});

test("a role, a search, who is online, and another order; and back to everybody", async () => {
  const page = await open(browser, await serve(await start("demo")));
  await counts(page, "12 people");
  await page.getByLabel("Role").selectOption({ index: 2 });
  const ofRole = Number((await page.getByRole("status").filter({ hasText: / of 12 people/ }).innerText()).match(/^\d+/)[0]);
  assert.ok(ofRole > 0 && ofRole < 12);
  assert.equal((await names(page)).length, ofRole);
  await page.getByLabel("Role").selectOption("");
  await page.getByLabel("Online only").check();
  await counts(page, "6 of 12 people, all online");
  const byName = await names(page);
  await page.getByLabel("Sort by").selectOption("Most unread");
  await page.waitForFunction((first) => document.querySelector(".member h2")?.textContent !== first, byName[0]);
  assert.deepEqual((await names(page)).sort(), [...byName].sort());
  await page.getByLabel("Search").fill("nobody at all");
  await page.getByRole("heading", { name: "Nobody matches" }).waitFor();
  await shoot(page, "empty");
  await button(page, "Show everybody").click();
  await counts(page, "12 people, 6 online");
  assert.equal(await page.getByLabel("Search").inputValue(), "");
  await page.getByLabel("Search").fill("jovanović");
  await counts(page, "1 of 12 people");
  assert.deepEqual(await names(page), ["Yusuf Jovanović"]);
});

test("the team by role and availability: every person counted once, and a role is one click away", async () => {
  const page = await open(browser, await serve(await start("demo")));
  await counts(page, "12 people, 6 online");
  await page.getByText("By role and availability").click();
  const table = page.getByRole("table");
  const cells = async () => (await table.locator("tbody tr").allInnerTexts()).map((row) => row.trim().split(/\s*\t\s*/));
  const sum = (rows, column) => rows.reduce((total, row) => total + Number(row[column]), 0);
  const rows = await cells();
  assert.equal(sum(rows, 1), 6);
  assert.equal(sum(rows, 1) + sum(rows, 2), 12);
  const [name, online, offline] = rows[0];
  await table.getByRole("button", { name, exact: true }).click();
  await counts(page, `${Number(online) + Number(offline)} of 12 people`);
  // The other roles stay in sight: the table counts whom the search finds.
  assert.deepEqual(await cells(), rows);
  await page.getByLabel("Search").fill("jovanović");
  await table.waitFor({ state: "detached" });
  await shoot(page, "groups");
  assert.deepEqual(page.wrong, []);
});

test("page, search, filter and order are in the address: back, forth, a reload, and a link that is passed on", async () => {
  const origin = await serve(await start("demo"));
  const page = await open(browser, origin);
  await counts(page, "12 people");
  await page.getByLabel("Online only").check();
  await counts(page, "6 of 12 people");
  await page.getByLabel("Sort by").selectOption("Most unread");
  await page.waitForURL("**/?online=1&order=unread");
  await page.getByLabel("Search").fill("tari");
  await page.waitForURL(/search=tari/);
  const found = page.getByRole("status");
  await found.filter({ hasNotText: "6 of 12" }).waitFor();
  const [words, people] = [await found.innerText(), await names(page)];
  await page.getByLabel("Search").fill("tariq");
  await page.waitForURL(/search=tariq/);
  await page.getByLabel("Search").fill("tari");
  await page.waitForURL(/search=tari&/);

  await page.reload();
  await counts(page, words);
  assert.deepEqual(await names(page), people);
  assert.equal(await page.getByLabel("Sort by").inputValue(), "unread");
  const elsewhere = await open(browser, page.url());
  await counts(elsewhere, words);
  assert.deepEqual(await names(elsewhere), people);

  await page.goBack();
  await page.waitForURL("**/?online=1&order=unread");
  await counts(page, "6 of 12 people, all online");
  assert.equal(await page.getByLabel("Search").inputValue(), "");
  await page.goBack();
  await page.goBack();
  await counts(page, "12 people, 6 online");
  assert.equal(await page.getByLabel("Online only").isChecked(), false);
  await page.goForward();
  await counts(page, "6 of 12 people");
});

test("a page of a list is an address as well, with the header in sight", async () => {
  const service = await startPassthrough({ "account.email": PINES.email, "account.type": PINES.type });
  const page = await open(browser, await serve(service));
  await signIn(page, { token: PINES_TOKEN });
  await counts(page, "250 people");
  const pages = [await addresses(page)];
  for (const n of [2, 3]) {
    await page.evaluate(() => scrollTo({ top: document.body.scrollHeight }));
    await button(page, "Next").click();
    await page.getByText(`Page ${n} of 13`).waitFor();
    await list(page).getByText(pages.at(-1)[0]).waitFor({ state: "detached" });
    assert.equal(await page.evaluate(() => scrollY), 0);
    assert.ok((await page.getByRole("banner").boundingBox()).y >= 0);
    pages.push(await addresses(page));
  }
  assert.equal(new Set(pages.flat()).size, 60);
  await page.goBack();
  await page.getByText("Page 2 of 13").waitFor();
  await list(page).getByText(pages[1][0]).waitFor();
  assert.deepEqual(await addresses(page), pages[1]);
  await page.goForward();
  await page.getByText("Page 3 of 13").waitFor();
  // Whoever comes by a link signs in, and is where the link leads; the page before is the one before.
  const elsewhere = await open(browser, page.url());
  await signIn(elsewhere, { token: PINES_TOKEN });
  await elsewhere.getByText("Page 3 of 13").waitFor();
  assert.deepEqual(await addresses(elsewhere), pages[2]);
  for (const n of [2, 1]) {
    await button(elsewhere, "Previous").click();
    await elsewhere.getByText(`Page ${n} of 13`).waitFor();
    await list(elsewhere).getByText(pages[n - 1][0]).waitFor();
    assert.deepEqual(await addresses(elsewhere), pages[n - 1]);
  }
});

test("a role and a page do not outlive their account", async () => {
  const page = await open(browser, await serve(await start("demo")));
  await counts(page, "12 people");
  await page.getByLabel("Sort by").selectOption("Most unread");
  await page.getByLabel("Role").selectOption({ index: 1 });
  await page.getByRole("status").filter({ hasText: "of 12 people" }).waitFor();
  await button(page, "Account").click();
  await signIn(page, { account: PINES });
  await counts(page, "250 people");
  assert.equal(await page.getByLabel("Role").inputValue(), "");
  assert.equal(await page.getByLabel("Sort by").inputValue(), "unread");
});

test("numbers are grouped, and people can be called", async () => {
  const page = await open(browser, await serve(await start("demo")));
  await counts(page, "12 people");
  const calls = list(page).getByRole("link", { name: /^\+/ });
  const numbers = (await calls.allInnerTexts()).map((text) => text.replaceAll("\u00a0", " "));
  assert.ok(numbers.length > 0);
  for (const number of numbers) assert.match(number, /^\+\d{1,3} 555 010 \d{4}$/);
  const called = await calls.evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  assert.deepEqual(called, numbers.map((number) => `tel:${number.replaceAll(" ", "")}`));
});

test("on a phone ten people are in view at once", async () => {
  const page = await open(browser, await serve(await start("demo")), { viewport: { width: 390, height: 844 } });
  await counts(page, "12 people");
  const rows = await list(page).getByRole("listitem").evaluateAll((all) => all.map((one) => one.getBoundingClientRect()));
  assert.ok(rows.filter(({ bottom }) => bottom <= 844).length >= 9, JSON.stringify(rows[0]));
  await shoot(page, "phone");
});

test("another account, and its next pages, forth and back, by keyboard alone", async () => {
  const page = await open(browser, await serve(await start("demo")));
  await counts(page, "12 people");
  await button(page, "Account").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.type(PINES.email);
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByText("Page 1 of 13").waitFor();
  const first = await addresses(page);
  assert.equal(first.length, 20);
  await button(page, "Next").focus();
  await page.keyboard.press("Enter");
  await page.getByText("Page 2 of 13").waitFor();
  await list(page).getByText(first[0]).waitFor({ state: "detached" });
  const second = await addresses(page);
  assert.equal(new Set([...first, ...second]).size, 40);
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Team");
  await button(page, "Previous").click();
  await page.getByText("Page 1 of 13").waitFor();
  await list(page).getByText(first[0]).waitFor();
  assert.deepEqual(await addresses(page), first);
  await shoot(page, "pages");
});

test("Flowmatix is down: the team stays, marked with its age, and the mark goes when it is back", async () => {
  const service = await start("demo", { "roster.fresh_for": "1s" });
  const page = await open(browser, await serve(service));
  await counts(page, "12 people");
  const before = await names(page);
  await service.misbehave({ status: 503 });
  await refreshUntil(page, notice(page));
  assert.deepEqual(await names(page), before);
  await shoot(page, "stale");
  await service.misbehave({});
  await notice(page).waitFor({ state: "detached" });
  assert.deepEqual(await names(page), before);
});

test("where a token is wanted, the page asks for one, and an expired one is replaced on the spot", async () => {
  const service = await startPassthrough({ "roster.fresh_for": "1s" });
  const page = await open(browser, await serve(service));
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await shoot(page, "sign-in");
  await signIn(page, { token: LANTERN_TOKEN });
  await counts(page, "12 people");
  const before = await names(page);

  await service.misbehave({ status: 401 });
  const expired = page.getByRole("heading", { name: "Your access token is no longer accepted" });
  await refreshUntil(page, expired);
  assert.equal(await list(page).count(), 0);
  assert.equal(await page.getByLabel("Access token").evaluate((input) => input === document.activeElement), true);
  await shoot(page, "expired");
  await service.misbehave({});
  await signIn(page, { token: AGENCY_TOKEN });
  await counts(page, "12 people");
  assert.deepEqual(await names(page), before);

  await button(page, "Account").click();
  await signIn(page, { token: PINES_TOKEN });
  const closed = page.getByRole("heading", { name: "This token does not open that account" });
  await closed.waitFor();
  await shoot(page, "forbidden");
  await button(page, "Choose another account").click();
  await signIn(page, { account: PINES });
  await counts(page, "250 people");

  await service.misbehave({ status: 403 });
  await refreshUntil(page, closed);
  assert.equal(await list(page).count(), 0);
  await service.misbehave({});

  await button(page, "Account").click();
  await button(page, "Sign out").click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await signIn(page, { token: AGENCY_TOKEN, account: PINES });
  await counts(page, "250 people");

  const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie, location.href]);
  assert.deepEqual(kept.slice(0, 3), [0, 0, ""]);
  // Not whose team it is either.
  assert.equal(new URL(kept[3]).search, "");
  await page.reload();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
});

test("a key that may not read contact data shows the team without it, and says so once", async () => {
  const { service, key } = await startWithKey();
  const page = await open(browser, await serve(service));
  await signIn(page, { token: key });
  await counts(page, "12 people, 6 online");
  await page.getByText("Your key may not read e-mail addresses and telephone numbers").waitFor();
  assert.equal((await names(page)).length, 12);
  assert.equal(await list(page).getByRole("link").count(), 0);
  await notice(page).waitFor({ state: "detached" });
  await shoot(page, "no-contact");
});

test("it asks again by itself, and not while nobody looks", async () => {
  // No list gets stale here, after which the page would ask sooner.
  const page = await open(browser, await serve(await start("demo")), { clock: true });
  await counts(page, "12 people");
  // Its subscription is another matter: that asks nothing. Each time it asks by the query's hash, and the first time by the text
  // as well, because no service knows the hash yet.
  const isQuery = (body) => body?.includes('"operationName":"Team"') && !body.includes('"query":');
  const asked = () => page.bodies.filter(isQuery).length;
  const answered = () => page.waitForResponse((response) => isQuery(response.request().postData()));
  // The first event of its subscription has it ask once more: what that tells may be newer.
  while (asked() < 2) await sleep(20);
  const before = asked();
  // The clock goes on by itself as well, and a busy machine takes seconds to come here.
  await page.clock.fastForward(20_000);
  assert.equal(asked(), before);
  await Promise.all([answered(), page.clock.fastForward(10_000)]);
  const after = asked();
  await page.evaluate(() => Object.defineProperty(document, "hidden", { value: true, configurable: true }));
  await page.clock.fastForward(300_000);
  assert.equal(asked(), after);
  await page.evaluate(() => Object.defineProperty(document, "hidden", { value: false }));
  await Promise.all([answered(), page.clock.fastForward(31_000)]);
});

test("the service itself is gone: the team stays, and the page says what is wrong", async () => {
  const service = await start("demo");
  const page = await open(browser, await serve(service));
  await counts(page, "12 people");
  const before = await names(page);
  service.stop();
  await button(page, "Refresh").click();
  await notice(page).filter({ hasText: "The service cannot be reached" }).waitFor();
  assert.deepEqual(await names(page), before);
});

test("no team: nobody home, and a way to try again", async () => {
  const service = await start("demo", {});
  await service.misbehave({ status: 503 });
  const origin = await serve(service);
  const page = await open(browser, origin);
  await page.getByRole("heading", { name: "Flowmatix is not answering" }).waitFor();
  assert.equal(await page.getByRole("search").count(), 0);
  await shoot(page, "down");
  await service.misbehave({});
  await button(page, "Try again").click();
  // At once, or when the page asks again by itself.
  await counts(page, "12 people");
});

test("while the team loads, the page says so", async () => {
  const service = await start("demo", {});
  await service.misbehave({ latencyMs: 1500 });
  const page = await open(browser, await serve(service));
  await page.getByText("Loading the team").waitFor();
  await shoot(page, "loading");
  await counts(page, "12 people");
});

for (const [name, viewport] of [["phone", { width: 390, height: 844 }], ["desktop", { width: 1280, height: 800 }]]) {
  test(`every text can be read and every control has a name and its place: ${name}`, async () => {
    const service = await start("demo", { "roster.fresh_for": "1s" });
    const page = await open(browser, await serve(service), { viewport });
    const check = async (state) => {
      for (const colorScheme of ["dark", "light"]) {
        await page.emulateMedia({ colorScheme });
        for (const { text, ratio } of await contrasts(page)) assert.ok(ratio >= 4.5, `${state}, ${colorScheme}: "${text}" has ${ratio.toFixed(2)}`);
        await shoot(page, `${name}-${colorScheme}-${state}`);
      }
      const { seen, ...faults } = await controls(page);
      assert.ok(seen >= 5, `${state}: ${seen}`);
      assert.deepEqual(faults, { unnamed: [], small: [], outside: [] }, state);
    };
    await counts(page, "12 people");
    await check("team");
    await button(page, "Account").click();
    await check("account");
    await signIn(page, { account: PINES });
    await page.getByText("Page 1 of 13").waitFor();
    await service.misbehave({ status: 503 });
    await refreshUntil(page, notice(page));
    await check("stale");
    await page.getByLabel("Search").fill("nobody at all");
    await page.getByRole("heading", { name: "Nobody matches" }).waitFor();
    await check("empty");
  });
}

test("nothing is asked of anybody but the page's own origin", async () => {
  const origin = await serve(await start("demo"));
  const page = await open(browser, origin);
  await counts(page, "12 people");
  assert.ok(page.seen.length >= 4);
  for (const url of page.seen) assert.ok(url.startsWith(`${origin}/`), url);
  const policy = (await fetch(origin)).headers.get("content-security-policy");
  for (const rule of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]) assert.ok(policy.includes(rule), rule);
  assert.deepEqual(page.wrong, []);
});

test("as `npm run dev` serves it, it is there too", async () => {
  const service = await start("demo");
  stops.push(() => service.stop());
  process.env.SERVICE_URL = service.origin;
  const server = await createServer({ server: { host: "127.0.0.1", port: 0 }, logLevel: "error" });
  stops.push(() => server.close());
  await server.listen();
  const page = await open(browser, `http://127.0.0.1:${server.httpServer.address().port}`);
  await counts(page, "12 people");
  assert.deepEqual(page.wrong, []);
});

test("from another origin it is let in where the service names that origin, and nowhere else", async () => {
  const outDir = await mkdtemp(join(tmpdir(), "team-dashboard-"));
  stops.push(() => rm(outDir, { recursive: true }));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const service = await startPassthrough({ "http.cors_origins": origin });
  stops.push(() => service.stop());
  process.env.VITE_GRAPHQL_URL = service.url;
  try {
    await build({ build: { outDir }, logLevel: "error" });
    const server = await preview({ build: { outDir }, preview: { host: "127.0.0.1", port, strictPort: true }, logLevel: "error" });
    stops.push(() => server.close());
    const elsewhere = await preview({ build: { outDir }, preview: { host: "127.0.0.1", port: 0 }, logLevel: "error" });
    stops.push(() => elsewhere.close());
    const page = await open(browser, origin);
    // A refusal can be read across origins as well.
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await signIn(page, { token: LANTERN_TOKEN });
    await counts(page, "12 people");
    assert.ok(page.seen.includes(service.url));
    const stranger = await open(browser, `http://127.0.0.1:${elsewhere.httpServer.address().port}`);
    await stranger.getByRole("heading", { name: "The service cannot be reached" }).waitFor();
    await shoot(stranger, "unreachable");
  } finally {
    delete process.env.VITE_GRAPHQL_URL;
  }
});

/** A port that is free now. */
async function freePort() {
  const socket = createSocket().listen(0, "127.0.0.1");
  await new Promise((resolve) => socket.once("listening", resolve));
  const { port } = socket.address();
  await new Promise((resolve) => socket.close(resolve));
  return port;
}

test("a dot changes without a reload, also after the service was away", async () => {
  const settings = { "live.interval": "300ms", "live.interval_floor": "100ms", "budget.calls_per_hour": 1000000 };
  let service = await start("demo", settings);
  const page = await open(browser, await serve(service));
  await counts(page, "12 people, 6 online");
  const farah = list(page).getByRole("listitem").filter({ hasText: "Farah Kowalski" });
  await farah.getByText("Online", { exact: true }).waitFor();
  const { data } = await service.query('{ teamMembers(search: "Farah Kowalski") { nodes { id } } }');
  const id = data.teamMembers.nodes[0].id;
  await service.change(id, { liveAvailability: "OFFLINE", unreadMessages: 77 });
  await farah.getByText("Offline", { exact: true }).waitFor();
  await farah.getByText("77 unread").waitFor();
  await counts(page, "12 people, 5 online");
  const loads = page.seen.filter((url) => url.endsWith("/")).length;
  assert.equal(loads, 1, "the page was loaded once");
  const { host } = new URL(service.url);
  await service.stop();
  service = await start("demo", { ...settings, "http.listen": host });
  stops.push(() => service.stop());
  await farah.getByText("Online", { exact: true }).waitFor({ timeout: 30_000 });
  await service.change(id, { liveAvailability: "OFFLINE" });
  await farah.getByText("Offline", { exact: true }).waitFor();
});

test("a team whose service gets nothing newer says so without a reload, and when it is over", async () => {
  const service = await start("demo", {
    "live.interval": "300ms",
    "live.interval_floor": "100ms",
    "budget.calls_per_hour": 1000000,
    "roster.fresh_for": "1s",
  });
  const page = await open(browser, await serve(service));
  await counts(page, "12 people, 6 online");
  await service.misbehave({ status: 503 });
  await notice(page).waitFor({ timeout: 60_000 });
  await service.misbehave({});
  await notice(page).waitFor({ state: "detached", timeout: 60_000 });
});
