/* How large everything in the grid is, from what is shown and how wide the view is. It measures nothing in the document
   but the length of a few captions. */
(function () {
  "use strict";
  const { state } = review;

  const WIDTHS = [104, 140, 184, 248, 352];
  const STRIP = 27;
  const GAP = 4; //      around each place
  const LINE = 16; //    of a caption
  const CODES = 2; //    a caption that takes more lines than this has codes instead of names

  /* The box has the middle shape of what is shown, so that wide pictures get wide boxes and tall ones tall boxes. */
  function shape(order) {
    let sum = 0;
    let many = 0;
    for (const address of order) {
      const found = state.cells.get(address);
      if (!found || !found.size || !found.size[0] || !found.size[1]) continue;
      sum += Math.log(found.size[0] / found.size[1]);
      many += 1;
    }
    return many ? Math.min(1.78, Math.max(0.8, Math.exp(sum / many))) : 4 / 3;
  }

  /* How a caption is written in this width: {axes, codes, lines, title}. All have room for the longest. */
  let pen = null;
  function captions(layout, width) {
    pen = pen || document.createElement("canvas").getContext("2d");
    pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const title = layout.varying.includes("asset");
    const wide = (codes) => {
      const texts = layout.order.map((address) => review.cell.words(state.cells.get(address), layout.varying, codes).join(" · "));
      const longest = texts.sort((one, other) => other.length - one.length).slice(0, 12);
      return Math.max(0, ...longest.map((text) => pen.measureText(text).width)) * 1.12; // a line is seldom quite full
    };
    const lines = (text) => Math.max(1, Math.ceil(text / width));
    const named = lines(wide(false));
    const codes = named > CODES;
    return { axes: layout.varying, codes, title, lines: Math.min(CODES + 1, codes ? lines(wide(true)) : named) };
  }

  function measured(layout, view, step) {
    const size = { headWidth: 0, headHeight: 6, caption: null };
    const narrow = view.width < 560;
    const base = WIDTHS[step] + GAP * 2;
    const isMatrix = layout.kind === "matrix";
    if (isMatrix) {
      size.headWidth = narrow ? 92 : layout.rowAxes.length ? 152 : 16;
      size.headHeight = layout.colAxes.length ? 22 + 17 * Math.max(layout.colAxes.length, 2) : 0;
    }
    const room = view.width - size.headWidth - (isMatrix ? 8 : 16);
    if (isMatrix) {
      size.slotWidth = Math.max(base, Math.min(Math.floor(room / Math.max(1, layout.colCount)), Math.round(base * 1.3)));
    } else {
      layout.fit(Math.max(1, Math.floor(room / base)));
      size.slotWidth = Math.min(Math.floor(room / layout.colCount), Math.round(base * 1.5));
      if (layout.order.length > layout.colCount) size.slotWidth = Math.floor(room / layout.colCount);
      size.caption = captions(layout, size.slotWidth - GAP * 2 - 16);
    }
    size.gap = GAP;
    size.thumbWidth = size.slotWidth - GAP * 2;
    size.thumbHeight = Math.round(size.thumbWidth / shape(layout.order));
    size.slotHeight = size.thumbHeight + STRIP + GAP * 2;
    if (size.caption) size.slotHeight += 6 + LINE * (size.caption.lines + (size.caption.title ? 1 : 0));
    if (isMatrix) size.slotHeight = Math.max(size.slotHeight, 22 + 18 * (layout.rowAxes.length + 1));
    size.width = size.headWidth + size.slotWidth * layout.colCount + 8;
    size.height = size.headHeight + size.slotHeight * layout.rowCount + 84;
    return size;
  }

  review.sizes = { measured, steps: WIDTHS.length };
})();
