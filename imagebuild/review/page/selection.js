/* Choosing pictures: by pointer, by row and column, all that are shown; and the bar of what can be done with them.
   A picture that is replaced while it is selected is no longer selected: nobody has looked at the new one. */
(function () {
  "use strict";
  const { el, icon, state, on, emit, count, plural, announce } = review;

  const bar = document.getElementById("selection");
  const digests = new Map(); //  address → the digest that was selected
  let anchor = null; //          {row, col}

  function add(addresses) {
    for (const address of addresses) {
      state.selected.add(address);
      digests.set(address, (state.cells.get(address) || {}).digest);
    }
  }
  function drop(addresses) {
    for (const address of addresses) {
      state.selected.delete(address);
      digests.delete(address);
    }
  }
  const allIn = (addresses) => addresses.length > 0 && addresses.every((address) => state.selected.has(address));
  const changed = () => emit("selection", state.selected);

  function toggle(place) {
    const addresses = state.layout.slot(place.row, place.col);
    if (!addresses.length) return;
    (allIn(addresses) ? drop : add)(addresses);
    anchor = { row: place.row, col: place.col };
    changed();
  }
  /* From the last one chosen to this one: a rectangle in the matrix, a stretch of the list in the flow. */
  function range(place) {
    const from = anchor || review.matrix.active;
    const { layout } = state;
    const found = [];
    if (layout.kind === "flow") {
      const number = (one) => one.row * layout.colCount + one.col;
      const [low, high] = [number(from), number(place)].sort((one, other) => one - other);
      found.push(...layout.order.slice(low, high + 1));
    } else {
      for (let row = Math.min(from.row, place.row); row <= Math.max(from.row, place.row); row += 1) {
        for (let col = Math.min(from.col, place.col); col <= Math.max(from.col, place.col); col += 1) found.push(...layout.slot(row, col));
      }
    }
    anchor = anchor || { row: from.row, col: from.col };
    add(found);
    changed();
  }
  function line(kind, index) {
    const { layout } = state;
    const found = layout.order.filter((address) => layout.at(address)[kind] === index);
    (allIn(found) ? drop : add)(found);
    changed();
    announce(`${plural(state.selected.size, "picture")} selected`);
  }
  function all() {
    add(state.order);
    changed();
    announce(`${plural(state.selected.size, "picture")} selected`);
  }
  function clear() {
    if (!state.selected.size) return false;
    state.selected.clear();
    digests.clear();
    anchor = null;
    changed();
    return true;
  }
  /* What a decision is about: the selection, else the place that has the focus, else nothing. */
  function targets() {
    if (state.selected.size) return state.order.filter((address) => state.selected.has(address));
    const place = review.matrix.focused();
    return place ? place.addresses : [];
  }

  /* ---- the pointer ----------------------------------------------------------------------------------------------- */

  const grid = review.matrix.grid;
  grid.addEventListener("mousedown", (event) => {
    if (event.shiftKey && event.target.closest(".slot")) event.preventDefault();
  });
  grid.addEventListener("click", (event) => {
    const slot = event.target.closest(".slot");
    const place = slot && review.matrix.placeOf(slot);
    if (!place || !state.layout.slot(place.row, place.col).length) return;
    const from = { ...review.matrix.active };
    if (!anchor) anchor = from;
    review.matrix.focusAt(place.row, place.col, { scroll: false });
    if (event.shiftKey) range(place);
    else if (event.ctrlKey || event.metaKey || state.selected.size || event.target.closest(".tick, .strip, .caption")) toggle(place);
    else review.open(place);
  });
  grid.addEventListener("dblclick", (event) => {
    const slot = event.target.closest(".slot");
    const place = slot && review.matrix.placeOf(slot);
    if (place && state.selected.size) review.open(place);
  });

  /* The large view; several at one place are shown as a list of their own first. */
  review.open = (place) => {
    const addresses = state.layout.slot(place.row, place.col);
    if (addresses.length === 1 && review.openAsset) review.openAsset(addresses[0]);
    else if (addresses.length > 1) {
      const labels = [...(state.layout.rows[place.row] || { labels: [] }).labels, ...(state.layout.cols[place.col] || { labels: [] }).labels];
      const words = Object.fromEntries(labels.filter((label) => label.id).map((label) => [label.axis === "asset" ? "asset" : `axis.${label.axis}`, review.filters.pack([label.id])]));
      review.place.write({ ...words, view: "flow" }, { push: true });
      review.filters.apply();
    }
  };

  /* ---- the bar --------------------------------------------------------------------------------------------------- */

  function act(kind, label, key, name, tone) {
    const stop = review.mayDecide();
    return el("button", { type: "button", class: tone || "plain", "data-decision": kind, disabled: Boolean(stop), title: stop || null, on: { click: () => review.decide(kind, targets()) } }, icon(name, tone ? "" : "dim"), label, el("kbd", { "aria-hidden": "true", text: key }));
  }
  function draw() {
    const many = state.selected.size;
    const held = bar.contains(document.activeElement) ? document.activeElement.dataset.decision : null;
    bar.hidden = !many;
    document.body.classList.toggle("selecting", many > 0);
    if (many) {
      const rest = state.order.length - many;
      review.replace(bar, el("div", { role: "toolbar", "aria-label": "Decide about the selection" },
        el("span", { class: "said", text: `${count(many)} selected` }),
        act("approve", "Approve", "a", "approved", "good"), act("reject", "Reject", "r", "rejected", "bad"), act("comment", "Comment", "c", "comment"), act("retake", "Another take", "t", "retake"), act("withdraw", "Take back", "u", "undo"),
        el("span", { class: "bar" }),
        rest > 0 ? el("button", { type: "button", class: "plain every", text: `Select all ${count(state.order.length)}`, on: { click: all } }) : null,
        el("button", { type: "button", class: "plain square none", "aria-label": "Select nothing", on: { click: () => { clear(); refocus(); } } }, icon("close"))));
      const again = held && bar.querySelector(`[data-decision="${held}"]`);
      if (again) again.focus();
    } else review.replace(bar);
    document.documentElement.style.setProperty("--selection-height", `${barHeight()}px`);
  }
  function refocus() {
    if (state.layout && state.layout.order.length) review.matrix.focusAt(review.matrix.active.row, review.matrix.active.col, { scroll: false });
  }
  const barHeight = () => (bar.hidden ? 0 : bar.offsetHeight + 14);

  on("selection", draw);
  on("filter", draw);
  on("faults", draw);
  function follow(addresses) {
    const replaced = addresses.filter((address) => state.selected.has(address) && digests.get(address) !== (state.cells.get(address) || {}).digest);
    if (!replaced.length) return;
    drop(replaced);
    changed();
    review.toast({ text: `${plural(replaced.length, "selected picture")} changed and ${replaced.length === 1 ? "is" : "are"} no longer selected`, seconds: 8 });
  }
  on("cells", ({ addresses }) => follow(addresses));
  on("board", () => follow([...state.selected]));

  review.select = { toggle, range, line, all, clear, targets, digestOf: (address) => digests.get(address), barHeight, refocus };
})();
