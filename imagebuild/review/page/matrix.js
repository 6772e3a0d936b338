/* The grid: only what is in sight stands in the document, and the place that has the focus. Sizes are fixed (sizes.js), so
   nothing is measured while it scrolls. Which picture stands where is arrange.js's; what a place looks like is cell.js's. */
(function () {
  "use strict";
  const { el, state, on, emit, cell: cells } = review;

  const OVERSCAN = 1;
  const FEWEST = 3; //   places that are filled in a frame however slow it is; the rest are filled in the next ones
  const MOST = 60;
  const LONG = 40; //    milliseconds that a frame with all that follows from it should not take
  const FLYING = 3; //   pixels in a millisecond at which pictures are not asked for yet
  const STILL = 160; //  milliseconds without a movement after which the grid is said to stand

  const root = document.getElementById("board-root");
  const columns = el("div", { id: "columns", role: "row", "aria-rowindex": "1" });
  const canvas = el("div", { id: "canvas", role: "presentation" }, columns);
  const grid = el("div", { id: "grid", role: "grid", tabIndex: -1, "aria-label": "Pictures", "aria-multiselectable": "true", hidden: true }, canvas);
  const empty = el("div", { id: "empty", hidden: true });

  let step = Number.parseInt(review.keep.get("imagebuild.size") || "2", 10);
  if (!(step >= 0 && step < review.sizes.steps)) step = 2;
  let size = { width: 0, height: 0, headWidth: 0, headHeight: 0, slotWidth: 1, slotHeight: 1, thumbWidth: 0, thumbHeight: 0, gap: 0, caption: null };
  const view = { top: 0, left: 0, width: 0, height: 0, speed: 0, at: 0 };
  const active = { row: 0, col: 0 };

  const rows = new Map(); //  row → {node, head, slots: Map(col → slot)}
  const heads = new Map(); // col → node
  const spare = []; //          slots

  /* ---- sizes ----------------------------------------------------------------------------------------------------- */

  function measure() {
    const layout = state.layout;
    size = review.sizes.measured(layout, view, step);
    const lines = layout.kind === "matrix" ? 1 : 0; //  the head's own
    canvas.style.width = `${size.width}px`;
    canvas.style.height = `${size.height}px`;
    columns.style.width = `${Math.max(size.width, view.width)}px`;
    columns.style.height = `${size.headHeight}px`;
    columns.hidden = layout.kind === "flow" || !layout.colAxes.length;
    grid.classList.toggle("wide", size.width > view.width);
    grid.classList.toggle("tiny", size.thumbWidth < 130);
    grid.style.setProperty("--head-height", `${size.headHeight}px`);
    grid.setAttribute("aria-rowcount", String(layout.rowCount + lines));
    grid.setAttribute("aria-colcount", String(layout.colCount + lines));
  }

  /* ---- headers --------------------------------------------------------------------------------------------------- */

  function drawColumns() {
    for (const node of heads.values()) node.remove();
    heads.clear();
    columns.textContent = "";
    const layout = state.layout;
    if (layout.kind !== "matrix" || !layout.colAxes.length) return;
    const corner = review.heads.corner(layout);
    corner.style.width = `${size.headWidth}px`;
    corner.style.height = `${size.headHeight - 1}px`;
    columns.appendChild(corner);
  }
  function columnHead(col) {
    const node = el("div", { class: "head", role: "columnheader", "aria-colindex": String(col + 2) }, review.heads.button("cols", col));
    node.style.width = `${size.slotWidth}px`;
    node.style.height = `${size.headHeight - 1}px`;
    node.style.left = `${size.headWidth + col * size.slotWidth}px`;
    return node;
  }

  /* ---- rows and slots, recycled ---------------------------------------------------------------------------------- */

  function makeRow() {
    const layout = state.layout;
    const row = { node: el("div", { class: "row", role: "row" }), head: null, slots: new Map() };
    row.node.style.width = `${size.width}px`;
    row.node.style.height = `${size.slotHeight}px`;
    if (layout.kind === "matrix") {
      row.head = el("div", { class: "head", role: "rowheader", "aria-colindex": "1" });
      row.head.style.width = `${size.headWidth}px`;
      row.head.style.height = `${size.slotHeight}px`;
      row.node.appendChild(row.head);
    }
    canvas.appendChild(row.node);
    return row;
  }
  /* A row that has gone out of sight becomes another one where it stands; its places are filled anew. */
  function takeRow(row, index) {
    const layout = state.layout;
    row.node.style.top = `${size.headHeight + index * size.slotHeight}px`;
    row.node.setAttribute("aria-rowindex", String(index + (layout.kind === "matrix" ? 2 : 1)));
    if (row.head && layout.rowAxes.length) review.replace(row.head, review.heads.button("rows", index));
    for (const slot of row.slots.values()) slot.drawn = -1;
    rows.set(index, row);
    return row;
  }
  function freeRow(index) {
    rows.get(index).node.remove();
    rows.delete(index);
  }
  function freeSlot(row, col) {
    const slot = row.slots.get(col);
    row.slots.delete(col);
    slot.remove();
    if (spare.length < 80) spare.push(slot);
  }
  function orderRows() {
    const sorted = [...rows.keys()].sort((one, other) => one - other);
    review.rows.reorder(canvas, sorted.map((index) => rows.get(index).node), sorted.indexOf(active.row));
  }

  /* Places are put where they belong at once and filled while there is time in this frame. */
  function placeSlot(row, col) {
    const slot = spare.pop() || cells.make();
    cells.clear(slot);
    slot.drawn = -1;
    slot.tabIndex = -1;
    slot.style.left = `${size.headWidth + col * size.slotWidth + size.gap + (state.layout.kind === "flow" ? 8 : 4)}px`;
    slot.style.top = `${size.gap}px`;
    slot.style.width = `${size.slotWidth - 2 * size.gap}px`;
    slot.style.height = `${size.slotHeight - 2 * size.gap}px`;
    slot.setAttribute("aria-colindex", String(col + (state.layout.kind === "matrix" ? 2 : 1)));
    review.rows.insert(row.node, row.slots, col, slot);
    row.slots.set(col, slot);
    return slot;
  }
  function fillSlot(slot, rowIndex, col, hurry) {
    slot.drawn = epoch;
    const addresses = state.layout.slot(rowIndex, col);
    const isNew = cells.bind(slot, addresses, { width: size.thumbWidth, height: size.thumbHeight, caption: size.caption, hurry });
    slot.setAttribute("aria-selected", String(addresses.length > 0 && addresses.every((address) => state.selected.has(address))));
    slot.tabIndex = rowIndex === active.row && col === active.col ? 0 : -1;
    return isNew;
  }

  function span(from, to, count, pinned) {
    const list = [];
    for (let index = Math.max(0, from); index <= Math.min(count - 1, to); index += 1) list.push(index);
    if (pinned >= 0 && pinned < count && !list.includes(pinned)) list.push(pinned);
    return list;
  }
  /* What is in sight and a little around it, and the place with the focus. */
  function wanted() {
    const layout = state.layout;
    const top = Math.floor(view.top / size.slotHeight);
    const bottom = Math.floor((view.top + view.height - size.headHeight) / size.slotHeight);
    const left = Math.floor(view.left / size.slotWidth);
    const right = Math.floor((view.left + view.width - size.headWidth) / size.slotWidth);
    const inSight = (row, col) => row >= top && row <= bottom && col >= left && col <= right;
    return { top, inSight, rows: span(top - OVERSCAN, bottom + OVERSCAN, layout.rowCount, active.row), cols: span(left - OVERSCAN, right + OVERSCAN, layout.colCount, active.col) };
  }
  function placeHeads(cols) {
    for (const [col, node] of [...heads]) {
      if (cols.includes(col)) continue;
      node.remove();
      heads.delete(col);
    }
    if (state.layout.kind !== "matrix" || !state.layout.colAxes.length) return;
    for (const col of cols) {
      if (heads.has(col)) continue;
      const node = columnHead(col);
      review.rows.insert(columns, heads, col, node);
      heads.set(col, node);
    }
  }
  /* Rows that have gone out of sight become those that have come into it. Answers whether any has. */
  function placeRows(want) {
    const gone = [...rows.keys()].filter((index) => !want.rows.includes(index));
    let moved = false;
    for (const index of want.rows) {
      let row = rows.get(index);
      if (!row) {
        moved = true;
        const old = gone.pop();
        const held = old === undefined ? makeRow() : rows.get(old);
        rows.delete(old);
        row = takeRow(held, index);
      }
      row.node.classList.toggle("topmost", index === want.top);
      for (const col of [...row.slots.keys()]) if (!want.cols.includes(col)) freeSlot(row, col);
      for (const col of want.cols) if (!row.slots.has(col)) placeSlot(row, col);
    }
    for (const index of gone) freeRow(index);
    return moved;
  }
  /* Places are filled a few in a frame: the one with the focus, then what is in sight, then what is around it. Answers how
     many are left for the next. */
  let quota = 24;
  function fill(want) {
    const began = performance.now();
    const hurry = view.speed < FLYING;
    const waits = [];
    for (const index of want.rows) {
      for (const [col, slot] of rows.get(index).slots) {
        if (slot.drawn === epoch) continue;
        const rank = index === active.row && col === active.col ? 0 : want.inSight(index, col) ? 1 : 2;
        waits.push({ slot, index, col, rank });
      }
    }
    waits.sort((one, other) => one.rank - other.rank);
    const may = hurry ? quota : Math.ceil(quota / 2);
    let filled = 0;
    let left = 0;
    for (const { slot, index, col, rank } of waits) {
      if (rank === 0 || filled < may) filled += fillSlot(slot, index, col, hurry) ? 1 : 0;
      else {
        if (slot.drawn < 0 && slot.bound) cells.clear(slot);
        left += 1;
      }
    }
    if (filled) learn(began, filled, may);
    return left;
  }
  /* How many a frame has time for, from how long one took with its layout and its painting. */
  function learn(began, filled, may) {
    setTimeout(() => {
      const took = performance.now() - began;
      if (took > LONG) quota = Math.max(FEWEST, Math.floor(quota * Math.max(0.5, LONG / took)));
      else if (filled >= may) quota = Math.min(MOST, quota + 4);
    });
  }
  let epoch = 0; //  what is drawn in an older one may no longer be true
  function render() {
    if (!state.layout || grid.hidden) return;
    const want = wanted();
    placeHeads(want.cols);
    const moved = placeRows(want);
    const left = fill(want);
    if (left) schedule();
    if (left || moved || view.speed >= FLYING) settleSoon();
  }

  let frame = 0;
  function anew() {
    epoch += 1;
    schedule();
  }
  function schedule() {
    if (frame) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      render();
    });
  }
  let settling = 0;
  function settleSoon() {
    clearTimeout(settling);
    settling = setTimeout(() => {
      view.speed = 0;
      cells.loadLater(grid);
      orderRows();
    }, STILL);
  }
  grid.addEventListener("scroll", () => {
    const now = performance.now();
    const moved = Math.abs(grid.scrollTop - view.top) + Math.abs(grid.scrollLeft - view.left);
    view.speed = moved / Math.max(1, now - view.at);
    view.at = now;
    view.top = grid.scrollTop;
    view.left = grid.scrollLeft;
    schedule();
  }, { passive: true });

  /* Everything is placed anew: another layout, another size. The picture that has the focus keeps it. Another list begins
     at its beginning; the same one in another arrangement keeps in sight what was looked at. */
  function rebuild({ another = false, arranged = false } = {}) {
    const layout = state.layout;
    if (!layout) return;
    const held = grid.contains(document.activeElement);
    for (const index of [...rows.keys()]) freeRow(index);
    spare.length = 0;
    const none = !layout.order.length;
    empty.hidden = !none;
    grid.hidden = none;
    if (none) return void review.facets.drawEmpty(empty);
    measure();
    review.heads.count(layout);
    drawColumns();
    const at = state.focus && layout.at(state.focus);
    Object.assign(active, at || layout.at(layout.order[0]));
    if (another) grid.scrollTo({ top: 0, left: 0, behavior: "instant" });
    else if (arranged && at) scrollTo(at.row, at.col);
    view.top = grid.scrollTop;
    view.left = grid.scrollLeft;
    epoch += 1;
    render();
    review.matrix.firstDrawn = review.matrix.firstDrawn || performance.now();
    if (held && at) focusAt(active.row, active.col, { scroll: false });
  }

  /* ---- focus ----------------------------------------------------------------------------------------------------- */

  function slotAt(row, col) {
    const found = rows.get(row);
    return (found && found.slots.get(col)) || null;
  }
  function scrollTo(row, col) {
    const top = row * size.slotHeight;
    const left = col * size.slotWidth;
    const high = view.height - size.headHeight - review.select.barHeight();
    const wide = view.width - size.headWidth;
    if (top < grid.scrollTop) grid.scrollTop = top;
    else if (top + size.slotHeight > grid.scrollTop + high) grid.scrollTop = Math.min(top, top + size.slotHeight - high);
    if (left < grid.scrollLeft) grid.scrollLeft = left;
    else if (left + size.slotWidth > grid.scrollLeft + wide) grid.scrollLeft = left + size.slotWidth - wide + 12;
    view.top = grid.scrollTop;
    view.left = grid.scrollLeft;
  }
  function focusAt(row, col, { scroll = true } = {}) {
    const layout = state.layout;
    if (!layout || !layout.rowCount) return;
    const before = slotAt(active.row, active.col);
    if (before) before.tabIndex = -1;
    active.row = Math.max(0, Math.min(layout.rowCount - 1, row));
    active.col = Math.max(0, Math.min(layout.colCount - 1, col));
    if (scroll) scrollTo(active.row, active.col);
    state.focus = layout.slot(active.row, active.col)[0] || null;
    render();
    const slot = slotAt(active.row, active.col);
    if (slot) {
      slot.tabIndex = 0;
      slot.focus({ preventScroll: true });
    }
    emit("focus", state.focus);
  }
  function focusAddress(address) {
    const at = state.layout && state.layout.at(address);
    if (at) focusAt(at.row, at.col);
    return Boolean(at);
  }
  /* The place whose slot has the browser's focus: {row, col, addresses}, or null. */
  function focused() {
    const slot = document.activeElement && document.activeElement.closest ? document.activeElement.closest("#grid .slot") : null;
    return slot ? { row: active.row, col: active.col, addresses: state.layout.slot(active.row, active.col) } : null;
  }
  grid.addEventListener("focusin", (event) => {
    const at = placeOf(event.target);
    if (!at || (at.row === active.row && at.col === active.col && state.focus)) return;
    const before = slotAt(active.row, active.col);
    if (before) before.tabIndex = -1;
    Object.assign(active, at);
    const slot = slotAt(at.row, at.col);
    if (slot) slot.tabIndex = 0;
    state.focus = state.layout.slot(at.row, at.col)[0] || null;
    emit("focus", state.focus);
  });
  function placeOf(target) {
    const slot = target.closest && target.closest(".slot");
    if (!slot) return null;
    for (const [row, held] of rows) for (const [col, other] of held.slots) if (other === slot) return { row, col };
    return null;
  }

  /* ---- what changes ---------------------------------------------------------------------------------------------- */

  /* Pictures that somebody else decided on, or that have just arrived, are pointed out. */
  function tell(addresses) {
    for (const address of addresses) {
      const at = state.layout && state.layout.at(address);
      const slot = at && slotAt(at.row, at.col);
      if (!slot) continue;
      slot.classList.remove("told");
      void slot.offsetWidth;
      slot.classList.add("told");
    }
  }
  let headsDue = 0;
  function headsSoon() {
    if (headsDue) return;
    headsDue = setTimeout(() => {
      headsDue = 0;
      if (!state.layout || state.layout.kind !== "matrix" || grid.hidden) return;
      review.heads.count(state.layout);
      for (const [col, node] of heads) review.replace(node, review.heads.button("cols", col));
      for (const [index, row] of rows) if (row.head && state.layout.rowAxes.length) review.replace(row.head, review.heads.button("rows", index));
    }, 150);
  }
  on("filter", rebuild);
  on("cells", ({ gone }) => {
    if (!gone) anew();
    headsSoon();
  });
  on("selection", anew);
  on("pending", anew);

  function resize(next) {
    step = Math.max(0, Math.min(review.sizes.steps - 1, next));
    review.keep.set("imagebuild.size", String(step));
    rebuild();
    const at = state.focus && state.layout.at(state.focus);
    if (at) {
      scrollTo(at.row, at.col);
      render();
    }
  }
  new ResizeObserver(() => {
    const changed = view.width !== root.clientWidth;
    view.width = root.clientWidth;
    view.height = root.clientHeight;
    if (!state.layout) return;
    if (changed) rebuild({ arranged: true });
    else schedule();
  }).observe(root);

  function start() {
    document.getElementById("waiting").remove();
    view.width = root.clientWidth;
    view.height = root.clientHeight;
    root.append(grid, empty);
  }

  review.matrix = { firstDrawn: 0, start, resize, sizes: review.sizes.steps, step: () => step, focusAt, focusAddress, focused, active, placeOf, tell, grid, rowsInSight: () => Math.max(1, Math.floor((view.height - size.headHeight) / size.slotHeight)) };
})();
