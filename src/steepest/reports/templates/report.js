"use strict";
(() => {
  const root = document.documentElement;
  const $ = (id) => document.getElementById(id);
  const all = (query, within = document) => [...within.querySelectorAll(query)];
  const data = JSON.parse($("data").textContent);
  root.classList.add("js");

  // ---- theme: the system's, until the button says otherwise; nothing is kept --------------
  const system = matchMedia("(prefers-color-scheme: dark)");
  let theme = null;
  const dark = () => (theme ?? (system.matches ? "dark" : "light")) === "dark";
  const setTheme = (name) => {
    theme = name;
    if (name) root.dataset.theme = name; else delete root.dataset.theme;
    redraw();
  };
  system.addEventListener("change", () => redraw());
  $("theme").addEventListener("click", () => setTheme(dark() ? "light" : "dark"));

  // ---- pictures -------------------------------------------------------------------------
  const PAINTED = /color$|^color$/;
  const paint = (text, style) => {
    const found = /^@([a-z0-9]+)(?:\/(\d+))?$/.exec(text);
    if (!found) return text;
    if (found[1] === "clear") return "rgba(0,0,0,0)";
    const name = /^\d/.test(found[1]) ? `o${found[1]}` : found[1];
    const hex = style.getPropertyValue(`--${name}`).trim();
    const full = hex.length === 4 ? hex.replace(/[0-9a-f]/gi, "$&$&") : hex;
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(full.slice(i, i + 2), 16));
    return `rgba(${r},${g},${b},${found[2] ? found[2] / 100 : 1})`;
  };
  // Tokens stand for colours only where a colour is due: text stays what it is.
  const painted = (value, style, key = "") => {
    if (Array.isArray(value)) return value.map((one) => painted(one, style, key));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, painted(v, style, k)]));
    }
    return typeof value === "string" && PAINTED.test(key) ? paint(value, style) : value;
  };
  const hidden = new Set();
  const drawn = new Set();
  const config = { displaylogo: false, displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false };
  const shownAs = { x: "epochs", y: null, scale: null };

  const figureOf = (key) => {
    const { figure, variants } = data.figures[key];
    let traces = figure.data;
    let layout = figure.layout;
    if (variants) {
      const x = variants.x[shownAs.x];
      const y = variants.y[shownAs.y];
      traces = traces.map((t, i) => ({ ...t, x: x.data[i], y: y.data[i] }));
      const { tick0: _, dtick: __, ...across } = layout.xaxis;
      const { type, dtick, exponentformat, tickmode, tickvals, ticktext, ...plain } = layout.yaxis;
      const log = shownAs.scale === "log" && y.log ? { type: "log", ...y.ticks } : {};
      layout = {
        ...layout,
        xaxis: { ...across, ...x.ticks, title: { ...across.title, text: x.title } },
        yaxis: { ...plain, ...log, title: { ...plain.title, text: y.title } },
      };
    }
    traces = traces.map((t) => (hidden.has(t.legendgroup) ? { ...t, visible: false } : t));
    const style = getComputedStyle(root);
    return { data: painted(traces, style), layout: painted(layout, style) };
  };
  const draw = (box, width = null) => {
    if (!window.Plotly) return;
    const { data: traces, layout } = figureOf(box.dataset.figure);
    // Without a width, it is the page's.
    window.Plotly.react(box, traces, width ? { ...layout, width } : { ...layout, autosize: true }, config);
    drawn.add(box);
  };
  // What is folded again has no width; it is drawn when it opens.
  const redraw = () => drawn.forEach((box) => { if (box.offsetParent) draw(box); });
  const charts = all(".chart");

  // ---- what is folded: a link to it opens it, and its pictures take the width that they get ----
  const unfold = () => {
    const found = location.hash.length > 1 && $(decodeURIComponent(location.hash.slice(1)));
    const fold = found && found.closest("details");
    if (fold && !fold.open) {
      fold.open = true;
      found.scrollIntoView();
    }
  };
  addEventListener("hashchange", unfold);
  for (const link of all('a[href^="#"]')) {
    // The address may be there already.
    link.addEventListener("click", () => setTimeout(unfold));
  }
  for (const fold of all("details")) {
    fold.addEventListener("toggle", () => {
      if (!fold.open || !window.Plotly) return;
      all(".chart", fold).filter((box) => drawn.has(box)).forEach((box) => draw(box));
    });
  }

  const inflate = async () => {
    const packed = $("plotly");
    if (!("DecompressionStream" in window)) throw new Error("no DecompressionStream");
    const letters = atob(packed.textContent);
    const bytes = new Uint8Array(letters.length);
    // A loop: `from` with a function takes fifteen times as long for a million and a half.
    for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
    packed.remove();
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    script.remove();
  };
  const start = async () => {
    if (!charts.length) return;
    try {
      await inflate();
    } catch {
      $("no-pictures").hidden = false;
      charts.forEach((box) => box.closest("figure").classList.add("none"));
      return;
    }
    // Those that are near are drawn first; the others when somebody comes near.
    const watch = new IntersectionObserver((seen) => {
      for (const one of seen.filter((s) => s.isIntersecting)) {
        watch.unobserve(one.target);
        draw(one.target);
      }
    }, { rootMargin: "800px" });
    charts.forEach((box) => watch.observe(box));
    root.dataset.ready = "yes";
  };

  // ---- the legend: a chip hides an optimizer in all pictures --------------------------------
  const bar = document.querySelector(".bar");
  bar.hidden = false;
  const chips = $("chips");
  const hint = () => {
    bar.classList.toggle("on", chips.scrollLeft + chips.clientWidth < chips.scrollWidth - 4);
  };
  chips.addEventListener("scroll", hint, { passive: true });
  addEventListener("resize", hint);
  hint();
  for (const chip of all(".chip")) {
    chip.addEventListener("click", () => {
      const group = `o${chip.dataset.o}`;
      const on = hidden.delete(group);
      if (!on) hidden.add(group);
      chip.setAttribute("aria-pressed", String(on));
      redraw();
    });
  }

  // ---- learning curves: what, against what, on which scale -----------------------------------
  const curves = data.figures.curves;
  if (curves) {
    const box = document.querySelector('[data-figure="curves"]');
    shownAs.y = Object.keys(curves.variants.y)[0];
    shownAs.scale = curves.figure.layout.yaxis.type === "log" ? "log" : "linear";
    $("curve-tools").hidden = false;
    const mark = () => {
      const able = curves.variants.y[shownAs.y].log;
      for (const button of all("[data-switch] button")) {
        const { switch: what } = button.closest("[data-switch]").dataset;
        if (what === "scale" && button.dataset.value === "log") button.disabled = !able;
        const now = what === "scale" && !able ? "linear" : shownAs[what];
        button.setAttribute("aria-pressed", String(button.dataset.value === now));
      }
      draw(box);
    };
    for (const button of all("[data-switch] button")) {
      button.addEventListener("click", () => {
        shownAs[button.closest("[data-switch]").dataset.switch] = button.dataset.value;
        mark();
      });
    }
    $("curve-y").addEventListener("change", (event) => {
      shownAs.y = event.target.value;
      shownAs.scale = /loss/.test(shownAs.y) ? shownAs.scale : "linear";
      mark();
    });
  }

  // ---- code: tabs, the select, and copying -------------------------------------------------------
  const tabs = all('[role="tab"]');
  const choose = (tab, focus) => {
    for (const one of tabs) {
      const on = one === tab;
      one.setAttribute("aria-selected", String(on));
      one.tabIndex = on ? 0 : -1;
      $(one.getAttribute("aria-controls")).hidden = !on;
    }
    if (focus) tab.focus();
  };
  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) choose(tabs[(i + step + tabs.length) % tabs.length], true);
    });
  });
  if (tabs.length) choose(tabs[0]);
  $("code-of")?.addEventListener("change", (event) => {
    for (const one of all(".source[data-of]")) one.hidden = one.dataset.of !== event.target.value;
  });
  for (const block of all(".source")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      const text = `${block.querySelector("code").textContent}\n`;
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        const area = document.createElement("textarea");
        area.value = text;
        document.body.append(area);
        area.select();
        document.execCommand("copy");
        area.remove();
        button.focus();
      }
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    block.append(button);
  }

  // ---- every trial: sorted, filtered, a page at a time --------------------------------------------
  const PAGE = 50;
  const number = (value) => {
    if (value === null) return "–";
    if (Number.isInteger(value)) return String(value);
    const size = Math.abs(value);
    return size < 1e-3 || size >= 1e6 ? String(Number(value.toPrecision(3))) : String(Number(value.toPrecision(4)));
  };
  const every = $("every");
  if (every) {
    const { rows, stages, outcomes, columns } = data.trials;
    const names = data.looks.map((look) => look.name);
    const marks = all(".chip .mark");
    const words = rows.map((r) => [r[0], names[r[1]], stages[r[2]], number(r[3]), r[4], outcomes[r[8]].name, outcomes[r[8]].says, r[10]].join(" ").toLowerCase());
    const keys = [0, (r) => names[r[1]], (r) => stages[r[2]], 3, 4, 5, 6, 7, (r) => outcomes[r[8]].name, 9];
    const body = every.tBodies[0];
    let sorted = rows.map((_, i) => i);
    let order = { column: 0, up: true };
    let first = 0;

    const cell = (row, text, kind) => {
      const td = row.insertCell();
      td.textContent = text;
      if (kind) td.className = kind;
      return td;
    };
    const kept = () => {
      const find = $("find").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
      const [o, s, e] = ["of-optimizer", "of-stage", "of-outcome"].map((id) => $(id).value);
      return sorted.filter((i) => {
        const r = rows[i];
        return (o === "" || r[1] === Number(o)) && (s === "" || r[2] === Number(s))
          && (e === "" || r[8] === Number(e)) && find.every((word) => words[i].includes(word));
      });
    };
    const show = () => {
      const found = kept();
      first = Math.min(first, Math.max(0, Math.floor((found.length - 1) / PAGE) * PAGE));
      const part = document.createElement("tbody");
      for (const i of found.slice(first, first + PAGE)) {
        const r = rows[i];
        const tr = part.insertRow();
        cell(tr, r[0], "number");
        const named = document.createElement("span");
        named.className = "named";
        const name = document.createElement("span");
        name.textContent = names[r[1]];
        if (marks[r[1]]) named.append(marks[r[1]].cloneNode(true));
        named.append(name);
        cell(tr, "").append(named);
        cell(tr, stages[r[2]]);
        cell(tr, number(r[3]), "number");
        cell(tr, r[4]);
        cell(tr, r[5], "number");
        cell(tr, r[6], "number");
        cell(tr, number(r[7]), "number");
        cell(tr, outcomes[r[8]].name, `outcome ${outcomes[r[8]].name}`).title = r[10] ? `${outcomes[r[8]].says}: ${r[10]}` : outcomes[r[8]].says;
        cell(tr, number(r[9]), "number");
      }
      body.replaceChildren(...part.rows);
      const last = Math.min(first + PAGE, found.length);
      $("count").textContent = found.length ? `${first + 1} to ${last} of ${found.length} trials` : "No trial is like that.";
      back.disabled = first === 0;
      next.disabled = last >= found.length;
    };
    const sort = () => {
      const key = keys[order.column];
      const of = typeof key === "function" ? key : (r) => r[key];
      const value = rows.map(of);
      const sign = order.up ? 1 : -1;
      // What has no value stands last, whichever way.
      sorted.sort((a, b) => {
        const [x, y] = [value[a], value[b]];
        if (x === null || y === null) return (x === null) - (y === null) || a - b;
        return sign * (x < y ? -1 : x > y ? 1 : 0) || a - b;
      });
    };
    const heads = all("th", every.tHead);
    heads.forEach((head, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = columns[i];
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        order = { column: i, up: order.column === i ? !order.up : true };
        heads.forEach((h) => h.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", order.up ? "ascending" : "descending");
        first = 0;
        sort();
        show();
      });
    });
    heads[0].setAttribute("aria-sort", "ascending");
    const option = (select, value, text) => {
      const one = document.createElement("option");
      one.value = value;
      one.textContent = text;
      $(select).append(one);
    };
    stages.forEach((text, i) => rows.some((r) => r[2] === i) && option("of-stage", i, text));
    outcomes.forEach((one, i) => rows.some((r) => r[8] === i) && option("of-outcome", i, one.name));
    for (const id of ["find", "of-optimizer", "of-stage", "of-outcome"]) {
      $(id).addEventListener("input", () => { first = 0; show(); });
    }
    const turn = (label, step) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.addEventListener("click", () => { first += step * PAGE; show(); });
      $("pager").append(button);
      return button;
    };
    const back = turn("Previous", -1);
    const next = turn("Next", 1);
    $("trial-tools").hidden = false;
    sort();
    show();
  }

  // ---- on paper: light, every picture at a width that paper has, details open -------------------------
  // The page learns the paper's width too late to draw for it, so A4 and Letter decide.
  const PAPER = 640;
  const SMALL = 300; // two beside each other
  let before = null;
  addEventListener("beforeprint", () => {
    before = { theme, closed: all("details:not([open])") };
    before.closed.forEach((one) => { one.open = true; });
    theme = "light";
    root.dataset.theme = "light";
    charts.forEach((box) => draw(box, box.closest(".grid") ? SMALL : PAPER));
  });
  addEventListener("afterprint", () => {
    if (!before) return;
    for (const svg of all(".chart .main-svg")) {
      svg.removeAttribute("viewBox");
      svg.style.width = "";
      svg.style.height = "";
    }
    for (const box of all(".chart .svg-container")) box.style.aspectRatio = "";
    before.closed.forEach((one) => { one.open = false; });
    setTheme(before.theme);
    if (window.Plotly) charts.forEach((box) => window.Plotly.Plots.resize(box));
    before = null;
  });
  unfold();
  start();
})();
