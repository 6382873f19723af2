// Looks at a whole site in Chromium: clicks through every page, and reports what it sees as JSON.
// node look.mjs URL FOLDER [PICTURES]: playwright-core and axe-core are in FOLDER/node_modules.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [url, folder, pictures] = process.argv.slice(2);
const require = createRequire(`${folder}/package.json`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const SIZES = { phone: [360, 740], desktop: [1280, 900], "4k": [3840, 2160] };

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const seen = { pages: {}, errors: [], foreign: [], violations: [], scrolls: [], hostile: [], facts: {} };

async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, permissions: ["clipboard-read", "clipboard-write"], ...options });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && seen.errors.push(`${page.url()}: ${message.text()}`));
  page.on("pageerror", (error) => seen.errors.push(`${page.url()}: ${error.message}`));
  page.on("dialog", async (dialog) => { seen.hostile.push(`dialog on ${page.url()}: ${dialog.message()}`); await dialog.dismiss(); });
  page.on("request", (request) => !request.url().startsWith(url) && !request.url().startsWith("data:") && seen.foreign.push(request.url()));
  return page;
}

// What no text from a repository may become.
const barred = () => {
  const found = [];
  for (const element of document.querySelectorAll("*")) {
    const name = element.tagName.toLowerCase();
    if (name === "script" && (!element.src.startsWith(`${location.origin}/static/`) || element.textContent)) found.push(element.outerHTML);
    if (["iframe", "object", "embed", "base", "foreignobject", "style"].includes(name)) found.push(element.outerHTML.slice(0, 200));
    for (const { name: key, value } of element.attributes) {
      if (key.startsWith("on") || key === "style" || key === "srcdoc") found.push(`${name} ${key}`);
      if (/^\s*(javascript|vbscript|data:text)/i.test(value)) found.push(`${name} ${key}=${value.slice(0, 80)}`);
      if (["href", "src", "action", "xlink:href"].includes(key) && !(name === "img" && value.startsWith("data:image/")) && new URL(value, location.href).origin !== location.origin) found.push(`${name} ${key}=${value.slice(0, 80)}`);
    }
  }
  if (window.pwned) found.push(`pwned: ${window.pwned}`);
  if (/[\u202a-\u202e\u2066-\u2069\u200b\ufeff]/.test(document.documentElement.textContent)) found.push("invisible characters");
  return found;
};

async function visit(page, address) {
  const answer = await page.goto(address);
  seen.pages[address.slice(url.length)] = answer.status();
  for (const found of await page.evaluate(barred)) seen.hostile.push(`${address.slice(url.length)}: ${found}`);
  const links = await page.$$eval("a[href]", (items) => items.map((item) => item.href));
  return links.map((link) => link.split("#")[0]).filter((link) => link.startsWith(url));
}

async function barriers(page, what) {
  await page.evaluate(axe);
  const { passes, violations } = await page.evaluate(() => window.axe.run());
  seen.facts.rules = Math.max(seen.facts.rules ?? 0, passes.length);
  for (const { id, nodes } of violations) seen.violations.push(`${what}: ${id}: ${nodes.map((node) => node.target).join(" ").slice(0, 300)}`);
}

const page = await open();
const waiting = [`${url}index.html`];
for (const address of waiting) {
  for (const link of await visit(page, address)) if (!waiting.includes(link)) waiting.push(link);
  if (pictures !== "hostile") await barriers(page, address.slice(url.length));
}

if (pictures === "hostile") {
  // What the script makes of hostile text.
  await page.goto(`${url}compare.html#ranker@v1.0.0,ranker@v1.1.0`);
  await page.waitForSelector("#comparison table");
  seen.facts.compared = await page.locator("#comparison tbody tr").count();
  seen.hostile.push(...await page.evaluate(barred));
  await page.goto(`${url}search.html#script`);
  await page.waitForSelector(".found li");
  seen.facts.found = await page.locator(".found li").count();
  seen.hostile.push(...await page.evaluate(barred));
} else {
  // Each kind of page, in dark, on a phone and on a large screen, and without JavaScript.
  const kinds = ["index.html", "models/ranker/index.html", "models/ranker/v1.1.0.html", "models/ranker/compare.html", "compare.html", "audit/index.html", "policy.html", "search.html"];
  for (const scheme of ["light", "dark"]) {
    for (const [size, [width, height]] of Object.entries(SIZES)) {
      const other = await open({ viewport: { width, height }, colorScheme: scheme });
      for (const kind of kinds) {
        await other.goto(url + kind);
        await barriers(other, `${kind} ${scheme} ${size}`);
        const wider = await other.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (wider > 0) seen.scrolls.push(`${kind} ${size}: ${wider}`);
        if (pictures) await other.screenshot({ path: `${pictures}/${kind.replaceAll("/", "-").replace(".html", "")}-${scheme}-${size}.png`, fullPage: size !== "4k" });
      }
      await other.context().close();
    }
  }
  // On paper: what is too wide there is cut off.
  const paper = await open({ viewport: { width: 680, height: 960 } });
  await paper.emulateMedia({ media: "print" });
  for (const kind of kinds) {
    await paper.goto(url + kind);
    const wider = await paper.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wider > 0) seen.scrolls.push(`${kind} print: ${wider}`);
    if (pictures) await paper.pdf({ path: `${pictures}/${kind.replaceAll("/", "-").replace(".html", "")}.pdf`, format: "A4" });
  }

  const plain = await open({ javaScriptEnabled: false });
  await plain.goto(`${url}models/ranker/compare.html`);
  seen.facts.compareWithoutScript = await plain.locator("#comparison tbody tr").count();
  await plain.goto(`${url}models/ranker/index.html`);
  seen.facts.chartsWithoutScript = await plain.locator("figure.chart svg").count();
  seen.facts.buttonsWithoutScript = await plain.locator("button:visible").count();

  // Dark and light by the button, and remembered.
  await page.goto(`${url}index.html`);
  const colour = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await colour();
  await page.click("button.theme");
  const after = await colour();
  await page.goto(`${url}policy.html`);
  seen.facts.theme = [before !== after, (await colour()) === after];

  // Copying.
  await page.goto(`${url}models/ranker/v1.1.0.html`);
  await page.locator("button.copy").first().click();
  seen.facts.copied = await page.evaluate(() => navigator.clipboard.readText());

  // Search, by the keyboard.
  await page.goto(`${url}search.html`);
  await page.locator("input[type=search]").focus();
  await page.keyboard.type("ranker v1.1");
  await page.waitForSelector(".found li");
  seen.facts.found = await page.locator(".found a").allTextContents();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/models/**");
  seen.facts.opened = page.url().slice(url.length);

  // Comparing: two by the address, a third by the form, and one less.
  await page.goto(`${url}compare.html#ranker@v1.0.0,ranker@v1.1.0`);
  await page.waitForSelector("#comparison table");
  const columns = () => page.locator("#comparison thead th a").allTextContents();
  seen.facts.two = await columns();
  await page.selectOption("[name=model]", "ranker");
  await page.selectOption("[name=version]", "v1.2.0");
  await page.click(".pick button");
  await page.waitForFunction(() => document.querySelectorAll("#comparison thead th a").length === 3);
  seen.facts.three = await columns();
  seen.facts.best = await page.locator("#comparison .best").count();
  await page.locator(".picked button").first().click();
  await page.waitForFunction(() => document.querySelectorAll("#comparison thead th a").length === 2);
  await page.goto(`${url}compare.html#ranker@v9.9.9`);
  await page.waitForFunction(() => document.querySelector("[role=status]").textContent);
  seen.facts.unknown = await page.locator("[role=status]").textContent();
}

await browser.close();
console.log(JSON.stringify(seen, null, 1));
