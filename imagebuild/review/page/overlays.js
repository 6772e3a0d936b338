/* What is laid over a picture: what its placement will cover, where its texts stand, where a check found something.
   Boxes are in pixels of the picture and drawn in shares of it, so that they follow every zoom while their lines and
   names keep their size. It knows nothing of zooming, and nothing of where the boxes come from. */
(function () {
  "use strict";

  const review = (window.review = window.review || {});
  const { el } = review;

  const LAYERS = [
    { name: "safe", label: "covered", title: "what the placement will cover" },
    { name: "texts", label: "texts", title: "where the texts stand" },
    { name: "findings", label: "findings", title: "where the checks found something" },
  ];

  const isBox = (box) => Array.isArray(box) && box.length === 4 && box.every(Number.isFinite);
  const share = (part, whole) => `${((100 * part) / whole).toFixed(4)}%`;

  function put(node, [left, top, right, bottom], [width, height]) {
    node.style.left = share(left, width);
    node.style.top = share(top, height);
    node.style.width = share(Math.max(right - left, 1), width);
    node.style.height = share(Math.max(bottom - top, 1), height);
    return node;
  }

  /* What is covered from left, top, right and bottom, as boxes that do not overlap. */
  function coveredBoxes([left, top, right, bottom], [width, height]) {
    return [
      { side: "top", box: [0, 0, width, top], depth: top },
      { side: "bottom", box: [0, height - bottom, width, height], depth: bottom },
      { side: "left", box: [0, top, left, height - bottom], depth: left },
      { side: "right", box: [width - right, top, width, height - bottom], depth: right },
    ].filter((each) => each.depth > 0);
  }

  function safeLayer(placement, size) {
    if (!placement || !Array.isArray(placement.safe) || !placement.safe.some((depth) => depth > 0)) return null;
    const words = (each) => `${placement.name || "the placement"} covers ${each.depth} px ${{ top: "at the top", bottom: "at the bottom", left: "on the left", right: "on the right" }[each.side]}`;
    return {
      count: 0,
      boxes: coveredBoxes(placement.safe, size).map((each) =>
        put(el("div", { class: `covered ${each.side}`, role: "img", "aria-label": words(each) }, el("span", { class: "tag", text: words(each) })), each.box, size),
      ),
    };
  }

  function textLayer(texts, size, tell) {
    const placed = (texts || []).filter((text) => isBox(text.box));
    if (!placed.length) return null;
    const boxes = placed.map((text) => {
      const said = () => tell({ title: text.role, text: text.text, dir: text.dir, lang: text.lang });
      const quiet = () => tell(null);
      const node = el(
        "button",
        { type: "button", class: "spot text", "aria-label": `${text.role}: ${text.text}`, lang: text.lang || "", on: { pointerenter: said, focus: said, pointerleave: quiet, blur: quiet } },
        el("span", { class: "tag", lang: "en", dir: "ltr", text: text.role }),
      );
      return put(node, text.box, size);
    });
    return { count: boxes.length, boxes };
  }

  function findingLayer(findings, size, tell, choose) {
    const boxes = [];
    (findings || []).forEach((finding, index) => {
      if (!isBox(finding.box)) return;
      const failed = finding.verdict === "failed";
      const said = () => tell({ title: `${index + 1} · ${finding.check}: ${failed ? "failed" : "not verified"}`, text: finding.what, dir: "auto" });
      const quiet = () => tell(null);
      const node = el(
        "button",
        { type: "button", class: `spot finding ${failed ? "failed" : "unverified"}`, "aria-label": `finding ${index + 1}, ${failed ? "failed" : "not verified"}: ${finding.what}`, on: { click: () => choose(index), pointerenter: said, focus: said, pointerleave: quiet, blur: quiet } },
        el("span", { class: "tag" }, review.icon(failed ? "failed" : "unverified"), String(index + 1)),
      );
      boxes.push(put(node, finding.box, size));
    });
    return boxes.length ? { count: boxes.length, boxes } : null;
  }

  /* {size, placement, texts, findings} → {element, layers: [{name, label, title, count}], show(name, whether), switches(shown)}.
     `tell({title, text, dir, lang} | null)` is called as the pointer or the focus is on a box, `choose(index)` on a finding. */
  function overlays({ size, placement, texts, findings }, { tell, choose }) {
    const drawn = { safe: safeLayer(placement, size), texts: textLayer(texts, size, tell), findings: findingLayer(findings, size, tell, choose) };
    const holders = new Map();
    const element = el("div", { class: "overlays" });
    const layers = LAYERS.filter((layer) => drawn[layer.name]).map((layer) => {
      const holder = el("div", { class: `layer ${layer.name}`, hidden: true }, drawn[layer.name].boxes);
      holders.set(layer.name, holder);
      element.appendChild(holder);
      return { ...layer, count: drawn[layer.name].count };
    });
    const show = (name, whether) => {
      if (holders.has(name)) holders.get(name).hidden = !whether;
    };
    /* One button a layer. `shown`: the names of those that are switched on, which the buttons keep. */
    const switches = (shown) => {
      if (!layers.length) return null;
      const one = (layer) => {
        const button = el(
          "button",
          { type: "button", class: "tool switch", title: layer.title, "aria-pressed": String(shown.has(layer.name)), "data-keep": `layer-${layer.name}` },
          el("span", { class: `swatch ${layer.name}`, "aria-hidden": "true" }),
          layer.label,
          layer.count ? ` ${layer.count}` : "",
        );
        button.addEventListener("click", () => {
          const on = !shown.has(layer.name);
          if (on) shown.add(layer.name);
          else shown.delete(layer.name);
          button.setAttribute("aria-pressed", String(on));
          show(layer.name, on);
        });
        return button;
      };
      return el("div", { class: "switches", role: "group", "aria-label": "Laid over the picture" }, layers.map(one));
    };
    return { element, layers, show, switches };
  }

  Object.assign(review, { overlays, isBox });
})();
