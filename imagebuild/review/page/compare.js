/* One picture, or two of them held against each other: slider, side by side, onion skin, highlighted difference.
   Zoom and pan belong to the stage and stay when the mode changes. It knows pictures by their digest and URL, and
   nothing of decisions. What cannot be shown is said in words. */
(function () {
  "use strict";

  const review = (window.review = window.review || {});
  const { el, state } = review;
  const { said, across, sameSize, measured, preferred, image, segmented, chooser } = review.pictures;

  const MODES = [
    { name: "one", label: "Picture", title: "one picture alone" },
    { name: "slider", label: "Slider", title: "one over the other, with a line to move" },
    { name: "beside", label: "Side by side", title: "both, moving together" },
    { name: "onion", label: "Onion skin", title: "one over the other, fading" },
    { name: "difference", label: "Difference", title: "what has changed, marked" },
  ];
  const GROUNDS = [
    { value: "auto", label: "plain" },
    { value: "light", label: "light" },
    { value: "dark", label: "dark" },
    { value: "checks", label: "checkered" },
  ];
  const NOW = "now";
  const ENDS = { now: "now", approved: "approved", since: "before", take: "earlier take", rejected: "kept back", variant: "variant", master: "master" };
  const LOADING = "Loading the picture …";
  const SLOW = 400; // milliseconds after which a picture that has not come is said to be on its way

  class Viewer {
    constructor({ chooseFinding }) {
      this.chooseFinding = chooseFinding;
      this.mode = "one";
      this.ground = "auto";
      this.shown = new Set(["findings"]); // overlays that are switched on; kept from one picture to the next
      this.fader = new review.Fader();
      this.others = [];
      this.looking = NOW; //              what the mode "Picture" shows
      this.against = null; //             the id of what the other modes compare with
      this.asset = null;
      this.stage = new review.Stage({ changed: (where) => this.moved(where) });
      this.readout = el("div", { class: "readout", hidden: true });
      this.notice = el("p", { class: "notice", hidden: true });
      this.tools = el("div", { class: "tools", role: "group", "aria-label": "How the picture is shown" });
      this.figure = el("p", { class: "figure", "aria-live": "polite" });
      this.told = el("p", { class: "told" });
      this.zoomLabel = el("output", { class: "zoom-figure", "aria-label": "zoom" });
      this.holder = el("div", { class: "stage-holder" }, this.stage.element, this.readout, this.notice);
      this.handles = el("div", { class: "handles", role: "group", "aria-label": "What lies over and under it, and how large it is" });
      this.element = el("div", { class: "viewer" }, el("div", { class: "over" }, this.tools, this.fader.dial, this.figure), this.holder, el("div", { class: "under" }, this.told, this.handles));
    }

    /* ---- what is shown ---- */

    show(asset) {
      const same = this.asset && this.asset.address === asset.address;
      const others = (asset.others || []).filter((other) => other.picture);
      const kept = same && this.others.some((other) => other.id === this.against) && others.some((other) => other.id === this.against);
      this.asset = asset;
      this.rejected = others.find((other) => other.kind === "rejected") || null;
      // What is there now; where nothing is, what was kept back stands for it.
      this.latest = asset.now || !this.rejected ? { id: NOW, label: asset.now ? "now" : "now: none yet", picture: asset.now, kind: NOW } : this.rejected;
      this.others = others.filter((other) => other !== this.latest);
      if (!same || !this.every().some((each) => each.id === this.looking)) this.looking = this.latest.id;
      if (!kept) this.against = (preferred(this.others, this.latest.picture) || { id: null }).id;
      this.render();
    }

    /* A word instead of a picture: loading, failed, gone. */
    tell(words, thumb) {
      this.asset = null;
      review.replace(this.stage.element, thumb ? el("img", { class: "standing-in", alt: "", src: review.api.url(thumb) }) : null);
      this.stage.panes = [];
      this.say(words);
      review.replace(this.tools);
      review.replace(this.handles);
      review.replace(this.told);
      review.replace(this.figure);
      this.fader.dial.hidden = true;
      this.readout.hidden = true;
    }

    say(words) {
      this.notice.hidden = !words;
      this.notice.textContent = words || "";
    }

    other() {
      return this.others.find((other) => other.id === this.against) || null;
    }
    every() {
      return [this.latest, ...this.others];
    }
    /* What the mode "Picture" shows; in the others, the later one of the two. */
    main() {
      const looking = this.modeNow() === "one" ? this.every().find((each) => each.id === this.looking) : null;
      return looking || this.latest;
    }
    get comparable() {
      return Boolean(this.asset && this.latest.picture && this.others.length);
    }
    /* Without a picture to compare with (or to be compared), the mode that was chosen waits for the next asset. */
    modeNow() {
      return this.comparable ? this.mode : "one";
    }

    set(mode) {
      this.mode = mode;
      this.render();
    }
    next() {
      const names = MODES.map((mode) => mode.name);
      this.set(names[(names.indexOf(this.modeNow()) + 1) % names.length]);
      review.announce(MODES.find((mode) => mode.name === this.modeNow()).title);
    }
    lookAt(id) {
      this.mode = "one";
      this.looking = id;
      this.render();
    }
    compareWith(id) {
      this.against = id;
      if (this.mode === "one") this.mode = "slider";
      this.render();
    }
    thumbOf(digest) {
      const found = this.every().find((each) => each.picture && each.picture.digest === digest);
      return found ? found.picture.thumb : null;
    }
    canLookAt(digest) {
      return (this.every().find((each) => each.picture && each.picture.digest === digest) || { id: null }).id;
    }
    zoomToFinding(index) {
      const finding = ((this.asset.checks || {}).findings || [])[index];
      if (!finding || !review.isBox(finding.box)) return;
      this.shown.add("findings");
      const about = this.aboutFindings();
      if (this.main().kind !== about) {
        this.mode = "one";
        this.looking = about === NOW ? NOW : this.rejected.id;
      }
      this.render();
      this.stage.zoomToBox(finding.box);
      for (const [place, node] of this.stage.element.querySelectorAll(".finding").entries()) node.classList.toggle("meant", place === index);
    }
    /* Findings are about the picture that was kept back, where there is one, else about the one that is there. */
    aboutFindings() {
      const verdict = (this.asset.checks || {}).verdict;
      return this.rejected && (verdict === "failed" || !this.asset.now) ? "rejected" : NOW;
    }

    /* ---- drawing ---- */

    render() {
      if (!this.asset) return;
      const focused = this.element.contains(document.activeElement) ? document.activeElement.getAttribute("data-keep") : null;
      this.drawPictures();
      this.drawTools();
      this.drawTold();
      if (focused) {
        const again = this.element.querySelector(`[data-keep="${CSS.escape(focused)}"]`);
        if (again) again.focus();
      }
    }

    drawPictures() {
      const mode = this.modeNow();
      const main = this.main();
      this.readout.hidden = true;
      this.say("");
      this.holder.dataset.ground = this.ground;
      this.overlay = null;
      this.fader.clear();
      if (!main.picture) {
        this.stage.panes = [];
        review.replace(this.stage.element);
        const price = review.money((state.cells.get(this.asset.address) || {}).price);
        this.say(`There is no picture yet.${this.asset.verdict === "make" ? ` The next build makes it${price ? `, for ${price}` : ""}.` : ""}`);
        return;
      }
      const size = main.picture.size || [1, 1];
      const frames = this.stage.lay(mode === "beside" ? 2 : 1, size);
      const last = frames[frames.length - 1];
      const alt = this.asset.alt || `${this.asset.address}, ${main.label}`;
      const put = (frame, picture, props) => this.put(frame, picture, props);
      const other = this.other();
      if (mode === "difference") this.drawDifference(last, put, other.picture, main.picture);
      else put(last, main.picture, { alt, lang: this.asset.alt ? this.asset.lang || "" : "" });
      if (mode === "beside") {
        put(frames[0], other.picture, { className: "other", alt: `${this.asset.address}, ${other.label}` });
        this.name(frames[0].parentElement, other.label, other.picture);
        this.name(last.parentElement, main.label, main.picture);
      }
      if (mode === "slider" || mode === "onion") {
        put(this.fader.lay(mode, last), other.picture, { className: "other", alt: `${this.asset.address}, ${other.label}` });
      }
      this.drawOverlays(last, main);
      if (mode === "slider") this.fader.divide(last.parentElement, other.label, main.label);
      this.stage.draw();
    }

    /* A picture in a frame: until it has arrived its thumbnail stands in; when it is slow or fails, that is said. */
    put(frame, picture, props) {
      const cell = state.cells.get(this.asset.address) || {};
      const thumb = cell.digest === picture.digest ? cell.thumb : picture.thumb; // the matrix has loaded that one already
      const under = thumb && !props.url ? el("img", { class: `under-picture ${props.className || ""}`, alt: "", src: review.api.url(thumb), draggable: false }) : null;
      const node = image(picture, { ...props, failed: () => this.say(props.lost || "The picture could not be loaded: it may no longer be in the store.") });
      node.addEventListener("load", () => {
        if (under) under.remove();
        if (this.notice.textContent === LOADING && !this.stage.element.querySelector("img.picture:not(.there)")) this.say("");
      });
      setTimeout(() => node.isConnected && !node.matches(".there, .lost") && this.notice.hidden && this.say(LOADING), SLOW);
      frame.append(...[under, node].filter(Boolean));
      return node;
    }

    name(pane, label, picture) {
      pane.parentElement.prepend(el("p", { class: "pane-name" }, el("strong", {}, el("bdi", { text: label })), ` ${said(picture)}`));
    }

    drawDifference(frame, put, before, after) {
      if (before.digest === after.digest) {
        put(frame, after, { alt: "both are the same picture" });
        return;
      }
      if (review.api.exported()) {
        // Nobody measures here, but a browser can subtract: what is the same becomes black.
        const both = el("div", { class: "blended" });
        frame.appendChild(both);
        put(both, after, { alt: "the difference: what is the same is black" });
        put(both, before, { className: "other", alt: "" });
        return;
      }
      frame.appendChild(el("img", { class: "under-picture waiting", alt: "", src: review.api.url(after.url), draggable: false }));
      put(frame, after, {
        url: `difference/${encodeURIComponent(before.digest)}/${encodeURIComponent(after.digest)}.png`,
        alt: "the later picture, dimmed, with what has changed marked",
        lost: "The difference could not be made.",
      });
    }

    drawOverlays(frame, main) {
      const about = this.aboutFindings();
      const layers = review.overlays(
        {
          size: main.picture.size || [1, 1],
          placement: this.asset.placement,
          texts: main.kind === NOW ? this.asset.texts : null,
          findings: main.kind === about ? (this.asset.checks || {}).findings : null,
        },
        { tell: (words) => this.read(words), choose: (index) => this.chooseFinding(index) },
      );
      this.overlay = layers;
      for (const layer of layers.layers) layers.show(layer.name, this.shown.has(layer.name));
      frame.appendChild(layers.element);
    }

    read(words) {
      this.readout.hidden = !words;
      if (words) review.replace(this.readout, el("strong", { text: words.title }), " ", el("span", { text: words.text, dir: words.dir || "auto", lang: words.lang || "" }));
    }

    moved(where) {
      this.zoomLabel.textContent = `${this.stage.percent} %`;
      this.fader.move(where);
    }

    /* ---- tools ---- */

    drawTools() {
      const mode = this.modeNow();
      const { comparable } = this;
      const modes = MODES.map((each) => ({ ...each, disabled: each.name !== "one" && !comparable, title: comparable || each.name === "one" ? each.title : "there is no other picture to compare with" }));
      const zoom = (label, words, run, keep) => el("button", { type: "button", class: "tool", "aria-label": words, title: words, "data-keep": keep, on: { click: run } }, label);
      review.replace(
        this.tools,
        segmented("Mode", modes, mode, (name) => this.set(name)),
        this.drawChoice(mode),
      );
      this.handles.hidden = !this.main().picture;
      review.replace(
        this.handles,
        this.overlay && this.overlay.switches(this.shown),
        el("div", { class: "ground-choice", title: "the ground, for what is transparent" }, this.drawGround()),
        el(
          "div",
          { class: "zoom", role: "group", "aria-label": "Zoom" },
          zoom("−", "Zoom out (−)", () => this.stage.out(), "zoom-out"),
          this.zoomLabel,
          zoom("+", "Zoom in (+)", () => this.stage.in(), "zoom-in"),
          zoom("Fit", "The whole picture (0)", () => this.stage.fit(), "zoom-fit"),
          zoom("100 %", "Each pixel one of the screen (1)", () => this.stage.full(), "zoom-full"),
        ),
      );
      this.fader.drawDial(mode, mode === "onion" ? [ENDS[this.other().kind] || "the other", ENDS[this.latest.kind]] : null);
    }

    drawChoice(mode) {
      if (!this.others.length) return null;
      const one = mode === "one";
      const options = one ? this.every() : this.others;
      const choose = (id) => {
        if (one) this.looking = id;
        else this.against = id;
        this.render();
      };
      const select = chooser(one ? "show" : "compare with", options.map((other) => ({ value: other.id, label: this.optionText(other) })), one ? this.looking : this.against, choose);
      return el("div", { class: "choice" }, el("span", { "aria-hidden": "true", text: one ? "show" : "with" }), select);
    }
    optionText(other) {
      const same = other !== this.latest && this.latest.picture && other.picture.digest === this.latest.picture.digest;
      return same ? `${other.label} (the same picture)` : other.label;
    }

    drawGround() {
      return chooser("ground", GROUNDS, this.ground, (ground) => {
        this.ground = ground;
        this.holder.dataset.ground = ground;
      });
    }

    drawTold() {
      const mode = this.modeNow();
      const main = this.main();
      review.replace(this.told, said(main.picture));
      review.replace(this.figure);
      if (mode === "one" || !main.picture) return;
      const other = this.other();
      if (other.picture.digest === main.picture.digest) this.figure.textContent = "Identical: both are the same picture, byte for byte.";
      else if (mode === "difference") this.measure(other.picture, main.picture);
      else if (!sameSize(other.picture, main.picture)) this.figure.textContent = `The sizes differ: ${across(other.picture)} before, ${across(main.picture)} now.`;
    }

    measure(before, after) {
      if (review.api.exported()) {
        this.figure.textContent = "What is the same is black. How many pixels differ is measured by `imagebuild review`, not in an export.";
        return;
      }
      const asked = `${before.digest} ${after.digest}`;
      this.asked = asked;
      this.figure.textContent = "measuring …";
      const still = () => this.asked === asked && this.modeNow() === "difference";
      review.api.compare(before.digest, after.digest).then(
        (answer) => {
          if (!still()) return;
          review.replace(this.figure, measured(answer, before, after));
          if (review.isBox(answer.box) && answer.pixels) this.figure.append(" ", el("button", { type: "button", class: "link", text: "zoom to it", on: { click: () => this.stage.zoomToBox(answer.box) } }));
        },
        (error) => still() && review.replace(this.figure, `The difference could not be measured: ${error.message}`),
      );
    }

    /* Keys that belong to the picture; true: taken. */
    key(event) {
      const stage = this.stage;
      const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      const simple = { "+": () => stage.in(), "=": () => stage.in(), "-": () => stage.out(), 0: () => stage.fit(), 1: () => stage.full(), m: () => this.next() };
      if (simple[event.key]) {
        simple[event.key]();
        return true;
      }
      if (!steps[event.key] || !stage.zoomed) return false;
      const [right, down] = steps[event.key];
      stage.pan(right * 64, down * 64);
      return true;
    }
  }

  review.Viewer = Viewer;
})();
