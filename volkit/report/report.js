(() => {
  "use strict";
  // Tables: a button in each head sorts up, down, and back to the order of the report.
  const keyOf = (cell) => cell.dataset.value ?? cell.textContent.trim();
  const sortBy = (table, column, direction) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].sort((a, b) => a.dataset.order - b.dataset.order);
    if (direction) {
      const keys = new Map(rows.map((row) => [row, keyOf(row.cells[column])]));
      const present = rows.filter((row) => keys.get(row) !== "");
      const missing = rows.filter((row) => keys.get(row) === "");
      const numeric = present.every((row) => !Number.isNaN(Number(keys.get(row))));
      const order = numeric
        ? (a, b) => { const x = Number(a), y = Number(b); return x < y ? -1 : x > y ? 1 : 0; }
        : (a, b) => (a < b ? -1 : a > b ? 1 : 0);
      present.sort((a, b) => direction * order(keys.get(a), keys.get(b)));
      body.append(...present, ...missing);
    } else {
      body.append(...rows);
    }
  };
  for (const table of document.querySelectorAll("main .table-scroll table")) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 2 || table.closest(".card")) continue;
    rows.forEach((row, number) => { row.dataset.order = number; });
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (!head.textContent.trim()) return;
      const button = document.createElement("button");
      button.type = "button";
      button.title = "Sort by this column";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: "" }[head.getAttribute("aria-sort")] ?? "ascending";
        heads.forEach((one) => one.removeAttribute("aria-sort"));
        if (next) head.setAttribute("aria-sort", next);
        sortBy(table, column, { ascending: 1, descending: -1 }[next] ?? 0);
      });
    });
  }
  // Contents: open beside the text, folded above it on a narrow window.
  const contents = document.querySelector("nav details");
  if (contents) {
    const wide = matchMedia("(min-width: 70rem)");
    const fold = () => { contents.open = wide.matches; };
    wide.addEventListener("change", fold);
    fold();
    const links = new Map([...contents.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
    const heads = [...links.keys()].map((name) => document.getElementById(name)).filter(Boolean);
    let waiting = false;
    const mark = () => {
      waiting = false;
      const isEnd = scrollY > 0 && innerHeight + scrollY > document.documentElement.scrollHeight - 2;
      const read = isEnd ? heads.at(-1) : heads.filter((head) => head.getBoundingClientRect().top < innerHeight / 3).at(-1);
      links.forEach((link, name) => {
        if (read && name === read.id) link.setAttribute("aria-current", "location");
        else link.removeAttribute("aria-current");
      });
    };
    addEventListener("scroll", () => {
      if (!waiting) { waiting = true; requestAnimationFrame(mark); }
    }, { passive: true });
    mark();
  }
  // Print: everything is open on paper.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => { closed.forEach((one) => { one.open = false; }); });
})();
