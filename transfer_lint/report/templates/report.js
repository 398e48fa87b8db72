"use strict";
(() => {
  const table = document.querySelector(".findings");
  if (!table) return;
  const all = [...table.tBodies];
  const bodies = all.filter(body => body.classList.contains("finding"));
  const heads = new Map(all.filter(body => body.classList.contains("file")).map(body => [body.dataset.path, body]));
  const controls = document.querySelector(".tools");
  const said = document.getElementById("said");
  const texts = new Map();
  const text = body => {
    if (!texts.has(body)) texts.set(body, (body.dataset.path + " " + body.rows[0].textContent).toLowerCase());
    return texts.get(body);
  };
  const open = (body, yes) => {
    body.rows[1].hidden = !yes;
    body.querySelector(".open").setAttribute("aria-expanded", String(yes));
  };
  const filter = () => {
    const words = controls.elements.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = ["severity", "rule", "fix"].map(name => [name, controls.elements[name].value]).filter(pair => pair[1]);
    let shown = 0;
    for (const body of bodies) {
      const fits = wanted.every(([name, value]) => body.dataset[name] === value) && words.every(word => text(body).includes(word));
      body.hidden = !fits;
      shown += fits;
    }
    const full = new Set(bodies.filter(body => !body.hidden).map(body => body.dataset.path));
    for (const [path, head] of heads) head.hidden = !full.has(path);
    said.textContent = `${shown} of ${bodies.length} findings shown`;
    document.getElementById("empty").hidden = shown > 0;
  };
  const value = (body, key) => key === "place" ? [body.dataset.path, Number(body.dataset.line)] : key === "rank" || key === "weight" ? [Number(body.dataset[key])] : [body.dataset[key]];
  const compare = (a, b) => {
    for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
  };
  let order = bodies;
  const arrange = () => {
    const grouped = controls.elements.grouped.checked;
    table.classList.toggle("grouped", grouped);
    if (!grouped) { table.append(...heads.values(), ...order); return; }
    const own = new Map([...heads.keys()].map(path => [path, []]));
    for (const body of order) own.get(body.dataset.path).push(body);
    for (const [path, head] of heads) table.append(head, ...own.get(path));
  };
  const quoted = text => {
    const safe = /^[=+\-@\t\r]/.test(text) ? "'" + text : text; // a table program would take it for a formula
    return `"${safe.replaceAll('"', '""')}"`;
  };
  document.getElementById("csv").addEventListener("click", () => {
    const names = ["severity", "rule", "path", "place", "what", "heat", "fix", "todo"];
    if (bodies[0].dataset.saves !== undefined) names.push("saves");
    const rows = [...table.tBodies].filter(body => body.classList.contains("finding") && !body.hidden);
    const lines = [names, ...rows.map(body => names.map(name => body.dataset[name]))];
    const text = lines.map(line => line.map(quoted).join(",") + "\r\n").join("");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff", text], {type: "text/csv"}));
    link.download = "transfers.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href));
    said.textContent = `${rows.length} findings saved`;
  });
  table.tHead.addEventListener("click", event => {
    const button = event.target.closest("button");
    if (!button) return;
    const head = button.closest("th");
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const keyed = bodies.map((body, index) => ({body, index, key: value(body, button.dataset.key)}));
    keyed.sort((a, b) => (down ? -1 : 1) * compare(a.key, b.key) || a.index - b.index);
    order = keyed.map(item => item.body);
    arrange();
    said.textContent = `sorted by ${button.textContent.trim()}, ${down ? "descending" : "ascending"}`;
  });
  table.addEventListener("click", event => {
    const button = event.target.closest(".open");
    if (button) open(button.closest("tbody"), button.getAttribute("aria-expanded") !== "true");
  });
  controls.addEventListener("input", event => event.target.name === "grouped" ? arrange() : filter());
  controls.addEventListener("submit", event => event.preventDefault());
  controls.addEventListener("reset", () => setTimeout(() => { filter(); arrange(); }));
  document.getElementById("all").addEventListener("click", event => {
    const yes = event.target.getAttribute("aria-pressed") !== "true";
    event.target.setAttribute("aria-pressed", String(yes));
    for (const body of bodies) if (!body.hidden) open(body, yes);
  });
  const arrive = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const around = target && target.closest("details");
    if (around) around.open = true;
    const body = target && target.closest("tbody");
    if (body) open(body, true);
    if (target) target.scrollIntoView({block: "center"});
  };
  addEventListener("hashchange", arrive);
  arrive();
  controls.hidden = false;
})();
