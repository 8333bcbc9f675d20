// The explorer in a real browser, served by the real binary: it runs a query, completes, describes, and asks nobody else.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { chromium } from "playwright-core";

import { start } from "../../tests/service.js";

// Without these the browser itself calls home, and nothing could be said of the page.
const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic"];
const screenshots = process.env.SCREENSHOTS;

const TABS = ["Team", "Role", "Snapshot", "Groups", "Node", "Accounts", "Cost", "Live"];

let service, origin, browser;

before(async () => {
  service = await start("demo");
  origin = service.origin;
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", ...quiet] });
});

after(async () => {
  await browser?.close();
  service?.stop();
});

/** Opens the explorer of `at`; `page.seen` has each request's URL, and `page.wrong` what the browser complained about. */
async function open(path = "/", viewport = { width: 1280, height: 800 }, at = origin) {
  const context = await browser.newContext({ viewport });
  const page = await context.newPage();
  page.seen = [];
  page.wrong = [];
  page.on("request", (request) => page.seen.push(request.url()));
  page.on("requestfailed", (request) => page.wrong.push(request.url()));
  page.on("pageerror", (error) => page.wrong.push(error.message));
  page.on("console", (message) => message.type() === "error" && page.wrong.push(message.text()));
  await page.goto(at + path);
  await page.waitForSelector(".graphiql-execute-button");
  return page;
}

/** Runs the tab that is open, and returns the answer's text once it holds `expected`. */
async function run(page, expected) {
  const response = page.locator(".graphiql-response");
  await page.click(".graphiql-execute-button[aria-label^='Execute']");
  await response.getByText(expected).first().waitFor();
  return response.innerText();
}

async function shoot(page, name) {
  if (screenshots) await page.screenshot({ path: `${screenshots}/${name}.png` });
}

test("it opens at / and /playground, runs a query and shows real names", async () => {
  for (const path of ["/", "/playground"]) {
    const page = await open(path);
    const answer = await run(page, "totalCount");
    assert.match(answer, /Bruno Jansen/);
    assert.deepEqual(page.wrong, []);
    await shoot(page, "desktop");
    await page.context().close();
  }
});

test("every starting tab runs without an error", async () => {
  const page = await open();
  const tabs = page.locator("button.graphiql-tab-button");
  assert.equal(await tabs.count(), TABS.length);
  const expectations = [
    ["Team", "totalCount"], ["Role", "memberCount"], ["Snapshot", "generation"], ["Groups", "unreadMessages"],
    ["Node", "memberCount"], ["Accounts", "second"], ["Cost", "fetchedAt"],
  ];
  for (const [name, expected] of expectations) {
    await tabs.getByText(name, { exact: true }).click();
    await page.locator(".graphiql-query-editor").getByText(name, { exact: true }).first().waitFor();
    const answer = await run(page, expected);
    assert.doesNotMatch(answer, /"errors"/);
    assert.doesNotMatch(answer, /"node": null/);
    if (expected === "fetchedAt") assert.match(answer, /"calls"/);
  }
  assert.deepEqual(page.wrong, []);
  await page.context().close();
});

test("the starting tabs' lines are wholly in view, on a desk and on a phone", async (t) => {
  const sample = await start("demo", { "tokens.enabled": true });
  t.after(() => sample.stop());
  for (const viewport of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
    const page = await open("/", viewport, sample.origin);
    const tabs = page.locator("button.graphiql-tab-button");
    for (const name of [...TABS, "Token"]) {
      await tabs.getByText(name, { exact: true }).click();
      const editor = page.locator(".graphiql-query-editor");
      await editor.getByText(name, { exact: true }).first().waitFor();
      const { content, room } = await editor.locator(".CodeMirror-scroll").evaluate((scroll) => {
        const lines = [...scroll.querySelectorAll(".CodeMirror-line > span")].map((line) => line.getBoundingClientRect().right);
        // The scrolled part is wider than what is seen of it.
        return { content: Math.max(...lines), room: scroll.closest(".CodeMirror").getBoundingClientRect().right };
      });
      assert.ok(content <= room, `${name} at ${viewport.width}: ${content} of ${room}`);
    }
    await shoot(page, `tabs-${viewport.width}`);
    await page.context().close();
  }
});

test("tokens have a tab only where the service issues a sample's", async (t) => {
  const page = await open();
  assert.equal(await page.locator("button.graphiql-tab-button").getByText("Token", { exact: true }).count(), 0);
  await page.context().close();
  const sample = await start("demo", { "tokens.enabled": true });
  t.after(() => sample.stop());
  const its = await open("/", undefined, sample.origin);
  await its.locator("button.graphiql-tab-button").getByText("Token", { exact: true }).click();
  await its.locator(".graphiql-query-editor").getByText("Token", { exact: true }).waitFor();
  const answer = await run(its, "active");
  assert.match(answer, /"token": "[^"]+"/);
  await its.context().close();
});

test("the live tab shows who comes online, without another press, until it is stopped", async () => {
  const page = await open();
  await page.locator("button.graphiql-tab-button").getByText("Live", { exact: true }).click();
  await page.locator(".graphiql-query-editor").getByText("Live", { exact: true }).waitFor();
  const shown = page.locator(".graphiql-response");
  await run(page, "stale");
  const { data } = await service.query("{ teamMembers(first: 1, orderBy: [{ field: NAME }]) { nodes { id } } }");
  await service.change(data.teamMembers.nodes[0].id, { unreadMessages: 4711 });
  await shown.getByText("4711").waitFor({ timeout: 30_000 });
  await page.click(".graphiql-execute-button[aria-label^='Stop']");
  assert.deepEqual(page.wrong.filter((problem) => !problem.endsWith("/graphql")), []);
  await page.context().close();
});

test("it completes a field's name", async () => {
  const page = await open();
  await page.locator(".graphiql-query-editor .CodeMirror").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("{ teamMembers { nodes { liveA");
  const hint = page.locator(".CodeMirror-hint", { hasText: "liveAvailability" });
  await hint.first().waitFor();
  await page.keyboard.press("Enter");
  assert.match(await page.locator(".graphiql-query-editor .CodeMirror-code").innerText(), /liveAvailability/);
  await page.context().close();
});

test("the docs describe a field", async () => {
  const page = await open();
  await page.click("[aria-label='Show Documentation Explorer']");
  const docs = page.locator(".graphiql-doc-explorer");
  await docs.getByText("TeamMember", { exact: true }).first().click();
  await docs.getByText("How many messages the member has not read.").waitFor();
  await shoot(page, "docs");
  await page.context().close();
});

test("no request leaves the machine, and nothing is kept", async () => {
  const page = await open();
  await run(page, "totalCount");
  assert.ok(page.seen.length >= 4);
  for (const url of page.seen) assert.ok(url.startsWith(origin) || url.startsWith("data:"), url);
  const kept = await page.evaluate(() => ({ local: localStorage.length, session: sessionStorage.length, cookie: document.cookie }));
  assert.deepEqual(kept, { local: 0, session: 0, cookie: "" });
  await page.context().close();
});

test("the page may run, load and be framed by nothing else", async () => {
  const response = await fetch(origin);
  const policy = response.headers.get("content-security-policy");
  for (const rule of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]) {
    assert.ok(policy.includes(rule), rule);
  }
  assert.equal(response.headers.get("referrer-policy"), "no-referrer");
  assert.doesNotMatch(await response.text(), /<script>/);
});

test("it can be used at phone width", async () => {
  const page = await open("/", { width: 390, height: 844 });
  const answer = await run(page, "totalCount");
  assert.match(answer, /Bruno Jansen/);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `the page is ${wide} wide`);
  for (const part of [".graphiql-query-editor", ".graphiql-response"]) {
    const box = await page.locator(part).boundingBox();
    assert.ok(box.width >= 300 && box.height >= 120, `${part}: ${JSON.stringify(box)}`);
  }
  await shoot(page, "phone");
  await page.click("[aria-label='Show Documentation Explorer']");
  await page.locator(".graphiql-doc-explorer").getByText("TeamMember", { exact: true }).first().click();
  await shoot(page, "phone-docs");
  assert.deepEqual(page.wrong, []);
  await page.context().close();
});
