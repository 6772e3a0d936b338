/* The view of one picture: opened over the matrix, walked through in its order, closed again. It fetches what is known
   of the picture, hands it to the viewer and to the facts, and turns presses and keys into decisions.
   It knows nothing of how a decision is kept or sent, and nothing of how a picture is compared. */
(function () {
  "use strict";

  const review = (window.review = window.review || {});
  const { el, icon, state } = review;
  const { whyNot, pendingOf } = review.standing;

  const KEPT = 16; //       pictures whose facts are remembered, so that going back is immediate
  const SETTLE = 150; //    several events about one picture are one question to the server
  const TYPING = "input:not([type=radio]):not([type=range]):not([type=checkbox]), textarea, select, [contenteditable]";
  const STAYS = "#asset-root, #toasts, dialog, script, noscript, link, :has(> #heard-0)";

  const known = new Map(); // address → the promise of its JSON
  let view = null; //         the open one, or null

  /* ---- what is known -------------------------------------------------------------------------------------------- */

  function fetchAsset(address, fresh) {
    if (fresh) known.delete(address);
    if (!known.has(address)) {
      const asked = review.api.asset(address);
      known.set(address, asked);
      asked.catch(() => known.get(address) === asked && known.delete(address));
      while (known.size > KEPT) known.delete(known.keys().next().value);
    }
    return known.get(address);
  }

  function prefetch(address) {
    if (!address) return;
    fetchAsset(address).then(
      (asset) => {
        if (asset.now) new Image().src = review.api.url(asset.now.url);
      },
      () => {}, // it is asked for again, and its trouble told, when it is opened
    );
  }

  /* ---- deciding -------------------------------------------------------------------------------------------------- */

  /* After a decision: what is shown is asked for again, and who wants to goes on to the next. */
  function decided(address, onwards) {
    if (!view || view.address !== address) return;
    refresh();
    if (onwards) go(1);
  }

  function retakeByKey() {
    const asset = view && view.asset;
    if (!asset) return;
    const why = whyNot("retake", asset);
    if (why) review.announce(why);
    else if (asset.paid.length === 1 && !asset.paid[0].retake) view.bar.retake(asset.paid[0]);
    else {
      const section = view.side.querySelector('[data-fact="paid"]');
      section.scrollIntoView({ block: "start" });
      const button = section.querySelector("button");
      if (button) button.focus();
    }
  }

  const acts = {
    cell: () => state.cells.get(view.address),
    whyNot: (kind) => whyNot(kind, view.asset),
    decide: (kind, targets) => view.bar.decide(kind, targets),
    retake: (paid) => view.bar.retake(paid),
    zoomToFinding: (index) => {
      view.viewer.zoomToFinding(index);
      view.viewer.element.scrollIntoView({ block: "nearest" });
    },
    thumbOf: (digest) => view.viewer.thumbOf(digest),
    lookAtDigest: (digest) => {
      const id = view.viewer.canLookAt(digest);
      if (!id) return;
      view.viewer.lookAt(id);
      view.viewer.element.scrollIntoView({ block: "nearest" });
    },
    pending: () => pendingOf(view.asset),
  };

  function chooseFinding(index) {
    const item = view.side.querySelector(`[data-finding="${index}"]`);
    if (!item) return;
    item.scrollIntoView({ block: "nearest" });
    item.querySelector("button, p").focus();
  }

  /* ---- the panel ------------------------------------------------------------------------------------------------- */

  function build() {
    const title = el("h2", { id: "asset-title", tabIndex: -1 });
    const where = el("p", { class: "where-am-i" });
    const step = (by, name, words) => el("button", { type: "button", class: "plain square", "aria-label": words, title: words, on: { click: () => go(by) } }, icon(name));
    const previous = step(-1, "left", "The one before (k)");
    const next = step(1, "right", "The next (j)");
    const badge = el("p", { class: "badge" });
    const viewer = new review.Viewer({ chooseFinding });
    const side = el("div", { class: "facts" });
    const bar = new review.DecisionBar({ current: () => view && view.asset, decided });
    const close = el("button", { type: "button", class: "plain square", "aria-label": "Close (Esc)", title: "Close (Esc)", on: { click: () => closeAsset() } }, icon("close"));
    const element = el(
      "section",
      { class: "asset-view", role: "dialog", "aria-modal": "true", "aria-labelledby": "asset-title" },
      el("header", { class: "asset-head" }, el("div", { class: "walk" }, previous, where, next), title, badge, close),
      el("div", { class: "asset-body" }, viewer.element, el("div", { class: "side" }, side)),
      bar.element,
    );
    return { element, title, where, previous, next, badge, viewer, side, bar, address: null, asset: null, order: [...state.order], back: document.activeElement, timer: 0, drawn: "", pictures: "" };
  }

  /* Everything else of the page is out of reach of the focus, but messages stay visible and heard. */
  function shut(out) {
    for (const child of document.body.children) {
      if (!child.matches(STAYS)) child.inert = out;
    }
  }

  function openAsset(address) {
    if (view && view.address === address) return;
    const first = !view;
    if (first) {
      view = build();
      (document.getElementById("asset-root") || document.body).appendChild(view.element);
      shut(true);
      document.addEventListener("keydown", press, true);
    }
    if (!view.order.includes(address)) view.order = [...state.order];
    Object.assign(view, { address, asset: null, drawn: "", pictures: "" });
    state.open = address;
    review.place.write({ a: address }, { push: first && review.place.read().a !== address });
    const cell = state.cells.get(address);
    drawHead();
    review.replace(view.bar.element);
    review.replace(view.side, el("p", { class: "dim loading", text: "Loading …" }));
    view.viewer.tell("Loading …", cell && cell.thumb);
    view.side.parentElement.scrollTop = view.side.parentElement.parentElement.scrollTop = 0;
    view.title.focus({ preventScroll: true });
    load(false);
    review.emit("open", { address });
  }

  function load(fresh) {
    const address = view.address;
    fetchAsset(address, fresh).then(
      (asset) => {
        if (!view || view.address !== address) return;
        noticeRemade(view.asset, asset);
        view.asset = asset;
        draw();
        prefetch(neighbour(1));
        prefetch(neighbour(-1));
      },
      (error) => {
        if (!view || view.address !== address) return;
        if (view.asset && error.status !== 404) review.announce(error.message); // what is shown stays
        else fail(error);
      },
    );
  }

  function noticeRemade(before, after) {
    if (!before || !before.now || !after.now || before.now.digest === after.now.digest) return;
    const text = "This picture has just been made anew: look at it again";
    review.toast({ text, key: "remade", seconds: 10 });
    review.announce(text);
  }

  function fail(error) {
    view.asset = null;
    view.drawn = view.pictures = "";
    review.replace(view.bar.element);
    const cell = state.cells.get(view.address);
    view.viewer.tell(error.status === 404 ? "There is no such picture in this campaign any more." : "What is known of this picture could not be loaded.", cell && cell.thumb);
    const again = el("button", { type: "button", text: "Try again", on: { click: () => load(true) } });
    review.replace(view.side, el("div", { class: "failed", role: "alert" }, el("p", { text: error.message }), again));
  }

  function closeAsset() {
    if (!view) return;
    const { element, back, address, timer } = view;
    clearTimeout(timer);
    document.removeEventListener("keydown", press, true);
    view.viewer.stage.watch.disconnect();
    element.remove();
    view = null;
    shut(false);
    state.open = null;
    review.place.write({ a: null });
    if (state.cells.has(address)) {
      state.focus = address;
      review.emit("focus", { address });
    }
    // The focus goes back to where it was; in the grid, to the picture last seen, which the grid knows how to find.
    if (back && back.isConnected && back !== document.body && !back.closest("#grid")) back.focus({ preventScroll: true });
    review.emit("open", { address: null });
  }

  /* ---- walking --------------------------------------------------------------------------------------------------- */

  /* The order is that of the moment the view was opened: who walks through "open" pictures and approves one does not
     lose the place, though it leaves the filter. */
  function neighbour(by) {
    const order = view.order;
    for (let at = order.indexOf(view.address) + by; at >= 0 && at < order.length; at += by) if (state.cells.has(order[at])) return order[at];
    return null;
  }

  function go(by) {
    const to = neighbour(by);
    if (to) openAsset(to);
    else review.announce(by > 0 ? "that was the last one" : "this is the first one");
  }

  /* ---- drawing --------------------------------------------------------------------------------------------------- */

  function axisLabel(name, value) {
    const axis = ((state.board || {}).axes || []).find((each) => each.name === name);
    const found = axis && axis.values.find((each) => each.id === value);
    return { text: found ? found.label : value, dir: found ? found.dir : "auto" };
  }

  function drawHead() {
    const { address, asset } = view;
    const cell = state.cells.get(address) || {};
    const about = asset || cell;
    const values = Object.entries(about.cell || {});
    review.replace(
      view.title,
      el("bdi", { class: "asset-name", text: about.asset || address }),
      values.map(([name, value]) => {
        const label = axisLabel(name, value);
        return [" ", el("bdi", { class: "axis-value", title: name, dir: label.dir, text: label.text })];
      }),
    );
    view.element.setAttribute("data-address", address);
    const at = view.order.indexOf(address);
    view.where.textContent = at < 0 ? "not in this list" : `${review.count(at + 1)} of ${review.count(view.order.length)}`;
    view.previous.disabled = !neighbour(-1);
    view.next.disabled = !neighbour(1);
    const words = review.wordsFor("state", asset ? (asset.standing || {}).state : cell.state);
    view.badge.className = `badge ${words.tone}`;
    review.replace(view.badge, icon(words.icon), el("span", { text: words.word }));
  }

  function draw() {
    const { asset } = view;
    const seen = JSON.stringify([asset, state.cells.get(view.address), pendingOf(asset), whyNot("comment", asset)]);
    drawHead();
    if (view.drawn === seen) return;
    view.drawn = seen;
    const pictures = JSON.stringify([asset.address, asset.now, asset.others, asset.texts, asset.placement, asset.checks, asset.alt]);
    if (view.pictures !== pictures) {
      view.pictures = pictures;
      view.viewer.show(asset);
    }
    keepingPlace(() => {
      drawFacts();
      view.bar.draw(view.asset);
    });
  }

  /* What is open stays open, what had the focus has it again, what was read is not scrolled away. */
  function keepingPlace(redraw) {
    const scrollers = [view.side.parentElement, view.side.parentElement.parentElement]; // beside the picture; with it, where it is narrow
    const tops = scrollers.map((scroller) => scroller.scrollTop);
    const inside = view.element.contains(document.activeElement) ? document.activeElement : null;
    const keep = inside && (view.side.contains(inside) || view.bar.element.contains(inside)) ? inside.getAttribute("data-keep") || "" : null;
    const unfolded = new Set([...view.side.querySelectorAll("details[open][data-part]")].map((node) => node.dataset.part));
    redraw();
    for (const node of view.side.querySelectorAll("details[data-part]")) node.open = unfolded.has(node.dataset.part);
    scrollers.forEach((scroller, index) => (scroller.scrollTop = tops[index]));
    if (keep === null) return;
    const again = keep && view.element.querySelector(`[data-keep="${CSS.escape(keep)}"]`);
    (again || view.title).focus({ preventScroll: true });
  }

  function drawFacts() {
    const sections = review.facts.map((fact) => {
      const content = fact.draw(view.asset, acts);
      if (!content) return null;
      const name = `fact-${fact.id}`;
      return el("section", { class: "fact", "data-fact": fact.id, "aria-labelledby": name }, el("h3", { id: name, text: fact.title }), content);
    });
    review.replace(view.side, sections);
  }

  /* ---- keys ------------------------------------------------------------------------------------------------------ */

  const KEYS = {
    j: () => go(1),
    k: () => go(-1),
    a: () => view.bar.judge("approve"),
    r: () => view.bar.judge("reject"),
    u: () => view.bar.judge("withdraw"),
    c: () => view.bar.judge("comment"),
    t: retakeByKey,
    z: () => review.undo(),
    "?": () => help(),
    Escape: closeAsset,
    ArrowRight: () => go(1),
    ArrowLeft: () => go(-1),
  };

  const HELP = [
    ["j k", "next, previous picture"], ["a", "approve"], ["+ −", "zoom in, out"], ["r", "reject, with a reason"], ["0", "the whole picture"], ["c", "comment"],
    ["1", "each pixel one of the screen"], ["u", "take your decision back"], ["← ↑ ↓ →", "move what is zoomed; else next, previous"], ["t", "ask for another take"],
    ["m", "next way of comparing"], ["z", "undo"], ["Esc", "close"], ["?", "this help"],
  ];

  function help() {
    const rows = HELP.map(([keys, what]) => [el("dt", {}, keys.split(" ").map((key) => [el("kbd", { text: key }), " "])), el("dd", { text: what })]);
    review.dialog({ title: "Keys", className: "wide", body: el("dl", { class: "keys" }, rows), actions: [{ label: "Close", tone: "primary", value: null }] });
  }

  function press(event) {
    if (!view || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.key === "Tab") {
      turnAround(event);
      return;
    }
    if (target.closest(TYPING) && event.key !== "Escape") return;
    const arrows = event.key.startsWith("Arrow");
    if (arrows && target.closest("input")) return; // the range's and the radio buttons' own
    const taken = view.viewer.asset && view.viewer.key(event);
    if (!taken && !KEYS[event.key]) return;
    if (!taken) KEYS[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }

  /* From the last control on to the first, and back: the focus does not leave what is open. */
  function turnAround(event) {
    const all = [...view.element.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")].filter((node) => !node.disabled && node.getClientRects().length);
    if (!all.length) return;
    const inside = view.element.contains(document.activeElement);
    if (!inside && document.activeElement !== document.body) return; // a message's button: from there on as the page goes
    const edge = event.shiftKey ? all[0] : all[all.length - 1];
    const lost = !inside || (event.shiftKey && document.activeElement === view.title);
    if (!lost && document.activeElement !== edge) return;
    event.preventDefault();
    (event.shiftKey ? all[all.length - 1] : all[0]).focus();
  }

  /* ---- news ------------------------------------------------------------------------------------------------------ */

  function refresh() {
    if (!view) return;
    clearTimeout(view.timer);
    view.timer = setTimeout(() => view && load(true), SETTLE);
  }

  /* All addresses that an event is about: of cells, and of decisions about paid pictures and variants. */
  function addressesOf(detail) {
    const given = detail || {};
    const lists = [given.addresses, given.decisions, given.asked, given.cells].filter(Array.isArray).flat();
    return new Set(lists.map((each) => (typeof each === "string" ? each : each.asset || each.address)));
  }

  function concerns(asset, addresses) {
    if (addresses.has(asset.address)) return true;
    return [...(asset.paid || []), ...(asset.variants || []), ...(asset.parts || [])].some((each) => addresses.has(each.address));
  }

  function heard(detail) {
    const addresses = addressesOf(detail);
    for (const address of addresses) known.delete(address);
    if (!view) return;
    for (const address of [...known.keys()]) if (address !== view.address && (detail || {}).decisions) known.delete(address); // a shared one may be in any
    if (!view.asset) {
      drawHead();
      return;
    }
    if (!concerns(view.asset, addresses)) return;
    if (detail && detail.optimistic) draw();
    refresh();
  }

  review.on("cells", heard);
  review.on("decisions", heard);
  for (const event of ["saving", "pending", "faults"]) review.on(event, () => view && view.asset && draw());
  review.on("board", () => {
    known.clear();
    if (view) refresh();
  });
  review.on("place", (words) => {
    if (words.a && state.cells.has(words.a)) openAsset(words.a);
    else if (!words.a) closeAsset();
  });

  Object.assign(review, { openAsset, closeAsset });
})();
