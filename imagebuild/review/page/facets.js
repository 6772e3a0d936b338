/* The filters as people see them: the rail (a sheet on a phone), the chips of what is in force, the totals line. */
(function () {
  "use strict";
  const { el, icon, state, on, replace, count, money, filters } = review;
  const FLAG_WORDS = { mine: "waiting for you", changed: "changed", comments: "with comments", take: "take asked for", variants: "with variants" };

  const phone = matchMedia("(max-width: 640px)");
  const rail = document.getElementById("facets");
  const folded = new Map([["verdict", true]]); //  which parts of the rail are closed
  const narrowed = new Map(); //  what is typed into a long part's own search

  function boxes(one, asked) {
    const tally = filters.counts(one.id);
    const chosen = asked.chosen.get(one.id) || new Set();
    const word = (narrowed.get(one.id) || "").toLowerCase();
    const values = one.values.filter((value) => !word || `${value.id} ${value.label}`.toLowerCase().includes(word));
    return values.map((value) => {
      const many = tally.get(value.id) || 0;
      const tone = one.id === "state" || one.id === "gate" ? review.wordsFor(one.id, value.id) : null;
      const shown = one.axis && value.label !== value.id ? `${value.label} · ${value.id}` : value.label;
      return el(
        "label",
        { class: many ? "" : "empty", title: shown },
        el("input", { type: "checkbox", checked: chosen.has(value.id), "data-facet": one.id, "data-value": value.id, on: { change: () => filters.toggle(one.id, value.id) } }),
        tone && icon(tone.icon, tone.tone),
        el("bdi", { class: "name", dir: "auto", text: shown }),
        el("span", { class: "count", text: count(many) }),
      );
    });
  }

  function part(title, id, content, set) {
    const details = el("details", { open: !folded.get(id), on: { toggle: () => folded.set(id, !details.open) } });
    details.append(el("summary", {}, el("span", { text: title }), set ? el("span", { class: "set", text: `${set} chosen` }) : null, icon("down")), content);
    return details;
  }

  function long(one, asked) {
    const list = el("div", { role: "group", "aria-label": one.title }, boxes(one, asked));
    if (one.values.length <= 12) return list;
    const find = el("input", { type: "search", class: "find", placeholder: `Find among ${one.values.length}`, "aria-label": `Find a ${one.title}`, value: narrowed.get(one.id) || "" });
    find.addEventListener("input", () => {
      narrowed.set(one.id, find.value);
      replace(list, boxes(one, filters.read()));
    });
    return el("div", {}, find, list);
  }

  function drawRail() {
    if (rail.hidden || !state.board) return;
    const asked = filters.read();
    const held = document.activeElement && rail.contains(document.activeElement) ? document.activeElement.dataset : null;
    const tool = held && document.activeElement.closest(".view-tools") ? document.activeElement : null;
    const top = rail.scrollTop;
    const marks = filters.facets().filter((one) => one.group === "marks");
    const parts = filters.facets().filter((one) => !one.group).map((one) => part(one.title, one.id, long(one, asked), (asked.chosen.get(one.id) || new Set()).size));
    if (marks.length) parts.splice(Math.min(3, parts.length), 0, part("Marked", "marks", el("div", { role: "group", "aria-label": "Marked" }, marks.map((one) => boxes(one, asked))), marks.filter((one) => asked.chosen.has(one.id)).length));
    replace(
      rail,
      el("header", {}, el("h2", { text: "Filters" }), el("span", {},
        filters.active(asked) && el("button", { type: "button", class: "plain", text: "Clear all", on: { click: () => filters.clear() } }),
        el("button", { type: "button", class: "plain square", "aria-label": "Close the filters", "data-facet": "close", "data-value": "", on: { click: () => show(false) } }, icon("close")))),
      phone.matches ? el("div", { class: "view-tools" }, ["arrangement", "sort", "size-label"].map((id) => document.getElementById(id))) : null,
      parts,
    );
    rail.scrollTop = top;
    if (tool) tool.focus({ preventScroll: true });
    else if (held && held.facet) {
      const again = rail.querySelector(`[data-facet="${CSS.escape(held.facet)}"][data-value="${CSS.escape(held.value || "")}"]`);
      if (again) again.focus({ preventScroll: true });
    }
  }

  function show(open) {
    rail.hidden = !open;
    drawRail();
    review.emit("rail", open);
    const button = document.getElementById("filters-button");
    if (button) {
      button.setAttribute("aria-expanded", String(open));
      if (!open && phone.matches) button.focus();
    }
    if (open) {
      const first = rail.querySelector("input, button");
      if (first) first.focus({ preventScroll: true });
    }
  }
  rail.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      show(false);
      const button = document.getElementById("filters-button");
      if (button) button.focus();
    }
  });

  /* ---- chips ----------------------------------------------------------------------------------------------------- */

  function drawChips() {
    const asked = filters.read();
    const chips = [];
    const many = count(filters.shown().size);
    for (const [id, values] of asked.chosen) {
      const title = filters.titleOf(id, values);
      chips.push(el("button", { type: "button", class: "chip", title: "Take this filter away", "aria-label": `Take the filter ${title} away`, on: { click: () => filters.clear(id) } }, el("bdi", { text: title }), icon("close", "dim")));
    }
    if (asked.terms.length) chips.push(el("button", { type: "button", class: "chip", "aria-label": `Take the search ${asked.text} away`, on: { click: () => filters.clear("q") } }, el("bdi", { text: `“${asked.text}”` }), icon("close", "dim")));
    if (chips.length > 1) chips.push(el("button", { type: "button", class: "plain chip", text: "Clear all", on: { click: () => filters.clear() } }));
    if (filters.stale()) {
      chips.push(el("button", { type: "button", class: "chip stale", title: `The list still shows the ${many} that matched when the filter was set`, on: { click: () => filters.apply() } }, icon("retake"), `${review.plural(filters.stale(), "change")}: bring the list up to date`));
    }
    replace(document.getElementById("chips"), chips);
  }

  /* An empty result says what to loosen. */
  function drawEmpty(holder) {
    const ways = filters.loosening();
    const back = (way) => el("li", {}, el("button", { type: "button", on: { click: () => filters.clear(way.id) } }, el("bdi", { text: way.title }), el("span", { class: "dim", text: `${count(way.back)} back` })));
    const all = el("li", {}, el("button", { type: "button", class: "primary", text: "Clear all filters", on: { click: () => filters.clear() } }));
    if (state.board.cells.length) replace(holder, el("h2", { text: "No picture matches" }), el("p", { class: "dim", text: ways.length ? "Take one of these away:" : "No single filter is to blame: clear them all." }), el("ul", {}, ways.slice(0, 5).map(back), all));
    else replace(holder, el("h2", { text: "This campaign delivers no pictures yet" }), el("p", { class: "dim", text: "An asset is shown here when it has an output." }));
  }

  /* ---- totals ---------------------------------------------------------------------------------------------------- */

  function drawTotals() {
    if (!state.board) return;
    const asked = filters.read();
    const tally = filters.counts("state");
    const chosen = asked.chosen.get("state") || new Set();
    const all = state.board.cells.length;
    const shown = filters.shown().size;
    const parts = [el("span", { class: "all", text: shown === all ? review.plural(all, "picture") : `${count(shown)} of ${count(all)}` })];
    for (const name of ["approved", "rejected", "lapsed", "partly", "open", "unneeded"]) {
      const many = tally.get(name) || 0;
      if (!many && !chosen.has(name)) continue;
      const words = review.wordsFor("state", name);
      parts.push(el("button", { type: "button", class: "", "data-state": name, "aria-pressed": String(chosen.has(name)), title: `Show only what is ${words.word}`, on: { click: () => filters.toggle("state", name) } },
        icon(words.icon, words.tone), `${count(many)} ${words.word}`));
    }
    for (const id of ["mine", "changed", "comments", "take"]) {
      const many = filters.counts(id).get("yes") || 0;
      if (!many && id === "mine" && filters.isAsked() && !filters.anyWaits()) parts.push(el("span", { class: "dim", text: "nothing waits for you" }));
      if (!many && !asked.chosen.has(id)) continue;
      parts.push(el("button", { type: "button", "data-flag": id, "aria-pressed": String(asked.chosen.has(id)), on: { click: () => filters.toggle(id, "yes") } }, icon({ mine: "person", changed: "changed", comments: "comment", take: "retake" }[id], "dim"), `${count(many)} ${FLAG_WORDS[id]}`));
    }
    const next = state.board.money && state.board.money.next_build;
    if (next) parts.push(el("span", { class: "money", text: Number.parseFloat(next) > 0 ? `next build ${money(next)}` : "next build free" }));
    const holder = document.getElementById("totals");
    const held = holder.contains(document.activeElement) ? document.activeElement.dataset : null;
    replace(holder, parts);
    if (held) {
      const again = holder.querySelector(held.state ? `[data-state="${held.state}"]` : `[data-flag="${held.flag}"]`);
      if (again) again.focus({ preventScroll: true });
    }
  }

  function draw() {
    drawRail();
    drawChips();
    drawTotals();
    const button = document.getElementById("filters-button");
    const many = filters.read().chosen.size;
    if (button) button.querySelector(".set").textContent = many ? String(many) : "";
  }
  on("filter", draw);
  on("counts", draw);
  phone.addEventListener("change", () => {
    review.emit("width");
    draw();
  });
  on("build", drawTotals);

  review.facets = { show, shown: () => !rail.hidden, drawEmpty };
})();
