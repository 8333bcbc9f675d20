// The example, started as its readme says, and looked at in Chromium.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { createInterface } from "node:readline";

import { chromium } from "playwright-core";

const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic"];
let child, browser, url;

before(async () => {
  child = spawn(process.execPath, ["start.js"], { cwd: import.meta.dirname, env: { ...process.env, PORT: "0" }, stdio: ["ignore", "pipe", "inherit"] });
  url = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => line.startsWith("The graph: ") && resolve(line.slice("The graph: ".length)));
    child.once("exit", (code) => reject(new Error(`it ended with ${code}`)));
  });
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", ...quiet] });
});

after(async () => {
  await browser?.close();
  child?.removeAllListeners("exit");
  child?.kill();
});

/** Opens a page of it; what the page asked for, and what the browser complained about, is kept. */
async function open(path, options = {}) {
  const page = await (await browser.newContext(options)).newPage();
  const [seen, wrong] = [[], []];
  page.on("request", (request) => seen.push(new URL(request.url()).origin));
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
  await page.goto(new URL(path, url).href);
  return { page, seen, wrong };
}

for (const [size, width] of [["a desktop", 1280], ["a phone", 390]]) {
  test(`the page shows leads with people and permissions, on ${size}`, async () => {
    const { page, seen, wrong } = await open("/", { viewport: { width, height: 800 } });
    const cards = page.locator("#leads li");
    await cards.nth(11).waitFor();
    assert.match(await cards.first().innerText(), /\$[\d,]+[^]*@tall-pines\.example[^]*leads:read/);
    // One request to each subgraph, whatever the number of leads.
    assert.equal(await page.locator("#cost").innerText(), "Requests of the gateway: 1 to leads, 1 to team, 1 to permissions.");
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/supergraph-${width}.png` });
    await page.locator("#session").selectOption("lantern");
    await cards.filter({ hasText: "@lantern-books.example" }).nth(11).waitFor();
    assert.equal(await cards.filter({ hasText: "@tall-pines.example" }).count(), 0);
    assert.deepEqual([[...new Set(seen)], wrong], [[new URL(url).origin], []]);
  });
}

test("GraphiQL opens, and asks no other host for anything", async () => {
  const { page, seen, wrong } = await open("/graphql");
  await page.getByRole("button", { name: /execute query/i }).click();
  await page.locator(".result-window", { hasText: "permissions" }).waitFor();
  assert.deepEqual([...new Set(seen)].filter((origin) => origin !== new URL(url).origin && origin !== "null"), []);
  assert.deepEqual(wrong, []);
});

test("a client cannot choose the account: what it says of one is not passed on", async () => {
  const headers = { "content-type": "application/json", "x-session": "lantern", "x-flowmatix-email": "ops@tall-pines.example", "x-flowmatix-type": "CUSTOM_USER" };
  const body = JSON.stringify({ query: "{ team { account { email } } }" });
  const { data } = await (await fetch(new URL("/graphql", url), { method: "POST", headers, body })).json();
  assert.deepEqual(data, { team: { account: { email: "maya@lantern-books.example" } } });
});
