/* Two texts in one: what was taken out and what was put in, as real `del` and `ins` elements.
   It knows the list of parts that the server sends, [["=", "same"], ["-", "gone"], ["+", "new"]], and not how it was made.
   A part that is only spaces is marked as such, or nobody would see that one is missing. */
(function () {
  "use strict";

  const review = (window.review = window.review || {});
  const { el } = review;
  const NEAR = 48; //  characters of what is the same that are kept on both sides of a change in an excerpt

  const TAGS = { "-": "del", "+": "ins", "=": "span" };

  function part(kind, text) {
    const onlySpace = kind !== "=" && text.trim() === "";
    return el(TAGS[kind] || "span", { class: kind === "=" ? "" : onlySpace ? "diff space" : "diff", text });
  }

  const known = (parts) => (Array.isArray(parts) ? parts.filter((each) => Array.isArray(each) && each[1]) : []);

  const hasChanges = (parts) => known(parts).some(([kind]) => kind !== "=");

  /* Both texts in one run: before the change struck out, after it underlined. */
  const whole = (parts) => known(parts).map(([kind, text]) => part(kind, text));

  /* The earlier text alone (with what was lost marked) and the later alone (with what was added marked). */
  function sides(parts) {
    const one = (kept) => known(parts).filter(([kind]) => kind === "=" || kind === kept).map(([kind, text]) => part(kind, text));
    return { before: one("-"), after: one("+") };
  }

  /* The ends of what is the same, in whole words where there are any; null: too short for anything to be left out. */
  function ends(text, isFirst, isLast) {
    const room = (isFirst ? 0 : NEAR) + (isLast ? 0 : NEAR);
    if (text.length < room + 24) return null;
    const head = isFirst ? "" : text.slice(0, NEAR).replace(/(?<=\s)\S*$/u, "");
    const tail = isLast ? "" : text.slice(-NEAR).replace(/^\S*(?=\s)/u, "");
    return [head, tail];
  }

  /* Only the changes, each with a little of what stands around it. */
  function excerpt(parts) {
    const all = known(parts);
    return all.map(([kind, text], index) => {
      const kept = kind === "=" ? ends(text, index === 0, index === all.length - 1) : null;
      if (!kept) return part(kind, text);
      return [el("span", { text: kept[0] }), el("span", { class: "left-out", title: "the same in both", text: " … " }), el("span", { text: kept[1] })];
    });
  }

  const isLong = (parts) => known(parts).some(([kind, text], index, all) => kind === "=" && ends(text, index === 0, index === all.length - 1));

  /* Without the server's parts: the ends that both share, and the middle that differs. */
  function ofTexts(before, after) {
    const one = Array.from(before || "");
    const other = Array.from(after || "");
    let head = 0;
    while (head < one.length && head < other.length && one[head] === other[head]) head += 1;
    let tail = 0;
    while (tail < one.length - head && tail < other.length - head && one[one.length - 1 - tail] === other[other.length - 1 - tail]) tail += 1;
    return known([
      ["=", one.slice(0, head).join("")],
      ["-", one.slice(head, one.length - tail).join("")],
      ["+", other.slice(head, other.length - tail).join("")],
      ["=", one.slice(one.length - tail).join("")],
    ]);
  }

  review.textdiff = { whole, sides, excerpt, isLong, hasChanges, ofTexts };
})();
