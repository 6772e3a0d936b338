/* One place of the grid: the picture (or the few that share the place), its state and its marks. Bound again and again,
   as places are recycled; it decides nothing. */
(function () {
  "use strict";
  const { el, icon, state, money, wordsFor } = review;

  const UNBUILT = { make: "to be made", restore: "to be made", wait: "being made elsewhere", uncertain: "outcome unknown", blocked: "blocked", refused: "refused", rejected: "held back" };
  const DOING = { approve: "approving …", reject: "rejecting …", withdraw: "taking back …", comment: "noting …", retake: "asking …", pick: "choosing …" };
  const NOTED = { approve: "approve, noted", reject: "reject, noted", withdraw: "taken back", comment: "comment, noted", retake: "take, noted", pick: "choice, noted" };

  /* Wide enough for the place and the screen, of the widths that are served. An export has only those it names. */
  function thumbFor(cell, width) {
    if (!cell.thumb || review.api.exported()) return cell.thumb || "";
    const wanted = width * Math.min(2, window.devicePixelRatio || 1);
    const served = [160, 320, 640].find((one) => one >= wanted * 0.85) || 640;
    return cell.thumb.replace(/\/\d+\.webp$/, `/${served}.webp`);
  }

  const arrived = new Set(); //  pictures that were here once, shown without a wait

  /* Pictures that have come are uncovered together, once a frame and after the grid has asked how far it was scrolled: each
     by itself would make the browser lay the page out again for that question. */
  const loaded = [];
  function uncover() {
    for (const image of loaded.splice(0)) {
      const shape = (image.naturalWidth / image.naturalHeight) * (Number.parseFloat(image.style.height) / Number.parseFloat(image.style.width));
      if (shape > 0.95 && shape < 1.05) image.style.objectFit = "fill"; // a pixel's rounding would leave a fringe
      image.classList.add("there");
    }
  }

  /* A new element each time: one that is given another source would show the last picture until the next has come, and
     somebody might decide on it. */
  function picture(cell, width, height, hurry) {
    const image = el("img", { alt: "", decoding: "async", draggable: false });
    const source = thumbFor(cell, width);
    const [wide, high] = cell.size || [];
    if (wide && high) {
      const scale = Math.min(width / wide, height / high);
      image.style.width = `${Math.round(wide * scale)}px`;
      image.style.height = `${Math.round(high * scale)}px`;
    }
    image.addEventListener("load", () => {
      arrived.add(source);
      loaded.push(image);
      if (loaded.length === 1) requestAnimationFrame(uncover);
    });
    image.addEventListener("error", () => image.replaceWith(el("div", { class: "unbuilt" }, icon("failed"), el("span", { text: "no thumbnail" }))));
    if (hurry || arrived.has(source)) image.src = source;
    else image.dataset.later = source;
    return image;
  }
  /* The pictures that were passed over while the grid flew by. */
  function loadLater(root) {
    for (const image of root.querySelectorAll("img[data-later]")) {
      image.src = image.dataset.later;
      delete image.dataset.later;
    }
  }

  function unbuilt(cell) {
    const word = UNBUILT[cell.verdict] || (cell.digest ? "no thumbnail" : "not built");
    const price = Number.parseFloat(cell.price || "0") > 0 ? money(cell.price) : "";
    const tone = ["blocked", "refused", "rejected", "uncertain"].includes(cell.verdict) ? "warn" : "";
    return el("div", { class: `unbuilt ${tone}` }, icon(tone ? "failed" : "pending"), el("span", { text: word }), price && el("span", { class: "number", text: price }));
  }

  function mark(name, text, tone, title) {
    return el("span", { class: `mark ${tone || ""}`, title: title || text }, icon(name), el("span", { text }));
  }
  function marks(cell) {
    const list = [];
    if (cell.changed) list.push(mark("changed", "changed", "", `changed since ${(state.board.since || {}).name}`));
    if (cell.retake) list.push(mark("retake", "take asked for", "warn"));
    if (cell.digest && ["make", "restore"].includes(cell.verdict) && !cell.retake) list.push(mark("pending", cell.verdict === "make" ? "to be remade" : "file to be restored", "", cell.why));
    if (cell.digest && ["blocked", "refused", "uncertain", "rejected"].includes(cell.verdict)) list.push(mark("failed", UNBUILT[cell.verdict], "warn", cell.why));
    if (cell.variants) list.push(mark("variants", `${cell.variants} variants`));
    return list.length ? el("div", { class: "marks" }, list) : null;
  }

  function stateLine(cell) {
    const asked = review.pending ? review.pending(cell.address) : [];
    if (asked.length) {
      const last = asked[asked.length - 1].decision;
      const words = review.api.exported() ? NOTED : DOING;
      return el("span", { class: "state pending wait" }, icon(last === "approve" ? "approved" : last === "reject" ? "rejected" : "pending"), el("span", { text: words[last] || "saving …" }));
    }
    const words = wordsFor("state", cell.state);
    const missing = (cell.missing || []).join(", ");
    return el("span", { class: `state ${words.tone}`, title: missing ? `missing: ${missing}` : words.word }, icon(words.icon), el("span", { text: words.word }));
  }
  function facts(cell) {
    const gate = wordsFor("gate", cell.gate);
    const price = Number.parseFloat(cell.price || "0") > 0;
    const cost = Number.parseFloat(cell.cost || "0") > 0;
    return el("span", { class: "sums" },
      cell.gate && cell.gate !== "none" ? el("span", { class: `gate ${gate.tone}`, title: gate.word }, icon(gate.icon)) : null,
      cell.comments ? el("span", { class: "comments", title: review.plural(cell.comments, "comment") }, icon("comment"), String(cell.comments)) : null,
      price ? el("span", { class: "money", title: "what the next build would pay", text: `+${money(cell.price)}` }) : cost ? el("span", { class: "money", title: "its share of what was paid", text: money(cell.cost) }) : null);
  }

  /* What it is, in the words of the axes: for who does not see. */
  function labels(cell) {
    const names = review.arrange.axes().filter((axis) => axis.name !== "asset" && review.filters.axisValue(cell, axis.name));
    return names.map((axis) => review.arrange.labelOf(axis.name, review.filters.axisValue(cell, axis.name)));
  }
  /* What tells it from the others that are shown: the values of these axes, by name or by code. */
  function words(cell, axes, codes) {
    const values = axes.filter((name) => name !== "asset").map((name) => [name, review.filters.axisValue(cell, name)]);
    return values.filter(([, id]) => id).map(([name, id]) => (codes ? id : review.arrange.labelOf(name, id).label));
  }
  function spoken(cell) {
    const parts = [cell.asset, ...labels(cell).map((label) => label.label), wordsFor("state", cell.state).word];
    if ((cell.missing || []).length) parts.push(`missing ${cell.missing.join(" and ")}`);
    if (cell.gate && cell.gate !== "none") parts.push(wordsFor("gate", cell.gate).word);
    if (!cell.digest) parts.push(UNBUILT[cell.verdict] || "not built");
    if (cell.changed) parts.push("changed");
    if (cell.retake) parts.push("another take asked for");
    if (cell.comments) parts.push(review.plural(cell.comments, "comment"));
    if (Number.parseFloat(cell.price || "0") > 0) parts.push(`next build ${money(cell.price)}`);
    return parts.join(", ");
  }
  function caption(cell, { axes, codes, title, lines }) {
    const told = words(cell, axes, codes);
    const second = told.length ? told.flatMap((word, index) => [index ? " · " : "", el("bdi", { dir: "auto", text: word })]) : el("bdi", { text: title ? "" : cell.address });
    const values = el("span", { class: "values" }, second);
    values.style.maxHeight = `${16 * lines}px`;
    return el("div", { class: "caption", title: cell.address }, title ? el("bdi", { class: "title", dir: "auto", text: cell.asset }) : null, values);
  }

  /* Several pictures at one place: the first four, and what they come to. */
  function gathered(cells, options) {
    const box = el("div", { class: "several" }, cells.slice(0, 4).map((cell) => el("div", {}, cell.thumb ? picture(cell, options.width / 2, options.height / 2, options.hurry) : unbuilt(cell))));
    const approved = cells.filter((cell) => cell.state === "approved" || cell.state === "unneeded").length;
    const rejected = cells.filter((cell) => cell.state === "rejected").length;
    const tone = rejected ? "bad" : approved === cells.length ? "good" : "wait";
    const words = rejected ? `${rejected} rejected` : `${approved} of ${cells.length} approved`;
    return { box, strip: [el("span", { class: `state ${tone}` }, icon(rejected ? "rejected" : approved === cells.length ? "approved" : "partly"), el("span", { text: words }))] };
  }

  /* `options`: {width, height, caption, hurry}. What is already bound to the same thing is left alone: then false. */
  function bind(slot, addresses, options) {
    const cells = addresses.map((address) => state.cells.get(address)).filter(Boolean);
    const pending = review.pending ? cells.map((cell) => review.pending(cell.address).map((one) => one.ref).join()).join() : "";
    const mine = slot.bound;
    const same = mine && mine.pending === pending && mine.width === options.width && mine.caption === options.caption && mine.cells.length === cells.length && cells.every((cell, index) => cell === mine.cells[index]);
    if (same) return false;
    slot.bound = { cells, pending, width: options.width, caption: options.caption };
    slot.classList.toggle("vacant", !cells.length);
    slot.classList.remove("told");
    slot.textContent = "";
    if (!cells.length) {
      slot.removeAttribute("data-address");
      slot.setAttribute("aria-label", "no picture here");
      return false;
    }
    const [cell] = cells;
    slot.dataset.address = cell.address;
    slot.setAttribute("aria-label", cells.length > 1 ? `${review.plural(cells.length, "picture")}, first ${spoken(cell)}` : spoken(cell));
    const several = cells.length > 1 ? gathered(cells, options) : null;
    const ground = el("div", { class: "ground" }, several ? several.box : cell.thumb ? picture(cell, options.width, options.height, options.hurry) : unbuilt(cell), several ? el("div", { class: "marks" }, mark("variants", String(cells.length), "", `${cells.length} pictures`)) : marks(cell));
    ground.style.height = `${options.height}px`;
    ground.appendChild(tick.cloneNode(true));
    slot.append(ground, ...(options.caption ? [caption(cell, options.caption)] : []), el("div", { class: "strip" }, several ? several.strip : [stateLine(cell), facts(cell)]));
    return true;
  }
  const tick = el("span", { class: "tick", "aria-hidden": "true" }, el("span"));
  const blank = el("div", { class: "slot", role: "gridcell", tabIndex: -1 });
  const make = () => blank.cloneNode(true);
  /* Emptied for another picture, which comes with the next frame. */
  function clear(slot) {
    slot.bound = null;
    slot.textContent = "";
    slot.removeAttribute("data-address");
    slot.removeAttribute("aria-label");
    slot.setAttribute("aria-selected", "false");
  }

  review.cell = { make, bind, clear, spoken, words, loadLater };
})();
