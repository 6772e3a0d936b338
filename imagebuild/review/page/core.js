/* What every part of the page stands on: elements, the server's answers, what is being shown, events, dialogs.
   It knows nothing of the matrix, of the view of one picture, or of how decisions are kept.
   Everything that comes from a campaign or from a person (prompts, names, comments) goes through `el` and becomes a
   text node or a checked property: there is no way in here to turn a string into markup. */
(function () {
  "use strict";

  const review = (window.review = window.review || {});
  const SVG = "http://www.w3.org/2000/svg";

  /* ---- elements ------------------------------------------------------------------------------------------------ */

  const MARKUP = new Set(["innerHTML", "outerHTML", "srcdoc", "insertAdjacentHTML"]);

  function append(node, children) {
    for (const child of children) {
      if (child === null || child === undefined || child === false) continue;
      if (Array.isArray(child)) append(node, child);
      else if (child instanceof Node) node.appendChild(child);
      else node.appendChild(document.createTextNode(String(child)));
    }
    return node;
  }

  /* props: class, text, style (an object, set through CSSOM), on: {click: fn}, aria-*, data-*, role, dir, lang; what is
     a property of the element is set as one, the rest as attributes. null, undefined and false leave an attribute out. */
  function el(tag, props, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(props || {})) {
      if (MARKUP.has(name) || (name.startsWith("on") && name !== "on")) throw new Error(`el: ${name} is not allowed`);
      if (name === "class") node.className = value || "";
      else if (name === "text") node.textContent = value === null || value === undefined ? "" : String(value);
      else if (name === "style") for (const [key, text] of Object.entries(value)) node.style.setProperty(key, text);
      else if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
      else if (name === "href" && !/^(https?:|#|[\w./%?=&-]*$)/.test(value)) throw new Error("el: not a link");
      else if (name.includes("-") || name === "role" || name === "for" || name === "list" || !(name in node)) {
        if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : String(value));
      } else if (value !== null && value !== undefined) node[name] = value;
    }
    return append(node, children);
  }

  /* The same for SVG: attributes only. */
  function svg(tag, attributes, ...children) {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "style" || name.startsWith("on")) throw new Error(`svg: ${name} is not allowed`);
      if (value !== null && value !== undefined && value !== false) node.setAttribute(name, String(value));
    }
    return append(node, children);
  }

  function replace(node, ...children) {
    node.textContent = "";
    return append(node, children);
  }

  /* Drawn on a 16 × 16 field with a line of 1.6, so that they are the same on every machine. */
  const ICONS = {
    approved: "M3 8.6 6.4 12 13 4.6",
    rejected: "M4 4l8 8M12 4l-8 8",
    open: "M8 2.8a5.2 5.2 0 1 1 0 10.4A5.2 5.2 0 0 1 8 2.8",
    partly: "M8 2.8a5.2 5.2 0 1 1 0 10.4A5.2 5.2 0 0 1 8 2.8M8 2.8v10.4M10 3.4v9.2M12 4.8v6.4",
    lapsed: "M3 3v3.4h3.4M3.4 6.2A5.2 5.2 0 1 1 2.8 9M8 5.4V8.4l2 1.4",
    unneeded: "M3.6 8h8.8",
    passed: "M8 1.8 13 3.6v4c0 3-2 5.3-5 6.6-3-1.3-5-3.6-5-6.6v-4zM5.6 7.9 7.4 9.7 10.6 6.2",
    failed: "M8 2 14.4 13.4H1.6zM8 6.4v3.4M8 11.5v.4",
    unverified: "M8 1.8 13 3.6v4c0 3-2 5.3-5 6.6-3-1.3-5-3.6-5-6.6v-4zM6.6 6.2a1.5 1.5 0 1 1 2 1.6c-.5.2-.6.5-.6 1M8 10.7v.3",
    none: "M8 1.8 13 3.6v4c0 3-2 5.3-5 6.6-3-1.3-5-3.6-5-6.6v-4z",
    pending: "M3.4 8h.2M7.9 8h.2M12.4 8h.2",
    comment: "M2.6 3.4h10.8v7.2H7.4L4.6 13v-2.4h-2z",
    retake: "M13 3v3.4H9.6M12.6 6.2A5.2 5.2 0 1 0 13.2 9",
    changed: "M8 3 13.5 12.5H2.5z",
    search: "M7 2.6a4.4 4.4 0 1 1 0 8.8 4.4 4.4 0 0 1 0-8.8M10.2 10.2 13.6 13.6",
    close: "M4 4l8 8M12 4l-8 8",
    undo: "M6 3 2.8 6.2 6 9.4M3 6.2h6.2a3.6 3.6 0 0 1 0 7.2H6",
    filter: "M2 4h12M4.4 8h7.2M6.6 12h2.8",
    left: "M10 3 5 8l5 5",
    right: "M6 3l5 5-5 5",
    down: "M3.5 6 8 10.5 12.5 6",
    help: "M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2M6.4 6.5a1.6 1.6 0 1 1 2.2 1.7c-.5.2-.6.5-.6 1M8 11.2v.3",
    download: "M8 2.4v7.8M4.8 7.2 8 10.4l3.2-3.2M3 13.4h10",
    variants: "M2.6 5.2h7.6v7.6H2.6zM5.4 5V2.8H13v7.6h-2.6",
    link: "M6.6 9.4 9.4 6.6M7.2 4.6l1.4-1.4a2.8 2.8 0 0 1 4 4l-1.4 1.4M8.8 11.4l-1.4 1.4a2.8 2.8 0 0 1-4-4l1.4-1.4",
    swap: "M3 5.5h9.5M10 3l2.5 2.5L10 8M13 10.5H3.5M6 8l-2.5 2.5L6 13",
  };

  /* Decoration only: beside it stands a word, or its holder has an aria-label. Copied from one made before. */
  const drawn = new Map();
  function icon(name, className) {
    const key = `${name} ${className || ""}`;
    if (!drawn.has(key)) {
      const path = svg("path", { d: ICONS[name] || ICONS.pending, fill: "none", stroke: "currentColor", "stroke-width": 1.6, "stroke-linecap": "round", "stroke-linejoin": "round" });
      drawn.set(key, svg("svg", { class: `icon${className ? ` ${className}` : ""}`, viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true", focusable: "false" }, path));
    }
    return drawn.get(key).cloneNode(true);
  }

  /* What states, gates and verdicts are called, which icon they have, and their tone (a class: good, bad, warn, wait, dim). */
  const WORDS = {
    state: {
      open: { word: "open", icon: "open", tone: "wait" },
      partly: { word: "partly", icon: "partly", tone: "wait" },
      approved: { word: "approved", icon: "approved", tone: "good" },
      rejected: { word: "rejected", icon: "rejected", tone: "bad" },
      lapsed: { word: "lapsed", icon: "lapsed", tone: "warn" },
      unneeded: { word: "none needed", icon: "unneeded", tone: "dim" },
    },
    gate: {
      passed: { word: "checks passed", icon: "passed", tone: "good" },
      unverified: { word: "not verified", icon: "unverified", tone: "warn" },
      failed: { word: "checks failed", icon: "failed", tone: "bad" },
      none: { word: "no checks", icon: "none", tone: "dim" },
      pending: { word: "not built", icon: "pending", tone: "dim" },
    },
  };
  function wordsFor(kind, value) {
    return (WORDS[kind] && WORDS[kind][value]) || { word: value || "not known", icon: "pending", tone: "dim" };
  }

  /* ---- what is shown, and who wants to know ---------------------------------------------------------------------- */

  const listeners = new Map();
  function on(event, listener) {
    if (!listeners.has(event)) listeners.set(event, new Set());
    listeners.get(event).add(listener);
    return () => listeners.get(event).delete(listener);
  }
  function emit(event, detail) {
    for (const listener of [...(listeners.get(event) || [])]) {
      try {
        listener(detail);
      } catch (error) {
        console.error(`review: a listener of ${event} failed`, error);
      }
    }
  }

  const state = {
    board: null, //                 the board as it came, `cells` kept up to date
    cells: new Map(), //            address → cell
    order: [], //                   addresses that pass the filter, in the order they are shown
    focus: null, //                 address
    selected: new Set(), //         addresses
    open: null, //                  address whose large view is open
    connection: "connecting", //    connecting | live | lost | export
    saving: { waiting: 0, sending: false, trouble: "" },
    asked: {}, //                   what the location says: arrangement and filters
  };

  /* The board's cells replaced or added; tells "cells" with the addresses. */
  function takeCells(cells, event) {
    const addresses = [];
    for (const cell of cells) {
      if (!cell || typeof cell.address !== "string") continue;
      const before = state.cells.get(cell.address);
      state.cells.set(cell.address, cell);
      if (before) state.board.cells[before.place] = cell;
      else state.board.cells.push(cell);
      Object.defineProperty(cell, "place", { value: before ? before.place : state.board.cells.length - 1, writable: true, enumerable: false });
      addresses.push(cell.address);
    }
    emit("cells", { addresses, ...(event || {}) });
    return addresses;
  }
  function dropCells(addresses) {
    const gone = addresses.filter((address) => state.cells.delete(address));
    if (!gone.length) return;
    state.board.cells = state.board.cells.filter((cell) => state.cells.has(cell.address));
    state.board.cells.forEach((cell, place) => (cell.place = place));
    for (const address of gone) state.selected.delete(address);
    emit("cells", { addresses: gone, gone: true });
  }
  function takeBoard(board) {
    state.board = board;
    state.cells = new Map();
    board.cells.forEach((cell, place) => {
      Object.defineProperty(cell, "place", { value: place, writable: true, enumerable: false });
      state.cells.set(cell.address, cell);
    });
    for (const address of [...state.selected]) if (!state.cells.has(address)) state.selected.delete(address);
    emit("board", board);
  }

  /* ---- the server's answers, or the export's ---------------------------------------------------------------------- */

  class Trouble extends Error {
    constructor(what, { hint = "", status = 0, offline = false } = {}) {
      super(hint ? `${what}: ${hint}` : what);
      Object.assign(this, { what, hint, status, offline });
    }
  }

  const inline = new Map();
  function inlined(id) {
    if (!inline.has(id)) {
      const node = document.getElementById(id);
      inline.set(id, node && node.type === "application/json" ? JSON.parse(node.textContent) : null);
    }
    return inline.get(id);
  }
  const exported = () => document.getElementById("board") !== null;

  async function ask(path, options) {
    let reply;
    try {
      reply = await fetch(path, { credentials: "omit", redirect: "error", ...options });
    } catch (error) {
      if (options && options.signal && options.signal.aborted && error.name === "AbortError") throw error;
      throw new Trouble("the review server does not answer", { hint: "is `imagebuild review` still running?", offline: true });
    }
    let data = null;
    try {
      data = await reply.json();
    } catch {
      if (reply.ok) throw new Trouble("the review server's answer could not be read", { status: reply.status, offline: true });
    }
    if (!reply.ok) {
      const known = data && typeof data.what === "string" ? data : null;
      const otherwise = reply.status === 403 ? "this link is no longer valid" : `the review server said no (${reply.status})`;
      const hint = known ? known.hint : reply.status === 403 ? "take the new one that `imagebuild review` printed" : "";
      throw new Trouble(known ? known.what : otherwise, { hint: hint || "", status: reply.status });
    }
    return data;
  }

  const api = {
    url: (relative) => new URL(relative, document.baseURI).href,
    exported,
    board: async () => (exported() ? structuredClone(inlined("board")) : ask("api/board", { cache: "no-cache" })),
    async asset(address, { signal } = {}) {
      if (!exported()) return ask(`api/asset?address=${encodeURIComponent(address)}`, { signal });
      const found = (inlined("assets") || {})[address];
      if (!found) throw new Trouble(`there is nothing more about ${address} in this export`);
      return structuredClone(found);
    },
    async decide(list, { signal } = {}) {
      if (exported()) throw new Trouble("an export sends nothing", { hint: "download the decisions" });
      return ask("api/decisions", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ decisions: list }), signal });
    },
    async compare(before, after) {
      if (exported()) throw new Trouble("an export does not measure differences", { hint: "slider, side by side and onion skin work" });
      return ask(`compare/${encodeURIComponent(before)}/${encodeURIComponent(after)}`);
    },
  };

  /* ---- the location: arrangement, filters and the open picture, to be shared -------------------------------------- */

  /* `#a=<address>&rows=…`: read() → a plain object of strings; write({a: null}) takes a name out, others are left alone.
     `push` makes a step that the browser's back button takes back. */
  const place = {
    read: () => Object.fromEntries(new URLSearchParams(location.hash.replace(/^#/, ""))),
    write(changes, { push = false } = {}) {
      const words = new URLSearchParams(location.hash.replace(/^#/, ""));
      for (const [name, value] of Object.entries(changes)) {
        if (value === null || value === undefined || value === "") words.delete(name);
        else words.set(name, value);
      }
      const text = words.toString();
      const hash = text ? `#${text}` : "";
      if (hash === location.hash) return;
      history[push ? "pushState" : "replaceState"](null, "", hash || location.pathname + location.search);
    },
  };
  for (const event of ["hashchange", "popstate"]) window.addEventListener(event, () => emit("place", place.read()));

  /* What this browser keeps. It may keep nothing (switched off, full): then `set` says so, and nothing breaks. */
  const keep = {
    get(name) {
      try {
        return localStorage.getItem(name);
      } catch {
        return null;
      }
    },
    set(name, text) {
      try {
        localStorage.setItem(name, text);
        return true;
      } catch {
        return false;
      }
    },
    remove(name) {
      try {
        localStorage.removeItem(name);
      } catch {
        /* there is nothing to remove where nothing is kept */
      }
    },
    names(prefix) {
      try {
        return Object.keys(localStorage).filter((name) => name.startsWith(prefix));
      } catch {
        return [];
      }
    },
  };

  /* ---- words ------------------------------------------------------------------------------------------------------ */

  /* "0.0125" → "$0.0125", "12" → "$12.00", "" and null → "". Prices are US dollars in decimal text, never floats. */
  function money(text) {
    if (text === null || text === undefined || text === "") return "";
    const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(text));
    if (!match) return String(text);
    const [, sign, whole, part = ""] = match;
    const trimmed = part.replace(/0+$/, "");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
    return `${sign}$${grouped}.${trimmed.slice(0, 4).padEnd(2, "0")}`;
  }
  const count = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");
  const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many || `${one}s`}`;
  function size(bytes) {
    if (typeof bytes !== "number") return "";
    return bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  }
  const clock = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
  function when(iso) {
    const date = new Date(iso || "");
    return Number.isNaN(date.getTime()) ? String(iso || "") : clock.format(date);
  }
  const whenElement = (iso) => el("time", { dateTime: iso || "", title: `${(iso || "").replace("T", " ").replace("Z", "")} UTC`, text: when(iso) });

  /* Said to whoever listens, seen by nobody. Two lines in turn, so that the same words twice are heard twice. */
  let heard = 0;
  function announce(text) {
    const lines = [document.getElementById("heard-0"), document.getElementById("heard-1")];
    if (!lines[0] || !lines[1]) return;
    lines[heard % 2].textContent = "";
    heard += 1;
    lines[heard % 2].textContent = text;
  }

  /* ---- dialogs and toasts ----------------------------------------------------------------------------------------- */

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
    const node = el("div", { class: `toast ${tone}`, "data-key": key || null }, el("p", {}, text));
    const gone = () => node.remove();
    if (action) node.appendChild(el("button", { type: "button", class: "plain", text: action.label, on: { click: () => (gone(), action.run()) } }));
    node.appendChild(el("button", { type: "button", class: "plain square", "aria-label": "Dismiss", on: { click: gone } }, icon("close")));
    holder.appendChild(node);
    while (holder.children.length > 3) holder.firstElementChild.remove();
    if (seconds) setTimeout(gone, seconds * 1000);
    return gone;
  }

  Object.assign(review, {
    el, svg, icon, replace, wordsFor, on, emit, state, api, place, keep, money, count, plural, size, when, whenElement, announce, dialog, toast,
    takeBoard, takeCells, dropCells, Trouble,
  });
})();
