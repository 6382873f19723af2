// Conveniences: dark or light, copying, search, comparing. Without this script all pages can be read.
// Text is only ever set as text, so that no name or description becomes markup.
"use strict";

const root = document.body.dataset.root;
const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

function element(name, text = "", properties = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  return Object.assign(made, properties);
}

async function load(path) {
  const answer = await fetch(root + path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

// As the page's own text: without characters that are not visible.
const visible = (text) => String(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0).toString(16)}}`);

const number = (value) => Number(value.toPrecision(6)).toString();

// Dark or light.

function remembered() {
  try { return localStorage.getItem("theme"); } catch { return null; }
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  try { localStorage.setItem("theme", theme); } catch { /* it is not remembered */ }
}

if (remembered()) document.documentElement.dataset.theme = remembered();
const isDark = () => getComputedStyle(document.documentElement).colorScheme === "dark"
  || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
for (const button of all("button.theme")) {
  button.hidden = false;
  button.addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
}

// Copying.

for (const button of all("button.copy")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(one("code", button.parentElement).textContent);
    button.textContent = "Copied";
  });
}

// Search: the shards are loaded at the first word.

function setUpSearch(form) {
  const [input, list, status] = [one("input", form), one(".found"), one("[role=status]")];
  const shards = form.dataset.shards.split(" ").filter(Boolean);
  let entries;
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  input.addEventListener("input", async () => {
    entries ??= Promise.all(shards.map((shard) => load(`search/${shard}.json`))).then((parts) => parts.flat());
    try { show(await entries); } catch (error) { status.textContent = `Search does not work here: ${error.message}`; }
  });

  function show(known) {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const score = ([title, , text]) => {
      const [name, rest] = [title.toLowerCase(), text.toLowerCase()];
      if (!words.length || !words.every((word) => name.includes(word) || rest.includes(word))) return 0;
      return 1 + words.filter((word) => name.includes(word)).length - name.length / 1000;
    };
    const found = known.map((entry) => [score(entry), entry]).filter(([points]) => points)
      .sort(([first], [second]) => second - first).map(([, entry]) => entry);
    status.textContent = words.length ? `${found.length} found` : "";
    list.replaceChildren(...found.slice(0, 100).map(([title, page, text]) => {
      const item = element("li");
      item.append(element("a", visible(title), { href: root + page }), element("div", visible(text.slice(0, 200)), { className: "quiet" }));
      return item;
    }));
  }
  if (location.hash.length > 1) {
    input.value = decodeURIComponent(location.hash.slice(1));
    input.dispatchEvent(new Event("input"));
  }
}
for (const form of all("form.search")) setUpSearch(form);

// Comparing: the address names the versions, such as #ranker@v1.2.0,ranker@v1.3.0.

function setUpCompare(form) {
  const [models, versions] = [one("[name=model]", form), one("[name=version]", form)];
  const [picked, status, target] = [one(".picked"), one("[role=status]"), one("#comparison")];
  const data = new Map();
  let folders = new Map();

  const parts = (ref) => [ref.slice(0, ref.lastIndexOf("@")), ref.slice(ref.lastIndexOf("@") + 1)];
  const chosen = () => decodeURIComponent(location.hash.slice(1)).split(",").filter((ref) => ref.includes("@"));
  const choose = (refs) => { location.hash = refs.map(encodeURIComponent).join(","); };
  const of = async (model) => {
    if (!folders.has(model)) throw new Error(`there is no model ${visible(model)}`);
    if (!data.has(model)) data.set(model, load(`${folders.get(model)}/data.json`));
    return data.get(model);
  };

  async function offer() {
    const found = await of(models.value);
    versions.replaceChildren(...Object.keys(found.versions).reverse().map((name) => element("option", name)));
  }

  async function show() {
    const refs = chosen();
    picked.hidden = !refs.length;
    picked.replaceChildren(...refs.map((ref, index) => {
      const item = element("li");
      const button = element("button", `${visible(ref)} ✕`, { type: "button" });
      button.setAttribute("aria-label", `Remove ${visible(ref)}`);
      button.addEventListener("click", () => choose(refs.filter((_, other) => other !== index)));
      item.append(button);
      return item;
    }));
    if (refs.length) await table(refs);
  }

  async function table(refs) {
    const columns = await Promise.all(refs.map(async (ref) => {
      const [model, version] = parts(ref);
      const found = await of(model);
      if (!found.versions[version]) throw new Error(`there is no version ${visible(ref)}`);
      return { ref, href: `${root}${folders.get(model)}/${version}.html`, better: found.better, ...found.versions[version] };
    }));
    const made = element("table");
    const head = made.createTHead().insertRow();
    head.append(element("th", "", { scope: "col" }));
    for (const column of columns) {
      const cell = element("th", "", { scope: "col", className: "number" });
      cell.append(element("a", visible(column.ref), { href: column.href }));
      head.append(cell);
    }
    const body = made.createTBody();
    for (const name of new Set(columns.flatMap((column) => Object.keys(column.metrics)))) metric(body.insertRow(), name, columns);
    for (const name of new Set(columns.flatMap((column) => Object.keys(column.params)))) {
      row(body.insertRow(), name, columns.map((column) => visible(column.params[name] ?? "")));
    }
    row(body.insertRow(), "bytes", columns.map((column) => column.size?.toLocaleString("en") ?? ""));
    row(body.insertRow(), "registered", columns.map((column) => column.date.slice(0, 10)));
    target.replaceChildren(made);
    status.textContent = `${columns.length} versions`;
  }

  function row(line, name, texts) {
    line.append(element("th", visible(name), { scope: "row" }));
    for (const text of texts) line.append(element("td", text, { className: "number" }));
  }

  function metric(line, name, columns) {
    const values = columns.map((column) => column.metrics[name]);
    const known = values.filter(Boolean);
    const same = known.every(([, , content]) => content === known[0][2]);
    const higher = columns.map((column) => column.better[name]).find((better) => better === true || better === false);
    const numbers = known.map(([value]) => value);
    const best = higher === undefined || !same || numbers.length < 2 ? NaN : (higher ? Math.max : Math.min)(...numbers);
    row(line, name, values.map((value) => (value ? `${number(value[0])}${value[1] ? ` ± ${number(value[1])}` : ""}` : "")));
    all("td", line).forEach((cell, index) => {
      if (values[index]?.[0] === best && numbers.some((value) => value !== best)) {
        cell.classList.add("best");
        cell.append(" ", element("span", "best", { className: "tag" }));
      }
      if (values[index] && !same) cell.append(" ", element("span", "other data", { className: "tag" }));
    });
  }

  const attempt = (work) => () => work().catch((error) => { status.textContent = error.message; });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const ref = `${models.value}@${versions.value}`;
    if (versions.value && !chosen().includes(ref)) choose([...chosen(), ref]);
  });
  models.addEventListener("change", attempt(offer));
  addEventListener("hashchange", attempt(show));
  attempt(async () => {
    folders = new Map(await load("models.json"));
    models.replaceChildren(...[...folders.keys()].map((name) => element("option", name, { selected: name === models.dataset.model })));
    form.hidden = !folders.size;
    if (folders.size) await offer();
    await show();
  })();
}
for (const form of all("form.pick")) setUpCompare(form);
