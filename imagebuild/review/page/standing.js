/* What this person may do about one picture now, what they have said of it, and the bar to do it with: from its JSON and
   from what is still on its way to the server. The server decides; this only says beforehand what it would. */
(function () {
  "use strict";

  const review = (window.review = window.review || {});
  const { el, icon } = review;

  const ONWARDS = "review.asset.onwards";

  /* What is on its way; what the facts tell already has arrived, whether or not the reply to it has. */
  function pendingOf(asset) {
    const there = new Set((asset.decisions || []).map((each) => each.ref));
    return review.pending(asset.address).filter((each) => !there.has(each.ref));
  }

  /* "" when it may be done now, else why not, in words. */
  function whyNot(kind, asset) {
    const general = review.mayDecide();
    if (general) return general;
    if (kind === "approve" || kind === "reject") {
      if (!subject(asset)) return "there is no picture to decide on yet";
      const told = ((asset.standing || {}).may || {})[kind];
      if (told) return told;
      const own = ownDecision(asset);
      if (own && own.decision === kind) return kind === "approve" ? "you have approved it" : "you have rejected it";
    }
    if (kind === "comment" && !subject(asset)) return "there is no picture to comment on yet";
    if (kind === "withdraw" && !ownDecision(asset)) return "you have decided nothing about this picture";
    if (kind === "retake" && !(asset.paid || []).length) return "nothing that was paid for is in this picture";
    return "";
  }

  /* The picture that a decision is about: the one that is there, else the one that was kept back. */
  function subject(asset) {
    const kept = (asset.others || []).find((other) => other.kind === "rejected" && other.picture);
    return asset.now || (kept ? kept.picture : null);
  }

  /* This person's standing word on today's picture, with what is still on its way. */
  function ownDecision(asset) {
    const waiting = pendingOf(asset);
    const gone = new Set(waiting.filter((each) => each.decision === "withdraw").map((each) => each.undoes));
    const judges = (each) => (each.decision === "approve" || each.decision === "reject") && !gone.has(each.ref);
    const last = waiting.filter(judges).pop();
    return last || (asset.decisions || []).find((each) => each.yours && each.current && !each.undone && judges(each)) || null;
  }

  /* Whether a decision leads on to the next picture. A browser that keeps nothing forgets only the habit. */
  const onwards = {
    get: () => {
      try {
        return localStorage.getItem(ONWARDS) === "yes";
      } catch {
        return false;
      }
    },
    set: (on) => {
      try {
        localStorage.setItem(ONWARDS, on ? "yes" : "no");
      } catch {
        /* for this picture only, then */
      }
    },
  };

  /* `current()`: the JSON of the picture that is open, or null; `decided(address, onwards)` is told of what was noted. */
  class DecisionBar {
    constructor({ current, decided }) {
      Object.assign(this, { current, decided });
      this.element = el("div", { class: "decision-bar", role: "group", "aria-label": "Decide" });
    }

    async decide(kind, targets) {
      const { address } = this.current();
      const refs = await review.decide(kind, targets);
      const judging = kind === "approve" || kind === "reject";
      if (refs && refs.length) this.decided(address, judging && onwards.get());
    }

    judge(kind) {
      const asset = this.current();
      if (!asset) return;
      const why = whyNot(kind, asset);
      if (why) {
        review.announce(why);
        this.element.classList.remove("nudged");
        void this.element.offsetWidth; // so that the same movement starts again
        this.element.classList.add("nudged");
        return;
      }
      const target = { asset: asset.address, digest: subject(asset).digest };
      this.decide(kind, [kind === "withdraw" ? asset.address : target]); // all that stands is taken back, not the last word alone
    }

    /* With one paid picture, it is asked for by this picture's address: the dialog tells the price, and takes a reason. */
    retake(paid) {
      const asset = this.current();
      const only = asset.paid.length === 1;
      this.decide("retake", [only ? asset.address : { asset: paid.address, digest: paid.digest, key: paid.key }]);
    }

    button(kind, label, key, tone, why) {
      return el(
        "button",
        { type: "button", class: tone, "aria-disabled": why ? "true" : null, "aria-keyshortcuts": key, "data-keep": kind, title: why || "", on: { click: () => this.judge(kind) } },
        label,
        el("kbd", { "aria-hidden": "true", text: key }),
      );
    }

    stands(asset, reasons) {
      const standing = asset.standing || {};
      const words = review.wordsFor("state", standing.state);
      const missing = standing.missing || [];
      const saving = review.api.exported() ? "kept in this browser until it is downloaded" : "being saved …";
      return el(
        "div",
        { class: "stands" },
        el("p", { class: words.tone }, icon(words.icon), el("strong", { text: ` ${words.word}` }), missing.length ? el("span", { class: "missing", text: ` · still needs ${missing.join(", ")}` }) : null),
        pendingOf(asset).length ? el("p", { class: "saving warn", text: saving }) : null,
        reasons.length ? el("p", { class: "dim why-not" }, review.coded(reasons.join("; "))) : null,
      );
    }

    draw(asset) {
      const own = ownDecision(asset);
      const judged = (kind) => own && own.decision === kind; // then what can be done about it is to take it back
      const reasons = new Set(["approve", "reject"].filter((kind) => !judged(kind)).map((kind) => whyNot(kind, asset)));
      const box = el("input", { type: "checkbox", checked: onwards.get(), "data-keep": "onwards" });
      box.addEventListener("change", () => onwards.set(box.checked));
      const deed = (kind, label, key, tone) =>
        judged(kind)
          ? this.button("withdraw", kind === "approve" ? "Withdraw approval" : "Withdraw rejection", "u", "", whyNot("withdraw", asset))
          : this.button(kind, label, key, tone, whyNot(kind, asset));
      review.replace(
        this.element,
        this.stands(asset, [...reasons].filter(Boolean)),
        el("label", { class: "onwards" }, box, "then the next"),
        el("div", { class: "deeds" }, deed("comment", "Comment", "c", ""), deed("reject", "Reject", "r", "bad"), deed("approve", "Approve", "a", "approve")),
      );
    }
  }

  review.standing = { whyNot, subject, ownDecision, pendingOf };
  review.DecisionBar = DecisionBar;
})();
