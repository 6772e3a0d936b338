/* From pictures to places: which axes are rows and which are columns, and where each picture stands. It draws nothing. */
(function () {
  "use strict";
  const { el, icon, state, place } = review;
  const WIDEST = 14; //   more columns than this are not chosen unasked
  const FULL = 0.5; //    locales across, when at least so much of the matrix is pictures
  const BETTER = 1.2; //  another axis has to be so much better than they
  const SCREEN = 5; //    columns, about
  const SPARSE = 0.25; // a matrix with less in it is shown as a list

  const narrow = () => matchMedia("(max-width: 640px)").matches;

  /* Every axis that tells pictures apart, assets first: [{name, values: [{id, label, dir}]}]. */
  let known = null;
  function axes() {
    if (known && known.board === state.board) return known.axes;
    const board = state.board;
    const list = [{ name: "asset", values: board.assets.map((asset) => ({ id: asset.name, label: asset.name, dir: "auto" })) }];
    for (const axis of board.axes) if (axis.name !== "asset") list.push(axis);
    const found = list.map((axis) => {
      const used = new Set(board.cells.map((cell) => review.filters.axisValue(cell, axis.name)));
      const values = axis.values.filter((value) => used.has(value.id));
      for (const id of used) if (id && !values.some((value) => value.id === id)) values.push({ id, label: id, dir: "auto" });
      return { name: axis.name, values, places: new Map(values.map((value, index) => [value.id, index])) };
    });
    known = { board, axes: found.filter((axis) => axis.values.length > 1) };
    return known.axes;
  }
  const axisOf = (name) => axes().find((axis) => axis.name === name);

  /* How much of a matrix with this axis across would be pictures, and how much of the screens that it takes: those that the
     axis says nothing of have a column of their own, and beside few columns there is nothing. */
  function fillOf(across) {
    const others = axes().filter((axis) => axis !== across);
    const rows = new Set();
    const cols = new Set();
    for (const cell of state.board.cells) {
      rows.add(others.map((axis) => review.filters.axisValue(cell, axis.name)).join("\u0000"));
      cols.add(review.filters.axisValue(cell, across.name));
    }
    const many = state.board.cells.length;
    return { fill: many / (rows.size * cols.size || 1), worth: many / (rows.size * Math.max(cols.size, SCREEN) || 1) };
  }
  /* Locales across if they fit and leave not too much empty; else the axis that leaves least; the rest are rows. `fill` is
     how much of it is pictures. */
  function usual() {
    const all = axes();
    if (known.usual) return known.usual;
    const fits = all.filter((axis) => axis.values.length <= WIDEST).sort((one, other) => other.values.length - one.values.length);
    let across = fits.find((axis) => axis.name === "locale") || fits[0];
    let found = across ? fillOf(across) : { fill: 1, worth: 1 };
    for (const axis of found.fill < FULL ? fits : []) {
      const other = axis.name === "asset" ? found : fillOf(axis);
      if (other.worth > found.worth * BETTER) [across, found] = [axis, other];
    }
    known.usual = { rows: all.filter((axis) => axis !== across).map((axis) => axis.name), cols: across ? [across.name] : [], fill: found.fill };
    return known.usual;
  }
  /* {rows, cols, view: "matrix"|"flow", chosen: whether somebody chose the view}. */
  function arrangement(asked) {
    const words = place.read();
    const names = (text) => review.filters.unpack(text).filter((name) => axisOf(name));
    const set = "rows" in words || "cols" in words;
    const sides = set ? { rows: names(words.rows), cols: names(words.cols), fill: 1 } : { ...usual() };
    sides.rows = sides.rows.filter((name) => !sides.cols.includes(name));
    const chosen = words.view === "matrix" || words.view === "flow";
    let view = chosen ? words.view : narrow() || sides.fill < SPARSE ? "flow" : "matrix";
    if ((asked && asked.sort) || (!sides.rows.length && !sides.cols.length)) view = "flow";
    return { ...sides, view, chosen };
  }

  function side(names, cells) {
    const found = new Map();
    for (const cell of cells) {
      const ids = names.map((name) => review.filters.axisValue(cell, name));
      const key = ids.join("\u0000");
      if (!found.has(key)) found.set(key, { key, ids, ranks: ids.map((id, index) => (id ? axisOf(names[index]).places.get(id) : Infinity)) });
    }
    const lines = [...found.values()].sort((one, other) => {
      for (let index = 0; index < names.length; index += 1) if (one.ranks[index] !== other.ranks[index]) return one.ranks[index] - other.ranks[index];
      return 0;
    });
    lines.forEach((line, index) => {
      line.index = index;
      line.labels = line.ids.map((id, at) => labelOf(names[at], id));
    });
    return { lines, keys: found };
  }
  function labelOf(name, id) {
    if (!id) return { axis: name, id: "", label: `any ${name}`, dir: "ltr" };
    const axis = axisOf(name);
    const value = axis && axis.values[axis.places.get(id)];
    return { axis: name, id, label: value ? value.label : id, dir: "auto" };
  }

  /* A layout: rows and cols (lines with labels), slot(row, col) → addresses, at(address) → {row, col}. */
  function matrix(cells, { rows, cols }) {
    const down = side(rows, cells);
    const across = side(cols, cells);
    const slots = new Map();
    const places = new Map();
    const width = across.lines.length;
    for (const cell of cells) {
      const row = down.keys.get(rows.map((name) => review.filters.axisValue(cell, name)).join("\u0000")).index;
      const col = across.keys.get(cols.map((name) => review.filters.axisValue(cell, name)).join("\u0000")).index;
      const number = row * width + col;
      if (slots.has(number)) slots.get(number).push(cell.address);
      else slots.set(number, [cell.address]);
      places.set(cell.address, { row, col });
    }
    const order = [];
    for (const number of [...slots.keys()].sort((one, other) => one - other)) order.push(...slots.get(number));
    return {
      kind: "matrix", rows: down.lines, cols: across.lines, rowAxes: rows, colAxes: cols, order,
      rowCount: down.lines.length, colCount: width, fill: slots.size / Math.max(1, down.lines.length * width),
      slot: (row, col) => (col < width && slots.get(row * width + col)) || [],
      at: (address) => places.get(address) || null,
    };
  }
  function flow(cells) {
    const order = cells.map((cell) => cell.address);
    const places = new Map(order.map((address, index) => [address, index]));
    const layout = {
      kind: "flow", rows: [], cols: [], rowAxes: [], colAxes: [], order, rowCount: 0, colCount: 1, fill: 1,
      slot: (row, col) => (col < layout.colCount && row * layout.colCount + col < order.length ? [order[row * layout.colCount + col]] : []),
      at(address) {
        const index = places.get(address);
        return index === undefined ? null : { row: Math.floor(index / layout.colCount), col: index % layout.colCount };
      },
      /* The view is so wide: as many columns as fit. */
      fit(columns) {
        layout.colCount = Math.max(1, columns);
        layout.rowCount = Math.ceil(order.length / layout.colCount);
      },
    };
    layout.fit(1);
    return layout;
  }

  function lay(cells, asked) {
    const wanted = arrangement(asked);
    let layout = wanted.view === "matrix" ? matrix(cells, wanted) : flow(cells);
    if (layout.kind === "matrix" && !wanted.chosen) {
      const few = review.filters.active(asked) && cells.length <= 24 && layout.fill < 0.34;
      const scattered = cells.length > 30 && layout.fill < 0.08;
      if (few || scattered) layout = flow(cells);
    }
    layout.varying = axes().map((axis) => axis.name).filter((name) => new Set(cells.map((cell) => review.filters.axisValue(cell, name))).size > 1);
    state.layout = layout;
    state.order = layout.order;
  }

  /* ---- choosing -------------------------------------------------------------------------------------------------- */

  function swap() {
    const { rows, cols } = arrangement();
    choose({ rows: cols, cols: rows });
  }
  function choose({ rows, cols, view = "matrix" }) {
    const { pack } = review.filters;
    place.write({ rows: rows.length ? pack(rows) : null, cols: cols.length ? pack(cols) : null, view, sort: view === "matrix" ? null : place.read().sort });
    review.filters.apply();
  }

  /* Every axis with its side; those on one side are joined in the order of the list. */
  function ask() {
    const now = arrangement();
    const names = [...now.rows, ...now.cols, ...axes().map((axis) => axis.name).filter((name) => !now.rows.includes(name) && !now.cols.includes(name))];
    const sides = new Map(names.map((name) => [name, now.rows.includes(name) ? "rows" : now.cols.includes(name) ? "cols" : "none"]));
    const body = el("tbody");
    function move(index) {
      [names[index - 1], names[index]] = [names[index], names[index - 1]];
      draw();
      const button = body.querySelectorAll("tr")[index - 1].querySelector("button");
      if (button) button.focus();
    }
    function draw() {
      review.replace(body, names.map((name, index) => el("tr", {},
        el("th", { scope: "row" }, el("b", { text: name }), el("span", { class: "dim", text: ` ${axisOf(name).values.length}` })),
        ["rows", "cols", "none"].map((side) => el("td", {}, el("input", { type: "radio", name: `side-${name}`, checked: sides.get(name) === side, "aria-label": `${name}: ${{ rows: "rows", cols: "columns", none: "not used" }[side]}`, on: { change: () => sides.set(name, side) } }))),
        el("td", {}, index ? el("button", { type: "button", class: "plain", "aria-label": `Put ${name} before ${names[index - 1]}`, on: { click: () => move(index) } }, "↑ up") : null))));
    }
    draw();
    review.dialog({
      title: "Rows and columns",
      body: [
        el("table", { class: "axes-table" }, el("thead", {}, el("tr", {}, ["axis", "rows", "columns", "neither", "order"].map((title) => el("th", { scope: "col", text: title })))), body),
        el("p", { class: "dim", text: "Several axes on one side are joined. An axis on neither side is gathered: a place then holds several pictures." }),
      ],
      actions: [
        { label: "Arrange", tone: "primary", run: () => choose({ rows: names.filter((name) => sides.get(name) === "rows"), cols: names.filter((name) => sides.get(name) === "cols") }) },
        { label: "As usual", run: () => { place.write({ rows: null, cols: null, view: null }); review.filters.apply(); } },
        { label: "Cancel", value: null },
      ],
    });
  }

  review.arrange = { axes, axisOf, labelOf, arrangement, lay, ask, swap, choose, icon: () => icon("swap") };
})();
