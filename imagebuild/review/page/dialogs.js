/* What is said to somebody: aloud, in a dialog that waits for an answer, or in a line at the bottom for a while. */
(function () {
  "use strict";
  const { el, icon } = review;

  /* Said to whoever listens, seen by nobody. Two lines in turn, so that the same words twice are heard twice. */
  let heard = 0;
  function announce(text) {
    const lines = [document.getElementById("heard-0"), document.getElementById("heard-1")];
    if (!lines[0] || !lines[1]) return;
    lines[heard % 2].textContent = "";
    heard += 1;
    lines[heard % 2].textContent = text;
  }

  let dialogs = 0;

  /* actions: [{label, value, tone: "primary"|"bad"|"", run(dialog) → false keeps it open}]. The first action is what Enter does.
     Answers {element, close(value), closed: Promise → value|null}. The focus stays inside and goes back to where it was. */
  function dialog({ title, body, actions = [], className = "", focus = null }) {
    const before = document.activeElement;
    let settle;
    const closed = new Promise((resolve) => (settle = resolve));
    dialogs += 1;
    const name = `dialog-${dialogs}`;
    const node = el("dialog", { class: `dialog ${className}`, "aria-labelledby": name });
    const shown = { element: node, closed, close };
    function close(value) {
      if (!node.isConnected) return;
      node.close();
      node.remove();
      if (before && before.isConnected && before !== document.body) before.focus({ preventScroll: true });
      settle(value === undefined ? null : value);
    }
    function act(action) {
      if (action.run && action.run(shown) === false) return;
      close(action.value === undefined ? action.label : action.value);
    }
    const form = el(
      "form",
      {
        on: {
          submit(event) {
            event.preventDefault();
            if (actions.length) act(actions[0]);
          },
        },
      },
      el("header", { class: "dialog-head" }, el("h2", { id: name, text: title }), el("button", { type: "button", class: "plain square", "aria-label": "Close", on: { click: () => close(null) } }, icon("close"))),
      el("div", { class: "dialog-body" }, body),
      actions.length &&
        el(
          "footer",
          { class: "dialog-foot" },
          actions.map((action, index) =>
            el("button", { type: index ? "button" : "submit", class: action.tone || "", text: action.label, on: index ? { click: () => act(action) } : {} }),
          ),
        ),
    );
    node.appendChild(form);
    node.addEventListener("cancel", (event) => {
      event.preventDefault();
      event.stopPropagation();
      close(null);
    });
    node.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && actions.length) act(actions[0]);
    });
    node.addEventListener("pointerdown", (event) => {
      if (event.target === node) close(null);
    });
    document.body.appendChild(node);
    node.showModal();
    const first = focus || node.querySelector("textarea, input, select, .dialog-foot button");
    if (first) first.focus();
    return shown;
  }

  /* A line at the bottom for a while: {text, action: {label, run}, seconds, tone}. Answers a function that takes it away. */
  function toast({ text, action = null, seconds = 6, tone = "", key = "" }) {
    const holder = document.getElementById("toasts");
    if (key) for (const other of holder.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)) other.remove();
    const node = el("div", { class: `toast ${tone}`, "data-key": key || null }, el("p", {}, typeof text === "string" ? review.coded(text) : text));
    const gone = () => node.remove();
    if (action) node.appendChild(el("button", { type: "button", class: "plain", text: action.label, on: { click: () => (gone(), action.run()) } }));
    node.appendChild(el("button", { type: "button", class: "plain square", "aria-label": "Dismiss", on: { click: gone } }, icon("close")));
    holder.appendChild(node);
    while (holder.children.length > 3) holder.firstElementChild.remove();
    if (seconds) setTimeout(gone, seconds * 1000);
    return gone;
  }

  Object.assign(review, { announce, dialog, toast });
})();
