"use strict";
(() => {
  const table = document.querySelector(".findings");
  if (!table) return;
  const bodies = [...table.tBodies];
  const controls = document.querySelector(".tools");
  const said = document.getElementById("said");
  const texts = new Map();
  const text = body => {
    if (!texts.has(body)) texts.set(body, body.rows[0].textContent.toLowerCase());
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
    said.textContent = `${shown} of ${bodies.length} findings shown`;
    document.getElementById("empty").hidden = shown > 0;
  };
  const value = (body, key) => key === "place" ? [body.dataset.path, Number(body.dataset.line)] : key === "rank" || key === "weight" ? [Number(body.dataset[key])] : [body.dataset[key]];
  const compare = (a, b) => {
    for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
  };
  table.tHead.addEventListener("click", event => {
    const button = event.target.closest("button");
    if (!button) return;
    const head = button.closest("th");
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const keyed = bodies.map((body, index) => ({body, index, key: value(body, button.dataset.key)}));
    keyed.sort((a, b) => (down ? -1 : 1) * compare(a.key, b.key) || a.index - b.index);
    table.append(...keyed.map(item => item.body));
    said.textContent = `sorted by ${button.textContent.trim()}, ${down ? "descending" : "ascending"}`;
  });
  table.addEventListener("click", event => {
    const button = event.target.closest(".open");
    if (button) open(button.closest("tbody"), button.getAttribute("aria-expanded") !== "true");
  });
  controls.addEventListener("input", filter);
  controls.addEventListener("submit", event => event.preventDefault());
  controls.addEventListener("reset", () => setTimeout(filter));
  document.getElementById("all").addEventListener("click", event => {
    const yes = event.target.getAttribute("aria-pressed") !== "true";
    event.target.setAttribute("aria-pressed", String(yes));
    for (const body of bodies) if (!body.hidden) open(body, yes);
  });
  document.addEventListener("toggle", event => {
    for (const box of event.target.querySelectorAll(".scroll")) box.scrollLeft = (box.scrollWidth - box.clientWidth) / 2;
  }, true);
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
