/* Pictures in words and as elements: size and format, how far two differ, which two to compare, an image that says
   when it cannot be shown. It knows nothing of how they are laid out. */
(function () {
  "use strict";

  const review = (window.review = window.review || {});
  const { el } = review;

  const TYPES = { "image/webp": "WebP", "image/png": "PNG", "image/jpeg": "JPEG", "image/avif": "AVIF", "image/gif": "GIF", "application/pdf": "PDF" };
  let made = 0;

  /* A picture in words: "1080 × 1920 · 81 kB · WebP". */
  function said(picture) {
    if (!picture) return "";
    const size = Array.isArray(picture.size) ? `${picture.size[0]} × ${picture.size[1]}` : "";
    return [size, review.size(picture.bytes), TYPES[picture.type] || picture.type].filter(Boolean).join(" · ");
  }

  const sameSize = (one, other) => Boolean(one.size && other.size && one.size[0] === other.size[0] && one.size[1] === other.size[1]);

  const across = (picture) => (Array.isArray(picture.size) ? `${picture.size[0]} × ${picture.size[1]}` : "not known");

  /* "1.3 %", and never "0 %" of what differs. */
  function percent(share) {
    const hundred = share * 100;
    if (hundred > 0 && hundred < 0.01) return "less than 0.01 %";
    return `${hundred >= 10 ? Math.round(hundred) : hundred.toFixed(hundred >= 1 ? 1 : 2)} %`;
  }

  /* The server's measure of two pictures, in words. */
  function measured(answer, before, after) {
    const sizes = answer.same_size === false ? `The sizes differ: ${across(before)} before, ${across(after)} now; measured at the later one. ` : "";
    if (!answer.pixels) return `${sizes}${answer.same_size === false ? "No pixel differs then." : "Identical: no pixel differs."}`;
    const box = review.isBox(answer.box) ? `, in the box ${answer.box[0]}, ${answer.box[1]} to ${answer.box[2]}, ${answer.box[3]}` : "";
    return `${sizes}${percent(answer.changed)} of the pixels differ (${review.count(answer.pixels)})${box}.`;
  }

  /* The one that was last approved, else the one it is measured against, else the take before; a different one first. */
  function preferred(others, now) {
    const order = ["approved", "since", "take", "rejected", "variant", "master"];
    const byTime = [...others].sort((one, other) => order.indexOf(one.kind) - order.indexOf(other.kind) || String(other.at || "").localeCompare(String(one.at || "")));
    return byTime.find((other) => !now || other.picture.digest !== now.digest) || byTime[0] || null;
  }

  /* An image that says when it cannot be shown. `under`: its thumbnail, seen until it has arrived. */
  function image(picture, { className = "", alt = "", lang = "", url = "", failed }) {
    const node = el("img", { class: `picture ${className}`, alt, lang, decoding: "async", draggable: false });
    node.addEventListener("load", () => node.classList.add("there"));
    node.addEventListener("error", () => {
      node.classList.add("lost");
      failed();
    });
    node.src = review.api.url(url || picture.url);
    return node;
  }

  function segmented(legend, options, chosen, choose) {
    const name = `asset-choice-${(made += 1)}`;
    return el(
      "fieldset",
      { class: "segmented" },
      el("legend", { class: "visually-hidden", text: legend }),
      options.map((option) =>
        el(
          "label",
          { title: option.title || "" },
          el("input", { type: "radio", name, value: option.name, checked: option.name === chosen, disabled: Boolean(option.disabled), "data-keep": `${legend}-${option.name}`, on: { change: () => choose(option.name) } }),
          el("span", { text: option.label }),
        ),
      ),
    );
  }

  function chooser(name, options, chosen, choose) {
    const select = el("select", { "aria-label": name, "data-keep": name }, options.map((option) => el("option", { value: option.value, text: option.label })));
    select.value = chosen;
    select.addEventListener("change", () => choose(select.value));
    return select;
  }

  review.pictures = { said, across, sameSize, percent, measured, preferred, image, segmented, chooser };
})();
