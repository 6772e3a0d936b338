/* What every part of the page stands on: elements, the server's answers, what is being shown, events, words.
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
    started: "", //                 by which the server that this page hears is known
    connection: "connecting", //    connecting | live | resting (nobody looks) | lost | invalid (the link) | export
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
    /* What this person has decided, by address: for so many pictures that asking about each would take long. */
    own: async () => ask("api/own"),
    /* What an EventSource does not say when it fails: "gone" (nobody answers), "here", or "invalid" (not with this link). */
    async greets() {
      try {
        const reply = await fetch("api/live", { method: "HEAD", cache: "no-store", credentials: "omit", redirect: "error", signal: AbortSignal.timeout(5000) });
        return reply.status === 403 ? "invalid" : reply.ok ? "here" : "gone";
      } catch {
        return "gone";
      }
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

  /* Sentences of this program are English, whatever copy they quote: `things` between backticks are shown as code, and
     each stretch of copy keeps its direction to itself. */
  const QUOTED = /`([^`\n]+)`|(“[^”\n]*”|„[^“\n]*“|«[^»\n]*»)|((?:\p{Script=Arabic}|\p{Script=Hebrew})(?:[^\n"“”«»„]*(?:\p{Script=Arabic}|\p{Script=Hebrew}))?)/u;
  function coded(text) {
    const pieces = [];
    let rest = String(text || "");
    for (let found = QUOTED.exec(rest); found; found = QUOTED.exec(rest)) {
      const [whole, code, quoted, copy] = found;
      pieces.push(rest.slice(0, found.index));
      if (code) pieces.push(el("code", {}, el("bdi", { text: code })));
      else if (quoted) pieces.push(quoted[0], el("bdi", { text: quoted.slice(1, -1) }), quoted.slice(-1));
      else pieces.push(el("bdi", { text: copy }));
      rest = rest.slice(found.index + whole.length);
    }
    return [...pieces, rest];
  }

  /* "0.0125" → "$0.0125", "0.3444" → "$0.34", "12" → "$12.00", "" and null → "": two digits from ten cents on, four below, six
     for what would look like nothing, as the command line has it. Prices are decimal text, never floats. */
  function money(text) {
    if (text === null || text === undefined || text === "") return "";
    const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(text));
    if (!match) return String(text);
    const [, sign, whole, part = ""] = match;
    const below = (limit) => BigInt(whole) === 0n && part.padEnd(3, "0") < limit;
    const digits = !below("1") ? 2 : below("001") ? 6 : 4;
    const scaled = rounded(whole + part.padEnd(digits, "0"), Math.max(0, part.length - digits)).toString().padStart(digits + 1, "0");
    const cents = scaled.slice(-digits).replace(/0+$/, "").padEnd(2, "0");
    const grouped = scaled.slice(0, -digits).replace(/\B(?=(\d{3})+$)/g, ",");
    return `${sign}$${grouped}.${cents}`;
  }
  /* An integer without its last digits, a half to the even side. */
  function rounded(text, dropped) {
    const unit = 10n ** BigInt(dropped);
    const all = BigInt(text);
    const [kept, rest] = [all / unit, (all % unit) * 2n];
    return rest > unit || (rest === unit && kept % 2n === 1n) ? kept + 1n : kept;
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

  Object.assign(review, { el, svg, replace, on, emit, state, api, place, keep, coded, money, count, plural, size, when, whenElement, takeBoard, takeCells, dropCells, Trouble });
})();
