/* The ground that a picture lies on: fit, zoom, pan; by wheel, pinch, drag, and from the keyboard through its methods.
   One pane, or two that move together. It knows a picture's size, and nothing of what is drawn in its frames.
   The view is a scale and the point of the picture in the middle, both free of any pane's size: so it stays what it is
   when the window, the number of panes or the picture changes. */
(function () {
  "use strict";

  const review = (window.review = window.review || {});
  const { el } = review;

  const MOST = 16; //      times its own size
  const STEP = 1.25;
  const PIXELATED = 2; //  above this, a picture's pixels are shown as squares
  const MARGIN = 24; //    how far beyond its edge a picture may be dragged
  const DRAG = 4; //       from here on a press is a drag, not a click

  class Stage {
    constructor({ changed }) {
      this.changed = changed;
      this.size = [1, 1];
      this.view = { fit: true, scale: 1, x: 0.5, y: 0.5 };
      this.fingers = new Map();
      this.panes = [];
      this.element = el("div", { class: "stage" });
      this.watch = new ResizeObserver(() => this.draw());
      this.watch.observe(this.element);
      this.listen();
    }

    /* One picture pixel on one pixel of the screen. */
    get actual() {
      return 1 / (window.devicePixelRatio || 1);
    }
    get percent() {
      return Math.round((100 * this.scale) / this.actual);
    }
    get scale() {
      return this.view.fit ? this.fitting : this.view.scale;
    }
    get fitting() {
      const pane = this.panes[0];
      if (!pane || !pane.clientWidth || !pane.clientHeight) return this.actual;
      return Math.min(pane.clientWidth / this.size[0], pane.clientHeight / this.size[1], 1);
    }
    get zoomed() {
      return this.scale > this.fitting * 1.001;
    }

    /* Panes with one empty frame each; answers the frames. */
    lay(count, size) {
      this.size = [Math.max(1, size[0]), Math.max(1, size[1])];
      this.element.classList.toggle("two", count === 2);
      this.panes = Array.from({ length: count }, () => el("div", { class: "pane" }, el("div", { class: "frame" })));
      review.replace(this.element, this.panes.map((pane) => (count === 2 ? el("div", { class: "half" }, pane) : pane)));
      this.draw();
      return this.panes.map((pane) => pane.firstElementChild);
    }

    fit() {
      this.view = { fit: true, scale: 1, x: 0.5, y: 0.5 };
      this.draw();
    }
    full() {
      this.zoomTo(this.actual);
    }
    zoomBy(factor, point) {
      this.zoomTo(this.scale * factor, point);
    }
    in() {
      this.zoomBy(STEP);
    }
    out() {
      this.zoomBy(1 / STEP);
    }

    /* `point`: what stays where it is, in pixels from the middle of its pane. */
    zoomTo(scale, point = [0, 0]) {
      const least = Math.min(this.fitting, this.actual);
      const next = Math.min(Math.max(scale, least), MOST * this.actual);
      const now = this.scale;
      const { x, y } = this.middle();
      const [width, height] = this.size;
      const at = [x + point[0] / (width * now), y + point[1] / (height * now)];
      const fits = Math.abs(next / this.fitting - 1) < 0.005 && next !== this.actual;
      this.view = { fit: fits, scale: next, x: at[0] - point[0] / (width * next), y: at[1] - point[1] / (height * next) };
      if (fits) this.view = { fit: true, scale: 1, x: 0.5, y: 0.5 };
      else this.hold();
      this.draw();
    }

    /* Brings a box of the picture into the middle, with some of what stands around it. */
    zoomToBox([left, top, right, bottom]) {
      const pane = this.panes[0];
      if (!pane) return;
      const wide = Math.max(right - left, 8);
      const high = Math.max(bottom - top, 8);
      const wanted = Math.min(pane.clientWidth / (wide * 1.6), pane.clientHeight / (high * 1.6), 4 * this.actual);
      const scale = Math.max(wanted, this.fitting);
      this.view = { fit: scale <= this.fitting * 1.005, scale, x: (left + right) / 2 / this.size[0], y: (top + bottom) / 2 / this.size[1] };
      this.hold();
      this.draw();
    }

    pan(right, down) {
      if (this.view.fit) return;
      const scale = this.scale;
      const { x, y } = this.middle();
      this.view = { ...this.view, x: x + right / (this.size[0] * scale), y: y + down / (this.size[1] * scale) };
      this.hold();
      this.draw();
    }

    middle() {
      return this.view.fit ? { x: 0.5, y: 0.5 } : this.view;
    }

    /* A picture that is smaller than its pane stays in the middle; a larger one is not dragged out of it. */
    hold() {
      const pane = this.panes[0];
      if (!pane || this.view.fit) return;
      const within = (at, picture, room) => {
        if (picture <= room) return 0.5;
        const reach = (room / 2 - MARGIN) / picture;
        return Math.min(Math.max(at, reach), 1 - reach);
      };
      this.view.x = within(this.view.x, this.size[0] * this.view.scale, pane.clientWidth);
      this.view.y = within(this.view.y, this.size[1] * this.view.scale, pane.clientHeight);
    }

    /* Two panes lie as the picture is larger: side by side, or one above the other. */
    turn() {
      const [width, height] = this.size;
      const { clientWidth: room, clientHeight: tall } = this.element;
      const beside = Math.min(room / 2 / width, tall / height);
      const above = Math.min(room / width, tall / 2 / height);
      this.element.classList.toggle("stacked", this.panes.length === 2 && above > beside);
    }

    draw() {
      if (!this.panes.length || !this.panes[0].clientWidth) return;
      this.turn();
      this.hold();
      const scale = this.scale;
      const { x, y } = this.middle();
      const wide = this.size[0] * scale;
      const high = this.size[1] * scale;
      const rooms = this.panes.map((pane) => [pane.clientWidth, pane.clientHeight]);
      const places = rooms.map(([room, tall]) => [room / 2 - x * wide, tall / 2 - y * high]);
      this.panes.forEach((pane, index) => {
        const frame = pane.firstElementChild;
        frame.style.width = `${wide}px`;
        frame.style.height = `${high}px`;
        frame.style.transform = `translate(${Math.round(places[index][0])}px, ${Math.round(places[index][1])}px)`;
      });
      this.element.classList.toggle("pixelated", scale / this.actual > PIXELATED);
      this.element.classList.toggle("zoomed", this.zoomed);
      this.changed({ left: places[0][0], top: places[0][1], width: wide, height: high, room: rooms[0][0], tall: rooms[0][1] });
    }

    /* ---- fingers, mouse, wheel ---- */

    listen() {
      const on = (event, listener, options) => this.element.addEventListener(event, listener, options);
      on("wheel", (event) => this.wheel(event), { passive: false });
      on("pointerdown", (event) => this.press(event));
      on("pointermove", (event) => this.move(event));
      for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) on(name, (event) => this.lift(event));
      on("dblclick", (event) => {
        if (event.target.closest("button, input")) return;
        if (this.zoomed) this.fit();
        else this.zoomTo(Math.max(this.actual, this.fitting * 2), this.from(event));
      });
      on("dragstart", (event) => event.preventDefault());
    }

    /* Where something happened, from the middle of its pane. */
    from(event) {
      const pane = event.target.closest(".pane") || this.panes[0];
      const box = pane.getBoundingClientRect();
      return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
    }

    wheel(event) {
      if (!this.panes.length) return;
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 240 : 1;
      const speed = event.ctrlKey ? 0.01 : 0.0018; // a pinch on a touchpad arrives as a wheel with Ctrl, in small steps
      this.zoomBy(Math.exp(-Math.max(-240, Math.min(240, event.deltaY * lines)) * speed), this.from(event));
    }

    press(event) {
      if (event.button !== 0 || event.target.closest("input")) return;
      this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY, began: [event.clientX, event.clientY], dragging: false });
    }

    move(event) {
      const finger = this.fingers.get(event.pointerId);
      if (!finger) return;
      const [right, down] = [event.clientX - finger.x, event.clientY - finger.y];
      if (this.fingers.size === 1) {
        const far = Math.hypot(event.clientX - finger.began[0], event.clientY - finger.began[1]) > DRAG;
        if (!finger.dragging && far && this.zoomed) {
          finger.dragging = true;
          this.element.setPointerCapture(event.pointerId);
          this.element.classList.add("dragging");
        }
        if (!finger.dragging) return;
        this.pan(-right, -down);
      } else if (this.fingers.size === 2) {
        const other = [...this.fingers.entries()].find(([id]) => id !== event.pointerId)[1];
        const before = Math.hypot(finger.x - other.x, finger.y - other.y);
        const after = Math.hypot(event.clientX - other.x, event.clientY - other.y);
        const box = this.panes[0].getBoundingClientRect();
        const point = [(event.clientX + other.x) / 2 - box.left - box.width / 2, (event.clientY + other.y) / 2 - box.top - box.height / 2];
        if (before > 0) this.zoomBy(after / before, point);
        this.pan(-right / 2, -down / 2);
      }
      Object.assign(finger, { x: event.clientX, y: event.clientY });
    }

    lift(event) {
      this.fingers.delete(event.pointerId);
      if (!this.fingers.size) this.element.classList.remove("dragging");
    }
  }

  review.Stage = Stage;
})();
