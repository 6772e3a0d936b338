/* Which pictures are shown, and in what order: search, filters, sort. All of it is kept in the location, so a link
   shows the same. It draws nothing, and knows nothing of rows and columns.
   A filter is applied when it is set. What happens afterwards (somebody approves a picture in a list of open ones) does
   not make pictures jump away under a hand that is about to press a key: they stay until the list is brought up to date. */
(function () {
  "use strict";
  const { state, emit, on, place, api } = review;

  const SORTS = { "": "as arranged", cost: "cost, highest first", price: "next build's price, highest first", state: "approval: open first", address: "address" };
  const STATE_ORDER = ["rejected", "lapsed", "partly", "open", "approved", "unneeded"];
  const GATE_ORDER = ["failed", "unverified", "pending", "none", "passed"];
  const WORKING_STATES = ["open", "partly", "lapsed", "rejected", "approved", "unneeded"];

  let facets = [];
  let counts = new Map(); //   facet id → Map(value → how many would be shown)
  let shown = new Set(); //    addresses that passed when the filter was applied
  let applied = ""; //         what the location said then
  let stale = 0; //            how many of all would come or go if it were applied now

  /* One facet: {id, title, values: [{id, label, dir}], of(cell) → value or "", group}. `id` is its name in the location. */
  function facet(id, title, values, of, extra) {
    return { id, title, values, of, places: new Map(values.map((value, index) => [value.id, index])), ...extra };
  }
  function flag(id, label, of) {
    return facet(id, label, [{ id: "yes", label }], (cell) => (of(cell) ? "yes" : ""), { group: "marks" });
  }
  function used(cells, of, order) {
    const found = new Set(cells.map(of).filter((value) => value !== "" && value !== null && value !== undefined));
    return [...order.filter((value) => found.has(value)), ...[...found].filter((value) => !order.includes(value)).sort()];
  }
  function named(kind, values) {
    return values.map((value) => ({ id: value, label: kind ? review.wordsFor(kind, value).word : value }));
  }

  function describe(board) {
    const cells = board.cells;
    const list = [
      facet("state", "Approval", named("state", used(cells, (cell) => cell.state, WORKING_STATES)), (cell) => cell.state || ""),
      facet("gate", "Checks", named("gate", used(cells, (cell) => cell.gate, GATE_ORDER)), (cell) => cell.gate || ""),
      facet("verdict", "Next build", named("", used(cells, (cell) => cell.verdict, ["make", "reuse"])), (cell) => cell.verdict || ""),
    ];
    if (isAsked(board)) list.push(flag("mine", "waiting for you", waitsForMe));
    if (board.since) list.push(flag("changed", `changed since ${board.since.name}`, (cell) => cell.changed));
    list.push(flag("comments", "with comments", (cell) => cell.comments), flag("take", "another take asked for", (cell) => cell.retake));
    if (cells.some((cell) => cell.variants)) list.push(flag("variants", "with variants to choose from", (cell) => cell.variants));
    if (board.assets.length > 1) list.push(facet("asset", "Asset", board.assets.map((asset) => ({ id: asset.name, label: asset.name })), (cell) => cell.asset));
    for (const axis of board.axes) list.push(facet(`axis.${axis.name}`, axis.name, axis.values, (cell) => axisValue(cell, axis.name), { axis: true }));
    return list.filter((one) => one.values.length > 1 || one.group || one.id === "state"); // the totals count the states
  }
  /* Whether this page's person is among those whose approval counts at all. */
  function isAsked({ you, people }) {
    return Boolean(you && you.decides && people && (!people.length || people.includes(you.person)));
  }
  /* Whether an approval of this page's person is what a picture waits for. */
  function waitsForMe(cell) {
    const { you, people } = state.board;
    if (!cell.waits) return false;
    return cell.waits.of ? cell.waits.of.includes(people.indexOf(you.person)) : !cell.waits.but.includes(you.person);
  }
  function axisValue(cell, name) {
    const value = name === "asset" ? cell.asset : cell.cell && cell.cell[name];
    return value === null || value === undefined ? "" : String(value);
  }

  /* ---- what the location asks for -------------------------------------------------------------------------------- */

  const pack = (values) => values.map((value) => encodeURIComponent(value)).join(",");
  const unpack = (text) => (text ? text.split(",").filter(Boolean).map((value) => { try { return decodeURIComponent(value); } catch { return value; } }) : []);

  function read() {
    const words = place.read();
    const chosen = new Map();
    for (const one of facets) {
      const values = unpack(words[one.id]);
      if (values.length) chosen.set(one.id, new Set(values));
    }
    const sort = words.sort in SORTS ? words.sort : "";
    return { text: words.q || "", terms: folded(words.q || "").split(/\s+/).filter(Boolean), chosen, sort };
  }
  const active = (asked = read()) => asked.terms.length > 0 || asked.chosen.size > 0;

  function set(id, values) {
    place.write({ [id]: values.length ? pack(values) : null });
    apply();
  }
  function toggle(id, value) {
    const chosen = new Set(read().chosen.get(id) || []);
    if (!chosen.delete(value)) chosen.add(value);
    set(id, [...chosen]);
  }
  function clear(id) {
    const names = id ? [id] : ["q", ...facets.map((one) => one.id)];
    place.write(Object.fromEntries(names.map((name) => [name, null])));
    apply();
  }

  /* ---- matching -------------------------------------------------------------------------------------------------- */

  const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const haystacks = new WeakMap();
  let words = new Map(); //  axis → Map(value → label)
  function haystack(cell) {
    let text = haystacks.get(cell);
    if (text === undefined) {
      const labels = state.board.axes.map((axis) => `${axisValue(cell, axis.name)} ${(words.get(axis.name) || new Map()).get(axisValue(cell, axis.name)) || ""}`);
      text = folded([cell.address, cell.output, cell.placement, cell.why, review.wordsFor("state", cell.state).word, ...labels].filter(Boolean).join(" "));
      haystacks.set(cell, text);
    }
    return text;
  }
  /* What a search reads is written down while nothing else is to be done, so that the first letter does not wait for it. */
  function prepare(board, from = 0) {
    if (state.board !== board || from >= board.cells.length) return;
    for (const cell of board.cells.slice(from, from + 200)) haystack(cell);
    setTimeout(prepare, 30, board, from + 200);
  }
  const finds = (cell, terms) => !terms.length || terms.every((term) => haystack(cell).includes(term));

  /* Passing: the cells that match everything. A value's count is what would be shown if its facet alone were set to it,
     so a cell counts for a facet when no other facet turns it away. */
  function measure() {
    const asked = read();
    const wanted = facets.map((one) => asked.chosen.get(one.id) || null);
    counts = new Map(facets.map((one) => [one.id, new Map()]));
    const passing = [];
    for (const cell of state.board.cells) {
      if (!finds(cell, asked.terms)) continue;
      let missed = -1;
      let misses = 0;
      const values = facets.map((one) => one.of(cell));
      for (let index = 0; index < facets.length && misses < 2; index += 1) {
        if (wanted[index] && !wanted[index].has(values[index])) {
          missed = index;
          misses += 1;
        }
      }
      if (misses > 1) continue;
      if (misses === 0) passing.push(cell);
      for (let index = 0; index < facets.length; index += 1) {
        if (misses === 1 && index !== missed) continue;
        const tally = counts.get(facets[index].id);
        tally.set(values[index], (tally.get(values[index]) || 0) + 1);
      }
    }
    return { asked, passing };
  }

  const number = (text) => Number.parseFloat(text || "0") || 0; // for sorting only
  const BY = {
    cost: (one, other) => number(other.cost) - number(one.cost),
    price: (one, other) => number(other.price) - number(one.price),
    state: (one, other) => STATE_ORDER.indexOf(one.state) - STATE_ORDER.indexOf(other.state),
    address: (one, other) => (one.address < other.address ? -1 : 1),
  };

  /* What says which pictures there are and in what order; how they are arranged does not. */
  const list = ({ text, sort, chosen }) => JSON.stringify([text, sort, [...chosen].map(([id, values]) => [id, [...values].sort()]).sort()]);
  let told = list({ text: "", sort: "", chosen: new Map() });

  /* The list is made anew: what does not match goes, what matches comes. */
  function apply() {
    if (!state.board) return;
    const { asked, passing } = measure();
    applied = arranged(place.read());
    if (asked.sort) passing.sort((one, other) => BY[asked.sort](one, other) || one.place - other.place);
    shown = new Set(passing.map((cell) => cell.address));
    stale = 0;
    for (const address of [...state.selected]) if (!shown.has(address)) state.selected.delete(address);
    const another = told !== (told = list(asked));
    const before = state.layout;
    review.arrange.lay(passing, asked);
    const moved = !before || ["kind", "rowAxes", "colAxes"].some((name) => String(before[name]) !== String(state.layout[name]));
    emit("filter", { asked, another, arranged: moved });
  }
  /* Cells have changed: counts follow, the list stays. */
  function recount() {
    const { asked, passing } = measure();
    let kept = 0;
    for (const cell of passing) if (shown.has(cell.address)) kept += 1;
    stale = passing.length - kept + (shown.size - kept);
    if (!active(asked) && passing.length !== shown.size) apply();
    else emit("counts", { asked });
  }
  let due = 0;
  function recountSoon() {
    if (!due) due = setTimeout(() => ((due = 0), recount()), 120);
  }

  /* What, taken away, would bring how many pictures back: for an empty result. */
  function loosening() {
    const asked = read();
    const names = [...asked.chosen.keys(), ...(asked.terms.length ? ["q"] : [])];
    const ways = names.map((name) => {
      const others = facets.filter((one) => one.id !== name && asked.chosen.has(one.id));
      const terms = name === "q" ? [] : asked.terms;
      const back = state.board.cells.filter((cell) => finds(cell, terms) && others.every((one) => asked.chosen.get(one.id).has(one.of(cell)))).length;
      return { id: name, title: name === "q" ? `“${asked.text}”` : titleOf(name, asked.chosen.get(name)), back };
    });
    return ways.filter((way) => way.back > 0).sort((one, other) => other.back - one.back);
  }
  function titleOf(id, values) {
    const one = facets.find((candidate) => candidate.id === id);
    if (!one) return id;
    if (one.group) return one.title;
    const labels = [...values].map((value) => (one.values[one.places.get(value)] || { label: value }).label);
    return `${one.title}: ${labels.length > 2 ? `${labels.length} chosen` : labels.join(" or ")}`;
  }

  on("board", (board) => {
    facets = describe(board);
    words = new Map(board.axes.map((axis) => [axis.name, new Map(axis.values.map((value) => [value.id, value.label]))]));
    setTimeout(prepare, 500, board);
    apply();
  });
  /* Opening and closing a picture also moves in the location, and leaves the list as it is. */
  const arranged = (words) => JSON.stringify(Object.entries(words).filter(([name]) => name !== "a").sort());
  on("place", (words) => state.board && arranged(words) !== applied && apply());
  on("cells", ({ gone, addresses }) => {
    const fresh = addresses.some((address) => !shown.has(address) && state.cells.has(address));
    if (gone || (fresh && !active())) apply();
    else recountSoon();
  });

  review.filters = {
    SORTS, axisValue, pack, unpack, read, active, set, toggle, clear, apply, loosening, titleOf,
    facets: () => facets,
    counts: (id) => counts.get(id) || new Map(),
    shown: () => shown,
    isAsked: () => isAsked(state.board),
    anyWaits: () => state.board.cells.some(waitsForMe),
    stale: () => stale,
    exported: api.exported,
  };
})();
