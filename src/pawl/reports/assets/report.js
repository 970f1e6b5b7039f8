"use strict";
(() => {
  const root = document.documentElement;
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const isCoarse = window.matchMedia("(pointer: coarse)").matches;
  const chosen = new Map();

  // Colours and fonts are written as `var(--name)`, so one specification serves the light and the dark scheme.
  function resolved(value, style) {
    if (typeof value === "string") {
      const found = /^var\((--[a-z0-9-]+)\)$/.exec(value);
      return found ? style.getPropertyValue(found[1]).trim() : value;
    }
    if (Array.isArray(value)) return value.map((one) => resolved(one, style));
    if (value !== null && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolved(one, style)]));
    }
    return value;
  }

  function draw(chart) {
    const style = getComputedStyle(root);
    const choice = chart.choices[chosen.get(chart.id) ?? -1];
    const traces = chart.traces.map((trace, i) => ({
      ...resolved(trace, style),
      ...(choice ? { x: choice.x, y: choice.ys[i] } : {}),
    }));
    // On a touch screen a drag scrolls the page; with a mouse it zooms, and a double click goes back.
    const layout = { ...resolved(chart.layout, style), ...(isCoarse ? { dragmode: false } : {}) };
    return Plotly.react(chart.id, traces, layout, { displayModeBar: false, responsive: true });
  }

  function drawAll() {
    return Promise.all(charts.map(draw));
  }

  for (const picker of document.querySelectorAll("select[data-chart]")) {
    const chart = charts.find((one) => one.id === picker.dataset.chart);
    const choose = () => {
      chosen.set(chart.id, Number(picker.value));
      return draw(chart);
    };
    chosen.set(chart.id, Number(picker.value));
    picker.addEventListener("change", choose);
  }

  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);

  window.addEventListener("beforeprint", () => {
    root.dataset.print = "";
    for (const part of document.querySelectorAll("details[data-print-open]")) part.open = true;
    drawAll();
  });
  window.addEventListener("afterprint", () => {
    delete root.dataset.print;
    drawAll();
  });

  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const link of links.values()) link.removeAttribute("aria-current");
        const link = links.get(entry.target.id);
        link?.setAttribute("aria-current", "true");
        link?.closest("ol").scrollTo({ left: link.offsetLeft - 20 });
      }
    },
    { rootMargin: "-15% 0px -75% 0px" },
  );
  for (const section of document.querySelectorAll("main > section")) seen.observe(section);

  drawAll().then(() => {
    root.dataset.drawn = "";
  });
})();
