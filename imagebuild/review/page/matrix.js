/* The grid: only what is in sight stands in the document, and the place that has the focus. Sizes are fixed, so nothing
   is measured while it scrolls. Which picture stands where is arrange.js's; what a place looks like is cell.js's. */
(function () {
  "use strict";
  const { el, state, on, emit, cell: cells } = review;

  const WIDTHS = [104, 140, 184, 248, 352];
  const STRIP = 27;
  const PAD = 4;
  const OVERSCAN = 1;
  const FRAME = 9; //  milliseconds of a frame that are spent on filling places; the rest are filled in the next ones

  const root = document.getElementById("board-root");
  const columns = el("div", { id: "columns", role: "row", "aria-rowindex": "1" });
  const canvas = el("div", { id: "canvas", role: "presentation" }, columns);
  const grid = el("div", { id: "grid", role: "grid", tabIndex: -1, "aria-label": "Pictures", "aria-multiselectable": "true", hidden: true }, canvas);
  const empty = el("div", { id: "empty", hidden: true });

  let step = Number.parseInt(review.keep.get("imagebuild.size") || "2", 10);
  if (!(step >= 0 && step < WIDTHS.length)) step = 2;
  const size = { width: 0, height: 0, headWidth: 0, headHeight: 0, slotWidth: 1, slotHeight: 1, thumbWidth: 0, thumbHeight: 0, caption: false };
  const view = { top: 0, left: 0, width: 0, height: 0, speed: 0, at: 0 };
  const active = { row: 0, col: 0 };

  const rows = new Map(); //  row → {node, head, slots: Map(col → slot)}
  const heads = new Map(); // col → node
  const spare = []; //          slots

  /* ---- sizes ----------------------------------------------------------------------------------------------------- */

  /* The box has the middle shape of what is shown, so that wide pictures get wide boxes and tall ones tall boxes. */
  function shape() {
    let sum = 0;
    let many = 0;
    for (const address of state.order) {
      const found = state.cells.get(address);
      if (!found || !found.size || !found.size[0] || !found.size[1]) continue;
      sum += Math.log(found.size[0] / found.size[1]);
      many += 1;
    }
    return many ? Math.min(1.78, Math.max(0.8, Math.exp(sum / many))) : 4 / 3;
  }
  let aspect = 4 / 3;
  function measure() {
    const layout = state.layout;
    const narrow = view.width < 560;
    const base = WIDTHS[step] + PAD * 2;
    size.caption = layout.kind === "flow";
    size.headWidth = layout.kind === "matrix" ? (narrow ? 92 : layout.rowAxes.length ? 152 : 16) : 0;
    size.headHeight = layout.kind === "matrix" ? (layout.colAxes.length ? 22 + 17 * Math.max(layout.colAxes.length, 2) : 0) : 6;
    const room = view.width - size.headWidth - (size.caption ? 16 : 8);
    if (layout.kind === "flow") {
      layout.fit(Math.max(1, Math.floor(room / base)));
      size.slotWidth = Math.min(Math.floor(room / layout.colCount), Math.round(base * 1.5));
      if (layout.order.length > layout.colCount) size.slotWidth = Math.floor(room / layout.colCount);
    } else {
      size.slotWidth = Math.max(base, Math.min(Math.floor(room / Math.max(1, layout.colCount)), Math.round(base * 1.3)));
    }
    size.thumbWidth = size.slotWidth - PAD * 2;
    size.thumbHeight = Math.round(size.thumbWidth / aspect);
    const lines = review.arrange.axisOf("asset") ? 2 : 1;
    size.slotHeight = size.thumbHeight + STRIP + PAD * 2 + (size.caption ? 6 + 16 * lines : 0);
    if (layout.kind === "matrix") size.slotHeight = Math.max(size.slotHeight, 22 + 18 * (layout.rowAxes.length + 1));
    size.width = size.headWidth + size.slotWidth * layout.colCount + 8;
    size.height = size.headHeight + size.slotHeight * layout.rowCount + 84;
    canvas.style.width = `${size.width}px`;
    canvas.style.height = `${size.height}px`;
    columns.style.width = `${Math.max(size.width, view.width)}px`;
    columns.style.height = `${size.headHeight}px`;
    columns.hidden = layout.kind === "flow" || !layout.colAxes.length;
    grid.classList.toggle("wide", size.width > view.width);
    grid.classList.toggle("tiny", size.thumbWidth < 130);
    grid.setAttribute("aria-rowcount", String(layout.rowCount + (layout.kind === "matrix" ? 1 : 0)));
    grid.setAttribute("aria-colcount", String(layout.colCount + (layout.kind === "matrix" ? 1 : 0)));
  }

  /* ---- headers --------------------------------------------------------------------------------------------------- */

  function lineLabels(line, before) {
    return line.labels.map((label, index) => {
      const same = before && before.ids.slice(0, index + 1).every((id, at) => id === line.ids[at]);
      const code = label.id && label.label !== label.id ? el("span", { class: "code", text: label.id }) : null;
      return [el("bdi", { class: same && index < line.labels.length - 1 ? "dim" : index === 0 ? "first" : "", dir: "auto", text: label.label }), code];
    });
  }
  const tallies = { rows: new Map(), cols: new Map() };
  function tally() {
    tallies.rows.clear();
    tallies.cols.clear();
    const layout = state.layout;
    if (layout.kind !== "matrix") return;
    for (const address of layout.order) {
      const found = state.cells.get(address);
      const at = layout.at(address);
      if (!found || !at) continue;
      for (const [map, index] of [[tallies.rows, at.row], [tallies.cols, at.col]]) {
        const sum = map.get(index) || { of: 0, done: 0 };
        sum.of += 1;
        if (found.state === "approved" || found.state === "unneeded") sum.done += 1;
        map.set(index, sum);
      }
    }
  }
  function tallyText(sum) {
    const node = el("span", { class: `tally${sum && sum.of && sum.done === sum.of ? " whole" : ""}` });
    node.textContent = sum ? `${sum.done} / ${sum.of} ✓` : "";
    return node;
  }
  function headButton(line, kind, before) {
    const words = line.labels.map((label) => label.label).join(", ");
    const sum = tallies[kind].get(line.index);
    const labels = lineLabels(line, before);
    const content = kind === "cols" && labels.length === 1
      ? [labels[0][0], el("span", { class: "line" }, labels[0][1], tallyText(sum))]
      : [...labels.map(([name, code]) => (kind === "cols" ? el("span", { class: "line" }, name) : [name, code])), tallyText(sum)];
    return el("button", { type: "button", tabIndex: -1, title: `Select all of ${words}`, "aria-label": `${words}: ${sum ? `${sum.done} of ${sum.of} approved` : ""}, select all`, on: { click: (event) => review.select.line(kind === "cols" ? "col" : "row", line.index, event) } }, content);
  }
  function drawColumns() {
    for (const node of heads.values()) node.remove();
    heads.clear();
    columns.textContent = "";
    const layout = state.layout;
    if (layout.kind !== "matrix" || !layout.colAxes.length) return;
    const corner = el("div", { class: "corner", role: "columnheader", "aria-colindex": "1" },
      el("span", { text: `${layout.rowAxes.join(" × ") || "all"} ↓` }), el("span", { text: `${layout.colAxes.join(" × ")} →` }));
    corner.style.width = `${size.headWidth}px`;
    corner.style.height = `${size.headHeight - 1}px`;
    columns.appendChild(corner);
  }
  function columnHead(col) {
    const layout = state.layout;
    const node = el("div", { class: "head", role: "columnheader", "aria-colindex": String(col + 2) }, headButton(layout.cols[col], "cols", layout.cols[col - 1]));
    node.style.width = `${size.slotWidth}px`;
    node.style.height = `${size.headHeight - 1}px`;
    node.style.left = `${size.headWidth + col * size.slotWidth}px`;
    return node;
  }

  /* ---- rows and slots, recycled ---------------------------------------------------------------------------------- */

  function insertInOrder(parent, map, index, node, after) {
    let next = null;
    let nearest = Infinity;
    for (const [other, held] of map) {
      if (other > index && other < nearest) {
        nearest = other;
        next = held.node || held;
      }
    }
    parent.insertBefore(node, next || after || null);
  }
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
    row.node.style.transform = `translateY(${size.headHeight + index * size.slotHeight}px)`;
    row.node.setAttribute("aria-rowindex", String(index + (layout.kind === "matrix" ? 2 : 1)));
    if (row.head && layout.rowAxes.length) review.replace(row.head, headButton(layout.rows[index], "rows", layout.rows[index - 1]));
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
  /* Who reads the document in its own order hears the rows in theirs. The one with the focus is not moved. */
  function orderRows() {
    const sorted = [...rows.keys()].sort((one, other) => one - other);
    const held = rows.get(active.row);
    const nodes = sorted.map((index) => rows.get(index).node);
    if (nodes.every((node, index) => index === 0 || nodes[index - 1].nextSibling === node)) return;
    for (const index of sorted) {
      const { node } = rows.get(index);
      if (held && index < active.row) canvas.insertBefore(node, held.node);
      else if (!held || index > active.row) canvas.appendChild(node);
    }
  }

  /* Places are put where they belong at once and filled while there is time in this frame. */
  function placeSlot(row, col) {
    const slot = spare.pop() || cells.make();
    cells.clear(slot);
    slot.drawn = -1;
    slot.tabIndex = -1;
    slot.style.left = `${size.headWidth + col * size.slotWidth + (state.layout.kind === "flow" ? 8 : 4)}px`;
    slot.style.width = `${size.slotWidth}px`;
    slot.style.height = `${size.slotHeight}px`;
    slot.setAttribute("aria-colindex", String(col + (state.layout.kind === "matrix" ? 2 : 1)));
    insertInOrder(row.node, row.slots, col, slot);
    row.slots.set(col, slot);
    return slot;
  }
  function fillSlot(slot, rowIndex, col, hurry) {
    slot.drawn = epoch;
    const addresses = state.layout.slot(rowIndex, col);
    cells.bind(slot, addresses, { width: size.thumbWidth, height: size.thumbHeight, caption: size.caption, hurry });
    slot.setAttribute("aria-selected", String(addresses.length > 0 && addresses.every((address) => state.selected.has(address))));
    slot.tabIndex = rowIndex === active.row && col === active.col ? 0 : -1;
  }

  function span(from, to, count, pinned) {
    const list = [];
    for (let index = Math.max(0, from); index <= Math.min(count - 1, to); index += 1) list.push(index);
    if (pinned >= 0 && pinned < count && !list.includes(pinned)) list.push(pinned);
    return list;
  }
  let epoch = 0; //  what is drawn in an older one may no longer be true
  function render(all = false) {
    const layout = state.layout;
    if (!layout || grid.hidden) return;
    const firstRow = Math.floor(view.top / size.slotHeight) - OVERSCAN;
    const lastRow = Math.floor((view.top + view.height - size.headHeight) / size.slotHeight) + OVERSCAN;
    const firstCol = Math.floor(view.left / size.slotWidth) - OVERSCAN;
    const lastCol = Math.floor((view.left + view.width - size.headWidth) / size.slotWidth) + OVERSCAN;
    const wantedRows = span(firstRow, lastRow, layout.rowCount, active.row);
    const wantedCols = span(firstCol, lastCol, layout.colCount, active.col);
    const keepRows = new Set(wantedRows);
    const keepCols = new Set(wantedCols);
    const hurry = view.speed < 3;
    const until = performance.now() + (all ? 1000 : hurry ? FRAME : FRAME / 3);
    const gone = [...rows.keys()].filter((index) => !keepRows.has(index));
    for (const [col, node] of [...heads]) {
      if (keepCols.has(col)) continue;
      node.remove();
      heads.delete(col);
    }
    if (layout.kind === "matrix" && layout.colAxes.length) {
      for (const col of wantedCols) {
        if (heads.has(col)) continue;
        const node = columnHead(col);
        insertInOrder(columns, heads, col, node);
        heads.set(col, node);
      }
    }
    let left = 0;
    let moved = false;
    for (const index of wantedRows) {
      let row = rows.get(index);
      if (!row) moved = true;
      if (!row && gone.length) {
        const old = gone.pop();
        const held = rows.get(old);
        rows.delete(old);
        row = takeRow(held, index);
      } else if (!row) row = takeRow(makeRow(), index);
      for (const col of [...row.slots.keys()]) if (!keepCols.has(col)) freeSlot(row, col);
      for (const col of wantedCols) {
        const slot = row.slots.get(col) || placeSlot(row, col);
        if (slot.drawn === epoch) continue;
        const isActive = index === active.row && col === active.col;
        if (isActive || performance.now() < until) fillSlot(slot, index, col, hurry);
        else {
          if (slot.drawn < 0 && slot.bound) cells.clear(slot);
          left += 1;
        }
      }
    }
    for (const index of gone) freeRow(index);
    if (left) schedule();
    if (left || !hurry || moved) settleSoon();
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
    }, 90);
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

  /* Everything is placed anew: another layout, another size. The picture that has the focus keeps it. */
  function rebuild() {
    const layout = state.layout;
    if (!layout) return;
    const held = grid.contains(document.activeElement);
    for (const index of [...rows.keys()]) freeRow(index);
    spare.length = 0;
    const none = !layout.order.length;
    empty.hidden = !none;
    grid.hidden = none;
    if (none) return void drawEmpty();
    aspect = shape();
    measure();
    tally();
    drawColumns();
    const at = state.focus && layout.at(state.focus);
    Object.assign(active, at || { row: 0, col: 0 });
    if (!at) Object.assign(active, layout.at(layout.order[0]));
    view.top = grid.scrollTop;
    view.left = grid.scrollLeft;
    epoch += 1;
    render(true);
    review.matrix.firstDrawn = review.matrix.firstDrawn || performance.now();
    if (held && at) focusAt(active.row, active.col, { scroll: false });
  }

  function drawEmpty() {
    const all = state.board.cells.length;
    const ways = review.filters.loosening();
    review.replace(empty, all
      ? [el("h2", { text: "No picture matches" }), el("p", { class: "dim", text: ways.length ? "Take one of these away:" : "No single filter is to blame: clear them all." }),
          el("ul", {}, ways.slice(0, 5).map((way) => el("li", {}, el("button", { type: "button", on: { click: () => review.filters.clear(way.id) } }, el("bdi", { text: way.title }), el("span", { class: "dim", text: `${review.count(way.back)} back` })))),
            el("li", {}, el("button", { type: "button", class: "primary", text: "Clear all filters", on: { click: () => review.filters.clear() } })))]
      : [el("h2", { text: "This campaign delivers no pictures yet" }), el("p", { class: "dim", text: "An asset is shown here when it has an output." })]);
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
      tally();
      for (const [col, node] of heads) review.replace(node, headButton(state.layout.cols[col], "cols", state.layout.cols[col - 1]));
      for (const [index, row] of rows) if (row.head && state.layout.rowAxes.length) review.replace(row.head, headButton(state.layout.rows[index], "rows", state.layout.rows[index - 1]));
    }, 150);
  }
  on("filter", () => rebuild());
  on("cells", ({ gone }) => {
    if (!gone) anew();
    headsSoon();
  });
  on("selection", anew);
  on("pending", anew);

  function resize(next) {
    step = Math.max(0, Math.min(WIDTHS.length - 1, next));
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
    if (changed) rebuild();
    else schedule();
  }).observe(root);

  function start() {
    document.getElementById("waiting").remove();
    view.width = root.clientWidth;
    view.height = root.clientHeight;
    root.append(grid, empty);
  }

  review.matrix = { firstDrawn: 0, start, resize, sizes: WIDTHS.length, step: () => step, focusAt, focusAddress, focused, active, placeOf, tell, grid, rowsInSight: () => Math.max(1, Math.floor((view.height - size.headHeight) / size.slotHeight)) };
})();
