/* The heads of rows and columns: what their values are called, how much of a line is approved, and the button that
   selects it whole. Where they stand is matrix.js's. */
(function () {
  "use strict";
  const { el, state } = review;

  const tallies = { rows: new Map(), cols: new Map() }; //  line → {of, done}

  /* How many there are in each line, and how many of them are approved. */
  function count(layout) {
    tallies.rows.clear();
    tallies.cols.clear();
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

  /* A name that is the same as in the line before is shown faintly, so that the eye finds where a group begins. Of an axis
     that says nothing here, nothing is said where there is another name. */
  function names(line, before) {
    const told = line.labels.map((label, index) => ({ label, index })).filter(({ label }) => label.id || line.ids.every((id) => !id));
    return told.map(({ label, index }, at) => {
      const same = before && before.ids.slice(0, index + 1).every((id, place) => id === line.ids[place]);
      const code = label.id && label.label !== label.id ? el("span", { class: "code", text: label.id }) : null;
      return [el("bdi", { class: same && at < told.length - 1 ? "dim" : at === 0 ? "first" : "", dir: "auto", text: label.label }), code];
    });
  }
  function button(kind, index) {
    const lines = state.layout[kind];
    const line = lines[index];
    const words = line.labels.map((label) => label.label).join(", ");
    const sum = tallies[kind].get(index);
    const tally = el("span", { class: `tally${sum && sum.of && sum.done === sum.of ? " whole" : ""}`, text: sum ? `${sum.done} / ${sum.of} ✓` : "" });
    const labels = names(line, lines[index - 1]);
    const content = kind === "cols" && labels.length === 1
      ? [labels[0][0], el("span", { class: "line" }, labels[0][1], tally)]
      : [...labels.map(([name, code]) => (kind === "cols" ? el("span", { class: "line" }, name) : [name, code])), tally];
    const act = (event) => review.select.line(kind === "cols" ? "col" : "row", index, event);
    return el("button", { type: "button", tabIndex: -1, title: `Select all of ${words}`, "aria-label": `${words}: ${sum ? `${sum.done} of ${sum.of} approved` : ""}, select all`, on: { click: act } }, el("span", { class: "names" }, content));
  }
  function corner(layout) {
    return el("div", { class: "corner", role: "columnheader", "aria-colindex": "1" },
      el("span", { text: `${layout.rowAxes.join(" × ") || "all"} ↓` }), el("span", { text: `${layout.colAxes.join(" × ")} →` }));
  }

  review.heads = { count, button, corner };
})();
