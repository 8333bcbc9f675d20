// `make pictures`: renders the README's pictures of the explorer and the example page, in the browser of the suites.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { start } from "./service.js";

const dashboard = fileURLToPath(new URL("../examples/team-dashboard", import.meta.url));
const load = createRequire(`${dashboard}/package.json`);
const { chromium } = load("playwright-core");
const { preview } = await import(new URL("node_modules/vite/dist/node/index.js", `file://${dashboard}/`));

const to = (name) => fileURLToPath(new URL(`../docs/${name}.jpg`, import.meta.url));
const picture = { type: "jpeg", quality: 70 };
const service = await start("demo");
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const options = { viewport: { width: 1000, height: 640 }, colorScheme: "light" };

const explorer = await browser.newPage(options);
await explorer.goto(service.origin);
await explorer.waitForSelector(".graphiql-execute-button");
const answer = explorer.locator(".graphiql-response").getByText("totalCount").first();
// GraphiQL takes a moment to notice which operation a tab has.
while (!(await answer.isVisible())) {
  await explorer.click(".graphiql-execute-button");
  await answer.waitFor({ timeout: 1000 }).catch(() => {});
}
await explorer.mouse.move(0, 0);
await explorer.screenshot({ path: to("explorer"), ...picture });

process.env.SERVICE_URL = service.origin;
process.chdir(dashboard);
const server = await preview({ preview: { host: "127.0.0.1", port: 0 }, logLevel: "silent" });
const page = await browser.newPage(options);
await page.goto(`http://127.0.0.1:${server.httpServer.address().port}`);
await page.getByText("12 people").waitFor();
await page.screenshot({ path: to("dashboard"), ...picture });

await browser.close();
await server.close();
service.stop();
