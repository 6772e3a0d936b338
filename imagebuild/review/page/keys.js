/* The keyboard. Nothing is decided by a key unless a picture has the focus or pictures are selected, and never while
   somebody types, in a dialog, or in the large view (which has its own keys). */
(function () {
  "use strict";
  const { el, state, matrix, select } = review;

  const DECISIONS = { a: "approve", r: "reject", u: "withdraw", c: "comment", t: "retake" };
  const HELP = [
    ["j k", "next, previous picture"], ["a", "approve"], ["← ↑ ↓ →", "move"], ["r", "reject, with a reason"], ["Enter, o", "open large"], ["c", "comment"],
    ["Space", "select, or not"], ["t", "ask for another take"], ["Shift Space", "select up to here"], ["u", "take your decision back"], ["x", "select the row"], ["z", "undo"],
    ["Shift X", "select the column"], ["/", "search"], ["Ctrl A", "select all that are shown"], ["f", "filters"], ["Esc", "select nothing, close"], ["?", "this help"],
  ];

  const typing = (target) => target instanceof Element && target.closest("input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable]");
  const control = (target) => target instanceof Element && target.closest("button, input, summary, a[href]") && !target.closest(".slot");

  function step(forward) {
    const { order, layout } = state;
    if (!order.length) return;
    const place = matrix.focused();
    let index = place && place.addresses.length ? order.indexOf(place.addresses[0]) : -1;
    if (!place && state.focus && order.includes(state.focus)) return void matrix.focusAddress(state.focus);
    if (place && index < 0) {
      const after = order.findIndex((address) => layout.at(address).row > place.row || (layout.at(address).row === place.row && layout.at(address).col > place.col));
      index = forward ? (after < 0 ? order.length : after) - 1 : after < 0 ? order.length : after;
    }
    const here = place && place.addresses.length ? place : null;
    let next = place ? index + (forward ? 1 : -1) : 0;
    if (here && forward) next = index + here.addresses.length;
    if (next < 0 || next >= order.length) return;
    matrix.focusAddress(order[next]);
  }
  const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  function move(event) {
    const { row, col } = matrix.active;
    const { layout } = state;
    if (!matrix.focused()) return matrix.focusAt(row, col);
    if (MOVES[event.key]) {
      const [down, right] = MOVES[event.key];
      if (layout.kind === "flow" && right && !(col + right >= 0 && col + right < layout.colCount && layout.slot(row, col + right).length)) return step(right > 0);
      if (layout.kind === "flow" && down && !layout.slot(row + down, col).length && down > 0) return matrix.focusAddress(layout.order[layout.order.length - 1]);
      return matrix.focusAt(row + down, col + right);
    }
    if (event.key === "PageDown") return matrix.focusAt(row + matrix.rowsInSight(), col);
    if (event.key === "PageUp") return matrix.focusAt(row - matrix.rowsInSight(), col);
    if (event.key === "Home") return matrix.focusAt(event.ctrlKey ? 0 : row, 0);
    if (event.ctrlKey) return matrix.focusAddress(layout.order[layout.order.length - 1]);
    return matrix.focusAt(row, layout.colCount - 1);
  }

  function decide(kind) {
    const targets = select.targets();
    if (!targets.length) return void review.toast({ text: "Choose a picture first: j and k or the arrows move, Space selects", seconds: 5, key: "no" });
    review.decide(kind, targets);
  }
  function escape() {
    if (review.facets.shown() && matchMedia("(max-width: 640px)").matches) return review.facets.show(false);
    return select.clear();
  }

  function inGrid(event) {
    const place = matrix.focused();
    if (event.key === " ") {
      if (place) (event.shiftKey ? select.range : select.toggle)(place);
      else return false;
    } else if (event.key === "Enter" || event.key === "o") {
      if (!place) return false;
      review.open(place);
    } else if (event.key.startsWith("Arrow") || ["PageUp", "PageDown", "Home", "End"].includes(event.key)) move(event);
    else return false;
    return true;
  }
  function anywhere(event) {
    const key = event.key;
    if (DECISIONS[key]) decide(DECISIONS[key]);
    else if (key === "j" || key === "k") step(key === "j");
    else if (key === "x" || key === "X") {
      const place = matrix.focused();
      if (place) select.line(key === "X" ? "col" : "row", key === "X" ? place.col : place.row);
    } else if (key === "z") review.undo();
    else if (key === "/") document.getElementById("search").focus();
    else if (key === "f") review.facets.show(!review.facets.shown());
    else if (key === "?") help();
    else if (key === "Escape") return Boolean(escape());
    else return false;
    return true;
  }

  function help() {
    review.dialog({
      title: "Keys", className: "wide",
      body: el("dl", { class: "keys" }, HELP.map(([keys, what]) => [el("dt", {}, keys.split(" ").map((key) => [el("kbd", { text: key.replace(",", "") }), " "])), el("dd", { text: what })])),
      actions: [{ label: "Close", tone: "primary", value: null }],
    });
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || !state.layout || state.open || document.querySelector("dialog[open]")) return;
    if (event.altKey || ((event.ctrlKey || event.metaKey) && !["a", "Home", "End"].includes(event.key))) return;
    if (typing(event.target)) {
      if (event.key === "Escape") select.refocus();
      return;
    }
    if (event.ctrlKey || event.metaKey) {
      if (event.key === "a") select.all();
      else if (!matrix.focused()) return;
      else move(event);
      event.preventDefault();
      return;
    }
    if ((!control(event.target) && inGrid(event)) || anywhere(event)) event.preventDefault();
  });

  review.help = help;
})();
