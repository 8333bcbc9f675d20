// Chromium, and what the tests look at in it.

import { chromium } from "playwright-core";

// Without these the browser itself calls home, and nothing could be said of the page.
const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic"];
const screenshots = process.env.SCREENSHOTS;

export const launch = () => chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", ...quiet] });

/** Opens the page; `page.seen` has each request's URL, `page.bodies` its body, and `page.wrong` what the browser complained about. */
export async function open(browser, url, { clock = false, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  if (clock) await page.clock.install();
  page.seen = [];
  page.bodies = [];
  page.wrong = [];
  page.on("request", (request) => {
    page.seen.push(request.url());
    page.bodies.push(request.postData() ?? "");
  });
  page.on("pageerror", (error) => page.wrong.push(error.message));
  page.on("console", (message) => message.type() === "error" && page.wrong.push(message.text()));
  await page.goto(url);
  return page;
}

/** With SCREENSHOTS set to a folder, keeps a picture for people to look at. */
export async function shoot(page, name) {
  if (screenshots) await page.screenshot({ path: `${screenshots}/${name}.png`, fullPage: true });
}

/** Each text that is shown, with its contrast by WCAG's formula, worst first. */
export function contrasts(page) {
  return page.evaluate(() => {
    const channels = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
    const over = ([r, g, b, a = 1], below) => [r, g, b].map((channel, n) => channel * a + below[n] * (1 - a));
    const luminance = (rgb) => {
      const [r, g, b] = rgb.map((channel) => channel / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
      const base = element.parentElement ? ground(element.parentElement) : channels(getComputedStyle(document.documentElement).backgroundColor);
      return over(channels(getComputedStyle(element).backgroundColor), base);
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      const text = walker.currentNode.textContent.trim();
      if (!text || !element.checkVisibility()) continue;
      const below = ground(element);
      const [light, dark] = [luminance(over(channels(getComputedStyle(element).color), below)), luminance(below)].sort((a, b) => b - a);
      found.push({ text, ratio: (light + 0.05) / (dark + 0.05) });
    }
    return found.sort((a, b) => a.ratio - b.ratio);
  });
}

/** Controls without a name, too small to be touched, or partly outside the page. */
export async function controls(page) {
  // As assistive technology sees it: `- button "Refresh"`.
  const tree = (await page.locator("body").ariaSnapshot()).split("\n").map((line) => line.trim());
  const roles = /^- (button|link|textbox|searchbox|combobox|checkbox)\b/;
  const unnamed = tree.filter((line) => roles.test(line) && !/^- \w+ ".+"/.test(line));
  const boxes = await page.locator("button, input, select, a").evaluateAll((elements) =>
    elements.map((element) => {
      const { left, right, height } = (element.closest("label") ?? element).getBoundingClientRect();
      return { about: element.outerHTML.slice(0, 80), inside: left >= 0 && right <= innerWidth, height };
    }),
  );
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  return {
    seen: tree.filter((line) => roles.test(line)).length,
    unnamed,
    small: boxes.filter(({ height }) => height < 24),
    outside: boxes.filter(({ inside }) => !inside).concat(wide ? ["the page"] : []),
  };
}
