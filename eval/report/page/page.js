"use strict";
// Draws the charts, and makes tables sort and filter, the language and the theme switch. No text becomes HTML.
(() => {
  const root = document.documentElement;
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");

  function remembered(key) {
    try { return window.localStorage.getItem(key); } catch (error) { return null; } // refused: nothing is kept
  }
  function remember(key, value) {
    try { window.localStorage.setItem(key, value); } catch (error) { /* refused: this page alone has it */ }
  }

  // charts: Bokeh draws each from its JSON; a chart that fails says so where it would stand
  const items = JSON.parse(document.getElementById("charts").textContent);
  const views = new Map();
  const drawn = [...document.querySelectorAll(".plot")].map((place) =>
    window.Bokeh.embed.embed_item(items[Number(place.dataset.chart)], place).then((made) => {
      views.set(place, made);
    }, (error) => { place.textContent = String(error); }));

  function toggle(button) {
    const place = button.closest(".chart").querySelector(".plot");
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    for (const model of modelsOf(views.get(place))) {
      const [what, entry] = model.tags || [];
      if (what === "entry" && entry === Number(button.dataset.entry)) model.visible = on;
    }
  }
  function modelsOf(made) {
    return made ? [...made.roots].flatMap((each) => [...each.model.document.all_models]) : [];
  }
  for (const button of document.querySelectorAll(".entry")) {
    button.addEventListener("click", () => toggle(button));
  }

  function nameCharts(language) {
    const at = language === "zh" ? 2 : 1;
    for (const doc of window.Bokeh.documents) {
      for (const model of doc.all_models) {
        const [what, ...names] = model.tags || [];
        if (what === "axis") model.axis_label = names[at - 1];
      }
    }
  }

  function speak(language) {
    root.lang = language;
    root.dataset.language = language;
    for (const each of document.querySelectorAll("[data-zh]")) {
      each.setAttribute("aria-label", each.dataset[language]);
    }
    document.title = document.querySelector(`h1 [lang="${language}"]`).textContent;
    nameCharts(language);
  }
  Promise.all(drawn).then(() => {
    root.dataset.drawn = String(drawn.length);
    nameCharts(root.dataset.language);
  });
  speak(root.dataset.language);
  document.getElementById("language").addEventListener("click", () => {
    speak(root.dataset.language === "en" ? "zh" : "en");
  });

  // theme: what the system says, until a person says otherwise
  function isDark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches;
  }
  function paint() { root.toggleAttribute("data-dark", isDark()); }
  const theme = remembered("theme");
  if (theme) root.dataset.theme = theme;
  paint();
  prefersDark.addEventListener("change", paint);
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember("theme", root.dataset.theme);
    paint();
  });

  // tables: numbers as numbers, what is no number after them, whichever way they are sorted
  function compare(one, two, sign) {
    const [a, b] = [Number(one), Number(two)];
    const [first, second] = [one !== "" && !Number.isNaN(a), two !== "" && !Number.isNaN(b)];
    if (first && second) return sign * (a - b);
    if (first !== second) return first ? -1 : 1;
    if ((one === "") !== (two === "")) return one === "" ? 1 : -1;
    return sign * one.localeCompare(two);
  }
  function sort(button) {
    const heading = button.closest("th");
    const table = heading.closest("table");
    const column = [...heading.parentNode.children].indexOf(heading);
    const order = button.dataset.order === "up" ? "down" : "up";
    for (const other of table.querySelectorAll(".sort")) {
      delete other.dataset.order;
      other.closest("th").removeAttribute("aria-sort");
    }
    button.dataset.order = order;
    heading.setAttribute("aria-sort", order === "up" ? "ascending" : "descending");
    const sign = order === "up" ? 1 : -1;
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => compare(a.cells[column].dataset.value, b.cells[column].dataset.value, sign));
    table.tBodies[0].append(...rows);
  }
  for (const button of document.querySelectorAll(".sort")) {
    button.addEventListener("click", () => sort(button));
  }
  function said(cell) {
    const words = cell.querySelector(`[lang="${root.dataset.language}"]`) || cell;
    return words.textContent.toLowerCase();
  }
  function filter(input) {
    const block = input.closest(".table");
    const wanted = input.value.trim().toLowerCase();
    const rows = [...block.querySelectorAll("tbody tr")];
    let shown = 0;
    for (const row of rows) {
      row.hidden = ![...row.cells].some((cell) => said(cell).includes(wanted));
      shown += row.hidden ? 0 : 1;
    }
    block.querySelector(".counted").textContent = wanted ? `${shown} / ${rows.length}` : "";
  }
  for (const input of document.querySelectorAll(".filter")) {
    input.addEventListener("input", () => filter(input));
  }

  // on paper every fold is open
  const folded = [];
  window.addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details:not([open])")) {
      fold.open = true;
      folded.push(fold);
    }
  });
  window.addEventListener("afterprint", () => {
    for (const fold of folded.splice(0)) fold.open = false;
  });
})();
