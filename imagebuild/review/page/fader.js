/* One picture over the other, in part: the slider's line and the onion skin's fading, how far along each is, and the range
   that moves them. It knows nothing of which pictures they are. */
(function () {
  "use strict";

  const review = (window.review = window.review || {});
  const { el } = review;

  const WORDS = { slider: "Where the line between the two is", onion: "How much of the later one is seen" };

  class Fader {
    constructor() {
      this.part = { slider: 50, onion: 50 }; // per cent; kept from one picture to the next
      this.dial = el("div", { class: "dial", hidden: true });
      this.place = null;
      this.clear();
    }

    clear() {
      this.mode = "";
      this.cover = this.divider = null;
    }

    /* What the picture that lies over the other is put into. */
    lay(mode, frame) {
      this.mode = mode;
      this.cover = el("div", { class: `cover ${mode}` });
      frame.appendChild(this.cover);
      return this.cover;
    }

    /* The line between the two of the slider: dragged here, moved by keys with the range. */
    divide(pane, before, after) {
      const grip = el("div", { class: "grip", "aria-hidden": "true" }, review.icon("swap"));
      this.divider = el("div", { class: "divider" }, grip, el("span", { class: "end before" }, el("bdi", { text: before })), el("span", { class: "end after" }, el("bdi", { text: after })));
      const follow = (event) => {
        if (!this.place || !event.buttons) return;
        const box = pane.getBoundingClientRect();
        const { from, to } = this.visible();
        this.set("slider", (100 * (event.clientX - box.left - from)) / Math.max(1, to - from));
      };
      grip.addEventListener("pointerdown", (event) => {
        event.stopPropagation();
        event.preventDefault();
        grip.setPointerCapture(event.pointerId);
      });
      grip.addEventListener("pointermove", follow);
      pane.appendChild(this.divider);
    }

    /* The part of the pane that the picture takes: the line moves within it, however far one has zoomed in. */
    visible() {
      const { left, width, room } = this.place;
      return { from: Math.max(0, left), to: Math.min(room, left + width) };
    }

    set(mode, value) {
      this.part[mode] = Math.min(100, Math.max(0, value));
      const range = this.dial.querySelector("input");
      if (range && this.mode === mode) range.value = String(Math.round(this.part[mode]));
      this.draw();
    }

    /* The picture lies elsewhere in its pane now: zoomed, dragged, or another. */
    move(place) {
      this.place = place;
      this.draw();
    }

    draw() {
      if (!this.cover || !this.place) return;
      if (this.mode === "onion") {
        this.cover.style.opacity = String(1 - this.part.onion / 100);
        return;
      }
      const { from, to } = this.visible();
      const at = from + ((to - from) * this.part.slider) / 100;
      const hidden = ((this.place.left + this.place.width - at) / this.place.width) * 100;
      this.cover.style.clipPath = `inset(0 ${Math.min(100, Math.max(0, hidden)).toFixed(3)}% 0 0)`;
      if (!this.divider) return;
      const [before, after] = this.divider.querySelectorAll(".end");
      before.style.maxWidth = `${Math.max(0, Math.min(240, at - 10))}px`;
      after.style.maxWidth = `${Math.max(0, Math.min(240, this.place.room - at - 10))}px`;
      this.divider.style.transform = `translateX(${Math.round(at)}px)`;
    }

    /* `ends`: what stands at its two ends, where the line itself does not say it. */
    drawDial(mode, ends) {
      const words = WORDS[mode];
      this.dial.hidden = !words;
      if (!words) return;
      const range = el("input", { type: "range", min: "0", max: "100", step: "1", "aria-label": words, "data-keep": `dial-${mode}` });
      range.value = String(Math.round(this.part[mode]));
      range.addEventListener("input", () => this.set(mode, Number(range.value)));
      review.replace(this.dial, ends && el("bdi", { class: "dial-end", text: ends[0] }), range, ends && el("span", { class: "dial-end", text: ends[1] }));
    }
  }

  review.Fader = Fader;
})();
