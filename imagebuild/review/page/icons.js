/* The icons, and what states and gates are called: one word, one icon and one tone each, wherever they are shown. */
(function () {
  "use strict";
  const { svg } = review;

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
    person: "M8 2.6a2.6 2.6 0 1 1 0 5.2 2.6 2.6 0 0 1 0-5.2M3 13.4c.4-2.8 2.4-4.2 5-4.2s4.6 1.4 5 4.2",
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

  Object.assign(review, { icon, wordsFor });
})();
