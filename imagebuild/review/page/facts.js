/* What is said about one picture: checks, copy, prompt, variants, what was paid for, its history, how it was made.
   Each section is drawn from the picture's JSON alone, as text nodes; what its buttons do is handed in. It knows nothing
   of how the picture is shown, nor of how a decision is sent. */
(function () {
  "use strict";

  const review = (window.review = window.review || {});
  const { el, icon, coded } = review;

  const VERDICTS = { passed: ["passed", "passed", "good"], failed: ["failed", "failed", "bad"], unverified: ["unverified", "not verified", "warn"] };
  const PLANNED = { reuse: "up to date", restore: "will be put back", adopt: "will be taken in", make: "will be made", wait: "waits", rejected: "kept back" };
  const KINDS = { generate: "generated", edit: "edited", local: "drawn here", check: "checked" };
  const isPaid = (part) => part.kind === "generate" || part.kind === "edit";
  const DECIDED = {
    approve: ["approved", "approved", "good"],
    reject: ["rejected", "rejected", "bad"],
    withdraw: ["undo", "took back a decision", "dim"],
    comment: ["comment", "commented", "dim"],
    retake: ["retake", "asked for another take", "warn"],
    pick: ["variants", "chose a variant", "good"],
  };

  const short = (digest) => el("code", { class: "digest", title: digest, text: String(digest || "").slice(0, 8) });
  const address = (text) => el("bdi", { class: "address", text });
  const glyph = (name, tone) => el("span", { class: `glyph ${tone || ""}` }, icon(name));

  /* "" for nothing: a step that is drawn here is not said to cost $0.00. */
  const cost = (text) => (/^0*(\.0*)?$/.test(text || "") ? "" : review.money(text));

  function list(pairs) {
    const rows = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
    return rows.length ? el("dl", { class: "pairs" }, rows.map(([name, value]) => el("div", {}, el("dt", { text: name }), el("dd", {}, value)))) : null;
  }

  /* ---- checks ---------------------------------------------------------------------------------------------------- */

  function verdictChip(name, verdict) {
    const [shape, word, tone] = VERDICTS[verdict] || ["none", verdict || "not run", "dim"];
    return el("li", { class: `chip ${tone}` }, icon(shape), el("span", { text: name }), " ", el("span", { class: "word", text: word }));
  }

  /* What the picture should say, and what was read off it, in the copy's own direction. */
  function expectedAndRead(finding, asset) {
    if (finding.expected === null || finding.expected === undefined) return null;
    const text = (asset.texts || []).find((each) => each.role === finding.role) || asset;
    const props = { dir: text.dir || "auto", lang: text.lang || "", class: "copy" };
    const parts = review.textdiff.hasChanges(finding.diff) ? finding.diff : review.textdiff.ofTexts(finding.expected, finding.read);
    const { before, after } = review.textdiff.sides(parts);
    return el(
      "div",
      { class: "expected-read" },
      el("p", { class: "which", text: "expected" }),
      el("p", props, before),
      el("p", { class: "which", text: "read" }),
      finding.read ? el("p", props, after) : el("p", { class: "dim", text: "nothing was read there" }),
    );
  }

  function findingItem(finding, index, asset, acts) {
    const [shape, word, tone] = VERDICTS[finding.verdict] || VERDICTS.unverified;
    const head = [glyph(shape, tone), el("span", { class: "number", text: String(index + 1) }), el("span", { class: "finding-head" }, el("strong", { text: finding.check }), ` ${word}`, finding.role ? ` · ${finding.role}` : "")];
    const button = review.isBox(finding.box)
      ? el("button", { type: "button", class: "finding-button", "data-keep": `finding-${index}`, title: "zoom to it", on: { click: () => acts.zoomToFinding(index) } }, head, icon("search"))
      : el("p", { class: "finding-button" }, head);
    return el(
      "li",
      { class: `finding-item ${tone}`, "data-finding": index },
      button,
      el("p", { class: "what", dir: "ltr" }, coded(finding.what)),
      finding.hint && el("p", { class: "dim", dir: "ltr" }, coded(finding.hint)),
      expectedAndRead(finding, asset),
    );
  }

  function checks(asset, acts) {
    const found = asset.checks;
    if (!found) return null;
    const rows = found.rows || [];
    const findings = found.findings || [];
    return [
      rows.length ? el("ul", { class: "chips" }, rows.map((row) => verdictChip(row.name, row.verdict))) : el("p", { class: "dim", text: "No check is asked for." }),
      findings.length ? el("ol", { class: "findings" }, findings.map((finding, index) => findingItem(finding, index, asset, acts))) : null,
    ];
  }

  /* A long name may be broken where it has a joint, and a path between its folders. */
  const breakable = (name) => String(name).split(/(?<=[.\]])/).map((piece) => [piece, el("wbr")]);
  const placed = (path) => String(path).split(/(?<=\/)/).map((piece) => [piece, el("wbr")]);

  /* ---- copy and prompt ------------------------------------------------------------------------------------------- */

  function copy(asset) {
    const texts = asset.texts || [];
    if (!texts.length && !asset.alt) return null;
    const entry = (role, text, dir, lang) => el("div", {}, el("dt", { text: role }), el("dd", { class: "copy", dir: dir || "auto", lang: lang || "", text }));
    return [
      el("dl", { class: "texts" }, texts.map((text) => entry(text.role, text.text, text.dir, text.lang)), asset.alt && entry("alt text", asset.alt, asset.dir, asset.lang)),
      written(writtenOf(asset, (part) => !isPaid(part))),
    ];
  }

  function written(rows) {
    if (!rows || !rows.length) return null;
    return el(
      "table",
      { class: "rows" },
      el("caption", { text: "written from" }),
      el("thead", { class: "visually-hidden" }, el("tr", {}, ["name", "value, and where it is written"].map((text) => el("th", { scope: "col", text })))),
      el("tbody", {}, rows.map((row) => el("tr", {}, el("th", { scope: "row" }, breakable(row.name)), el("td", {}, el("p", { dir: "auto", text: row.value }), row.at ? el("p", { class: "where" }, el("bdi", {}, placed(row.at))) : null)))),
    );
  }

  const writtenOf = (asset, which) => (asset.parts || []).filter(which).flatMap((part) => part.written || []);

  function prompt(asset) {
    if (!asset.prompt) return null;
    const parts = (asset.prompt_diff || {}).parts;
    const rows = writtenOf(asset, isPaid);
    if (!review.textdiff.hasChanges(parts)) {
      const same = asset.prompt_diff ? el("p", { class: "dim" }, "The same as in ", el("bdi", { text: `“${asset.prompt_diff.since}”` }), ".") : null;
      return [el("p", { class: "prompt", dir: "auto", text: asset.prompt }), same, written(rows)];
    }
    const long = review.textdiff.isLong(parts);
    const body = el("p", { class: "prompt", dir: "auto" }, long ? review.textdiff.excerpt(parts) : review.textdiff.whole(parts));
    const button = long
      ? el("button", { type: "button", class: "link", "aria-pressed": "false", "data-keep": "prompt-whole", text: "whole prompt" })
      : null;
    if (button)
      button.addEventListener("click", () => {
        const whole = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(whole));
        review.replace(body, whole ? review.textdiff.whole(parts) : review.textdiff.excerpt(parts));
      });
    return [el("p", { class: "dim" }, "Compared with ", el("bdi", { text: `“${asset.prompt_diff.since}”` }), ": ", button), body, written(rows)];
  }

  /* ---- variants, and what was paid for --------------------------------------------------------------------------- */

  function variants(asset, acts) {
    const all = asset.variants || [];
    if (!all.length) return null;
    const why = asset.pick_said ? "" : acts.whyNot("pick");
    const one = (variant) => {
      const off = variant.picked || asset.pick_said || why;
      const words = variant.picked ? "chosen" : "choose";
      return el(
        "li",
        { class: variant.picked ? "variant picked" : "variant" },
        el(
          "button",
          { type: "button", class: "variant-look", "aria-label": `Look at variant ${variant.number}`, "data-keep": `look-${variant.number}`, on: { click: () => acts.lookAtDigest(variant.digest) } },
          variant.picture ? el("img", { alt: "", loading: "lazy", src: review.api.url(variant.picture.thumb) }) : el("span", { class: "dim", text: "not made" }),
          el("span", { class: "variant-number", text: String(variant.number) }),
        ),
        el(
          "button",
          { type: "button", class: "variant-choose", "aria-label": `${words} variant ${variant.number}`, "aria-pressed": String(Boolean(variant.picked)), "aria-disabled": off ? "true" : null, "data-keep": `pick-${variant.number}`, on: { click: () => !off && acts.decide("pick", [{ asset: asset.address, digest: variant.digest, key: variant.key }]) } },
          variant.picked && icon("approved"),
          words,
        ),
      );
    };
    return [
      el("ul", { class: "variants" }, all.map(one)),
      asset.pick_said ? el("p", { class: "dim" }, "The campaign says which one: ", el("bdi", { class: "where", text: asset.pick_said }), ". Change it there.") : why && el("p", { class: "dim", text: why }),
    ];
  }

  function retakeOf(paid, acts) {
    if (paid.retake) {
      return el(
        "div",
        { class: "asked" },
        el("p", {}, glyph("retake", "warn"), " Another take was asked for by ", el("bdi", { text: paid.retake.by }), ", ", review.whenElement(paid.retake.at), paid.retake.why ? ": " : "."),
        paid.retake.why && el("p", { class: "why", dir: "auto", text: paid.retake.why }),
        el("button", { type: "button", "data-keep": `unretake-${paid.address}`, text: "Take that back", on: { click: () => acts.decide("withdraw", [{ asset: paid.address, digest: paid.digest, key: paid.key, undoes: paid.retake.ref }]) } }),
      );
    }
    const reach = paid.uses > 1 ? `it changes ${review.count(paid.uses)} pictures` : "it changes this picture alone";
    const price = paid.price ? `${review.money(paid.price)} at the next build` : "its price is not known";
    const off = acts.whyNot("retake");
    return el(
      "div",
      { class: "asked" },
      el("button", { type: "button", "aria-disabled": off ? "true" : null, "data-keep": `retake-${paid.address}`, on: { click: () => !off && acts.retake(paid) } }, icon("retake"), "Ask for another take"),
      el("span", { class: "dim", text: off || `${price}; ${reach}` }),
    );
  }

  function paid(asset, acts) {
    const all = asset.paid || [];
    if (!all.length) return null;
    const cell = acts.cell() || {};
    const one = (each) =>
      el(
        "li",
        { class: "paid" },
        el("p", { class: "paid-head" }, address(each.address)),
        list([
          ["paid", each.billed ? review.money(each.billed) : "not known"],
          ["shared by", review.plural(each.uses || 1, "picture")],
          ["take", String(each.take || 1)],
          ["its share here", all.length === 1 ? review.money(cell.cost) : ""],
        ]),
        retakeOf(each, acts),
      );
    return el("ul", { class: "plain-list" }, all.map(one));
  }

  /* ---- history --------------------------------------------------------------------------------------------------- */

  function decisionEvent(decision) {
    const [shape, words, tone] = DECIDED[decision.decision] || ["comment", decision.decision, "dim"];
    const judged = decision.decision === "approve" || decision.decision === "reject";
    const lapsed = judged && !decision.current && !decision.undone;
    const who = [el("bdi", { class: "who", text: decision.by }), ` ${words}`];
    return {
      at: decision.at,
      rank: 1,
      className: [decision.undone ? "undone" : "", lapsed ? "lapsed" : ""].join(" ").trim(),
      shape,
      tone: decision.undone || lapsed ? "dim" : tone,
      head: [
        decision.undone ? el("del", {}, who) : who,
        decision.yours && el("span", { class: "note", text: "you" }),
        decision.undone && el("span", { class: "note", text: "taken back" }),
        lapsed && el("span", { class: "note", text: "lapsed · an earlier picture" }),
      ],
      why: decision.why,
      small: [decision.entered && [decision.entered, " · "], judged && decision.policy && [el("span", { title: `policy ${decision.policy}`, text: `policy: ${decision.policy.replace(/^[0-9a-f]{12}: /, "")}` }), " · "], short(decision.digest)],
      digest: decision.digest,
    };
  }

  /* A decision that is still on its way to the server, or in an export to be downloaded. */
  function pendingEvent(waiting) {
    const [shape, words] = DECIDED[waiting.decision] || ["comment", waiting.decision];
    const note = review.api.exported() ? "kept in this browser" : "being saved";
    return { at: waiting.at || "9", shown: waiting.at, rank: 2, className: "waiting", shape, tone: "warn", head: [`you ${words}`, el("span", { class: "note", text: note })], why: waiting.why, small: [short(waiting.digest)] };
  }

  function pictureEvent(other) {
    const kept = other.kind === "rejected";
    return {
      at: other.at,
      rank: 0,
      shape: kept ? "failed" : "variants",
      tone: kept ? "bad" : "dim",
      head: [el("bdi", { text: other.label }), kept && el("span", { class: "note", text: "kept back: its checks failed" })],
      small: [review.pictures.said(other.picture), " · ", short(other.picture.digest)],
      digest: other.picture.digest,
      prompt: other.prompt,
    };
  }

  function madeEvent(part, asset) {
    const paid = cost(part.made.billed);
    const own = asset.now && part.digest === asset.now.digest;
    const what = part.kind === "check" ? "it was checked" : own ? "this picture was made" : [address(part.address), " was made"];
    return {
      at: part.made.at,
      rank: part.kind === "check" ? 1 : 0,
      shape: part.kind === "check" ? "none" : "variants",
      tone: "dim",
      head: [what, paid && `, ${paid}`, part.made.made_by && [" by ", el("bdi", { text: part.made.made_by })]],
      small: [part.digest && short(part.digest)],
      digest: own ? part.digest : null,
    };
  }

  function eventItem(event, asset, acts) {
    const thumb = event.digest ? acts.thumbOf(event.digest) : null;
    const time = event.className === "waiting" ? event.shown : event.at;
    return el(
      "li",
      { class: `event ${event.className || ""}` },
      glyph(event.shape, event.tone),
      el(
        "div",
        { class: "event-body" },
        el("p", { class: "event-head" }, event.head),
        event.why && el("p", { class: "why", dir: "auto", text: event.why }),
        el("p", { class: "small" }, time ? [review.whenElement(time), " · "] : null, event.small),
        event.prompt && event.prompt !== asset.prompt && el("details", {}, el("summary", { text: "its prompt, and what differs now" }), el("p", { class: "prompt", dir: "auto" }, review.textdiff.whole(review.textdiff.ofTexts(event.prompt, asset.prompt || "")))),
      ),
      thumb && el("button", { type: "button", class: "look", title: "show it", "aria-label": "Show this picture", on: { click: () => acts.lookAtDigest(event.digest) } }, el("img", { alt: "", loading: "lazy", src: review.api.url(thumb) })),
    );
  }

  function history(asset, acts) {
    const events = [
      ...acts.pending().map((waiting) => pendingEvent(waiting)),
      ...(asset.decisions || []).map(decisionEvent),
      ...(asset.others || []).filter((other) => (other.kind === "take" || other.kind === "rejected") && other.picture).map(pictureEvent),
      ...(asset.parts || []).filter((part) => part.made && part.made.at).map((part) => madeEvent(part, asset)),
    ];
    if (!events.length) return el("p", { class: "dim", text: "Nothing yet." });
    events.sort((one, other) => String(other.at || "").localeCompare(String(one.at || "")) || other.rank - one.rank);
    return el("ol", { class: "timeline" }, events.map((event) => eventItem(event, asset, acts)));
  }

  /* ---- how it was made ------------------------------------------------------------------------------------------- */

  function inputs(part) {
    if (!part.inputs || !part.inputs.length) return null;
    return el(
      "ul",
      { class: "inputs" },
      part.inputs.map((input) =>
        el(
          "li",
          {},
          input.thumb ? el("img", { alt: "", loading: "lazy", src: review.api.url(input.thumb) }) : null,
          el("span", {}, el("span", { class: "dim", text: input.slot }), " ", address(input.path || input.address || ""), " ", input.digest && short(input.digest)),
        ),
      ),
    );
  }


  function manifest(rows) {
    if (!rows || !rows.length) return null;
    return el(
      "table",
      { class: "rows" },
      el("caption", { text: "manifest" }),
      el("tbody", {}, rows.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, breakable(name)), el("td", { dir: "auto", text: value })))),
    );
  }

  function part(each) {
    const made = each.made || {};
    const seconds = typeof made.seconds === "number" ? `${made.seconds.toFixed(1)} s` : "";
    return el(
      "details",
      { class: "part", "data-part": each.address },
      el("summary", {}, el("span", { class: "kind", text: KINDS[each.kind] || each.kind }), " ", address(each.address), " ", el("span", { class: "dim", text: PLANNED[each.verdict] || each.verdict || "" })),
      each.why && el("p", { class: "dim", dir: "ltr" }, coded(each.why)),
      list([
        ["made", made.at ? review.whenElement(made.at) : ""],
        ["by", made.made_by ? el("bdi", { text: made.made_by }) : ""],
        ["in", seconds],
        ["provider", made.provider],
        ["model", made.model && el("bdi", { text: made.model })],
        ["request", made.request_id && el("code", { text: made.request_id })],
        ["billed", cost(made.billed)],
        ["estimate", cost(made.estimate)],
        ["price now", cost(each.price)],
        ["key", each.key && short(each.key)],
        ["digest", each.digest && short(each.digest)],
      ]),
      inputs(each),
      manifest(each.manifest),
    );
  }

  const parts = (asset) => (asset.parts && asset.parts.length ? asset.parts.map(part) : null);

  function about(asset, acts) {
    const cell = acts.cell() || {};
    const gate = review.wordsFor("gate", cell.gate);
    return list([
      ["plan", [PLANNED[asset.verdict] || asset.verdict, asset.why ? el("span", { class: "dim", dir: "ltr" }, " — ", coded(asset.why)) : null]],
      ["checks", cell.gate ? el("span", { class: `word ${gate.tone}` }, icon(gate.icon), gate.word) : ""],
      ["next build", cost(cell.price)],
      ["placement", asset.placement ? el("bdi", { text: asset.placement.name }) : ""],
      ["file", asset.output ? [el("bdi", { class: "where", text: asset.output }), asset.output_is ? el("span", { class: "dim", text: ` ${asset.output_is}` }) : null] : ""],
      ["policy", (asset.standing || {}).policy],
    ]);
  }

  /* In the order in which somebody judges: what to choose, what is wrong, what it says, what was asked for, what it cost. */
  review.facts = [
    { id: "about", title: "In short", draw: about },
    { id: "variants", title: "Variants", draw: variants },
    { id: "checks", title: "Checks", draw: checks },
    { id: "copy", title: "Copy", draw: copy },
    { id: "prompt", title: "Prompt", draw: prompt },
    { id: "paid", title: "Made from", draw: paid },
    { id: "history", title: "History", draw: history },
    { id: "parts", title: "How it was made", draw: parts },
  ];
})();
