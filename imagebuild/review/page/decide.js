/* Decisions: whom they are about, the reason where one is needed, how many at once, what was refused, undo, and the file
   of those that cannot be sent from here. The outbox keeps and sends them. */
(function () {
  "use strict";
  const { el, icon, state, on, emit, keep, api, plural, toast, dialog, announce, outbox } = review;
  const BULK = 50;
  const FEW = 8; //  about so many pictures one asks one by one
  const JUST = 1000; // milliseconds in which nobody can have looked at a picture that has just changed

  const DONE = { approve: "Approved", reject: "Rejected", withdraw: "Took back", comment: "Commented on", retake: "Asked for another take of", pick: "Chose" };
  const DOES = { approve: "Approve", reject: "Reject", withdraw: "Take back", comment: "Comment on", retake: "Ask for another take of", pick: "Choose" };
  const actions = []; //        what can be undone, newest last: {kind, entries}
  const own = new Map(); //     address → Map of ref → my approval or rejection of it that stands, as far as this page knows
  const takenBack = new Set(); // refs
  const changed = new Map(); //  address → when its picture was replaced under somebody's eyes
  const digests = new Map();

  let closeToast = () => {};

  const reference = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const seconds = () => new Date().toISOString().replace(/\.\d+Z$/, "Z");

  /* "" or why nothing can be decided here. */
  function mayDecide() {
    const board = state.board;
    if (!board) return "the board is not there yet";
    if (((board.approvals || {}).faults || []).length) return "the approvals file has faults: nothing is decided until they are dealt with";
    if (!api.exported() && !(board.you && board.you.decides)) return (board.you && board.you.why_not) || "you may look, and not decide";
    return "";
  }
  function no(what) {
    toast({ text: what, tone: "bad", seconds: 8, key: "no" });
    announce(what);
    return [];
  }

  /* ---- about what ------------------------------------------------------------------------------------------------ */

  async function each(list, ask) {
    const answers = new Array(list.length);
    let next = 0;
    const worker = async () => {
      for (let index = next++; index < list.length; index = next++) answers[index] = await ask(list[index]);
    };
    await Promise.all(Array.from({ length: Math.min(4, list.length) }, worker));
    return answers;
  }

  /* A selected picture is the one that was there when it was selected: the server refuses what has been replaced since. */
  function targetOf(address) {
    const found = state.cells.get(address);
    const digest = state.selected.has(address) ? review.select.digestOf(address) : found && found.digest;
    return { asset: address, digest: digest || null, about: address };
  }
  const judges = (one) => one.decision === "approve" || one.decision === "reject";
  function learn(entry) {
    if (!own.has(entry.asset)) own.set(entry.asset, new Map());
    own.get(entry.asset).set(entry.ref, entry);
  }
  const unlearn = (ref, asset) => own.has(asset) && own.get(asset).delete(ref);
  /* My last word on this very picture, as far as this page knows, is yes; and the board does not say that it came to nothing. */
  function haveApproved({ asset, digest }) {
    const last = [...(own.get(asset) || new Map()).values()].filter((one) => one.digest === digest).pop();
    const counts = () => !["open", "lapsed"].includes((state.cells.get(asset) || {}).state);
    return Boolean(last && last.decision === "approve" && (review.pending(asset).some((one) => one.ref === last.ref) || counts()));
  }
  /* All my approvals and rejections of each of them, as it is now, that stand; else my last wish for another take. The server
     knows them all; where it cannot be asked, this page goes by what it knows. Oldest first. */
  async function ownDecisions(addresses) {
    const together = addresses.length > FEW && !api.exported() ? api.own() : null;
    const about = async (address) => (together ? { decisions: (await together)[address] } : api.asset(address));
    const found = await each(addresses, async (address) => {
      let asset = null;
      let trouble = null;
      try {
        asset = await about(address);
      } catch (error) {
        trouble = error;
      }
      const { digest } = state.cells.get(address) || {};
      const onTheWay = review.pending(address);
      const undone = new Set([...takenBack, ...onTheWay.map((one) => one.undoes)]);
      const told = ((asset && asset.decisions) || []).filter((one) => one.yours && one.current).reverse();
      for (const one of told) if (one.undone) undone.add(one.ref);
      const known = asset && !api.exported() ? [] : [...(own.get(address) || new Map()).values()];
      const here = [...known, ...onTheWay].filter((one) => !judges(one) || !digest || one.digest === digest);
      const standing = [...new Map([...told, ...here].map((one) => [one.ref, one])).values()].filter((one) => !undone.has(one.ref));
      const said = standing.filter(judges);
      const mine = said.length ? said : standing.filter((one) => one.decision === "retake").slice(-1);
      if (!mine.length && trouble && !api.exported()) throw trouble;
      return mine.map((one) => ({ asset: one.asset, digest: one.digest, key: one.key, undoes: one.ref, about: address, was: one }));
    });
    return found.flat();
  }
  /* The paid pictures that these are made from, each once; the person chooses and sees the price. */
  async function paidPictures(addresses, why) {
    const found = new Map();
    const assets = await each(addresses, (address) => api.asset(address));
    assets.forEach((asset, index) => {
      for (const paid of asset.paid || []) if (paid.digest && !found.has(paid.key)) found.set(paid.key, { ...paid, about: addresses[index] });
    });
    const list = [...found.values()];
    if (!list.length) return void no("nothing that is paid for is in it: there is no other take to ask for");
    const asked = await askTakes(list, why);
    return asked && { why: asked.why, targets: asked.chosen.map((paid) => ({ asset: paid.address, digest: paid.digest, key: paid.key, about: paid.about })) };
  }
  async function askTakes(list, why) {
    const boxes = list.map((paid) => el("input", { type: "checkbox", checked: !paid.retake, disabled: Boolean(paid.retake) }));
    const reason = el("textarea", { value: why || "", placeholder: "What should be different (for the record)", "aria-label": "Reason", maxLength: 4000 });
    const rows = list.map((paid, index) => el("label", { class: "option" }, boxes[index],
      el("span", {}, el("bdi", { text: paid.address }), el("br"), el("span", { class: "dim", text: paid.retake ? `already asked for by ${paid.retake.by}` : `${review.money(paid.price) || "price not known"} at the next build · remakes ${plural(paid.uses || 1, "picture")}` }))));
    const chosen = () => list.filter((paid, index) => boxes[index].checked && !paid.retake);
    const shown = dialog({
      title: list.length > 1 ? `Another take of ${list.length} paid pictures` : "Ask for another take",
      body: [el("div", {}, rows), reason, el("p", { class: "dim", text: "Nothing is paid now. The next build makes it, within its budget." })],
      actions: [{ label: "Ask for it", tone: "primary", value: "ask", run: () => chosen().length > 0 }, { label: "Cancel", value: null }],
    });
    return (await shown.closed) === "ask" ? { chosen: chosen(), why: reason.value.trim() } : null;
  }

  /* ---- why, and whether really ----------------------------------------------------------------------------------- */

  const reasonsName = () => `imagebuild.reasons:${state.board.campaign}`;
  function reasons() {
    try {
      const kept = JSON.parse(keep.get(reasonsName()) || "[]");
      return Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : [];
    } catch {
      return [];
    }
  }
  async function askWhy(kind, many, name) {
    const text = el("textarea", { "aria-label": kind === "reject" ? "Reason" : "Comment", maxLength: 4000, dir: "auto", placeholder: kind === "reject" ? "What is wrong, so that it can be put right" : "What should others know" });
    const missing = el("p", { class: "bad", role: "alert", hidden: true, text: kind === "reject" ? "A rejection needs a reason." : "A comment needs words." });
    const recent = reasons().slice(0, 5).map((reason) => el("button", { type: "button", class: "chip", title: reason, on: { click: () => { text.value = reason; text.focus(); } } }, el("span", { dir: "auto", text: reason })));
    const shown = dialog({
      title: many > 1 ? `${DOES[kind]} ${plural(many, "picture")}` : `${DOES[kind]} this picture`,
      body: [many === 1 && name ? el("p", { class: "dim" }, el("bdi", { text: name })) : null, text, missing, recent.length ? el("div", { class: "reasons", role: "group", "aria-label": "Used lately" }, recent) : null],
      actions: [
        { label: kind === "reject" ? "Reject" : "Comment", tone: kind === "reject" ? "bad" : "primary", value: "yes", run: () => { missing.hidden = Boolean(text.value.trim()); if (!text.value.trim()) text.focus(); return missing.hidden; } },
        { label: "Cancel", value: null },
      ],
      focus: text,
    });
    if ((await shown.closed) !== "yes") return null;
    const why = text.value.trim();
    keep.set(reasonsName(), JSON.stringify([why, ...reasons().filter((one) => one !== why)].slice(0, 8)));
    return why;
  }
  async function confirmed(kind, many) {
    const shown = dialog({ title: `${DOES[kind]} ${plural(many, "picture")}?`, body: el("p", { text: "Each gets a decision of its own in your name. It can be undone." }), actions: [{ label: `${DOES[kind]} ${review.count(many)}`, tone: kind === "reject" ? "bad" : "primary", value: "yes" }, { label: "Cancel", value: null }] });
    return (await shown.closed) === "yes";
  }
  /* Who decides: as the board says. In an export that was made for nobody, it is asked for, and kept for this campaign. */
  const nameName = () => `imagebuild.name:${encodeURIComponent(state.board.campaign)}`;
  const isNamedHere = () => api.exported() && !((state.board.you || {}).name);
  const whoDecides = () => (state.board.you || {}).name || (isNamedHere() ? keep.get(nameName()) || "" : "");
  async function askName() {
    const before = whoDecides();
    const noted = before ? outbox.waiting() : 0;
    const input = el("input", { type: "text", value: before, autocomplete: "email", "aria-label": "Your name or address", maxLength: 200, placeholder: "ana@northwind.example" });
    const stay = noted ? el("p", {}, `${plural(noted, "decision")} noted here by `, el("bdi", { text: before }), ` ${noted === 1 ? "stays" : "stay"} under that name: download ${noted === 1 ? "it" : "them"} first, or come back to that name.`) : null;
    const shown = dialog({ title: "Who is deciding?", body: [el("p", { text: "Your name goes into the file of decisions. It is asked for once." }), stay, input], actions: [{ label: "Go on", tone: "primary", value: "yes", run: () => Boolean(input.value.trim()) }, { label: "Cancel", value: null }], focus: input });
    if ((await shown.closed) !== "yes") return false;
    const name = input.value.trim();
    if (!keep.set(nameName(), name)) return no("this browser cannot keep your name: allow this page to store data").length > 0;
    if (name !== before) {
      actions.length = 0;
      own.clear();
      outbox.open(name);
    }
    return true;
  }
  const named = async () => Boolean(!api.exported() || whoDecides()) || askName();

  /* ---- decide ---------------------------------------------------------------------------------------------------- */

  function leaveOut(kind, targets) {
    const unbuilt = targets.filter((one) => !one.digest);
    const just = kind === "approve" ? targets.filter((one) => one.digest && performance.now() - (changed.get(one.asset) || -Infinity) < JUST) : [];
    const already = kind === "approve" ? targets.filter((one) => one.digest && !just.includes(one) && haveApproved(one)) : [];
    const left = targets.filter((one) => one.digest && !just.includes(one) && !already.includes(one));
    if (unbuilt.length) toast({ text: `${plural(unbuilt.length, "picture")} not built yet: left out`, key: "unbuilt" });
    if (just.length) no(just.length === 1 ? `${just[0].asset} has just changed: look at it again` : `${plural(just.length, "picture")} have just changed: look at them again`);
    if (already.length) (left.length ? (text) => toast({ text, key: "already" }) : no)(already.length === 1 ? `you have approved ${already[0].asset} already` : `you have approved ${plural(already.length, "picture")} already: left out`);
    return left;
  }
  function entryOf(kind, target, why) {
    const entry = { ref: reference(), at: seconds(), by: whoDecides(), decision: kind, asset: target.asset, digest: target.digest, about: target.about || state.open || target.asset };
    if (why) entry.why = why;
    if (target.key) entry.key = target.key;
    if (target.undoes) entry.undoes = target.undoes;
    return entry;
  }
  function record(kind, targets, why, undoable) {
    const entries = targets.map((target) => entryOf(kind, target, target.why || why));
    try {
      outbox.add(entries);
    } catch (error) {
      no(error.message);
      return [];
    }
    entries.forEach((entry, index) => {
      if (judges(entry)) learn(entry);
      if (kind === "withdraw") {
        takenBack.add(entry.undoes);
        unlearn(entry.undoes, entry.asset);
        entries[index].was = targets[index].was;
      }
    });
    if (undoable) {
      actions.push({ kind, entries });
      if (actions.length > 50) actions.shift();
    }
    emit("decisions", { optimistic: true, asked: entries, addresses: [...new Set(entries.map((entry) => entry.about))] });
    return entries;
  }

  /* kind: approve, reject, withdraw, comment, retake, pick. targets: addresses of pictures, or {asset, digest, key, undoes,
     why, about}. Answers the refs; none when the person thought better of it or nothing can be decided. */
  async function decide(kind, targets, { why = "", quiet = false } = {}) {
    const stop = mayDecide();
    if (stop) return no(stop);
    const list = (Array.isArray(targets) ? targets : [targets]).filter(Boolean);
    const addresses = list.filter((one) => typeof one === "string");
    let about = list.map((one) => (typeof one === "string" ? targetOf(one) : { about: state.open || one.asset, ...one }));
    let reason = why.trim();
    try {
      if (addresses.length && kind === "withdraw") {
        about = await ownDecisions(addresses);
        if (!about.length) return no(addresses.length === 1 ? "there is no decision of yours to take back" : "none of them has a decision of yours to take back");
      }
      if (addresses.length && kind === "retake") {
        const asked = await paidPictures(addresses, why);
        if (!asked) return [];
        about = asked.targets;
        reason = asked.why;
      }
    } catch (error) {
      return no(error.message);
    }
    about = leaveOut(kind, about);
    if (!about.length) return [];
    if ((kind === "reject" || kind === "comment") && !reason && !about.every((one) => one.why)) {
      reason = await askWhy(kind, about.length, about[0].asset);
      if (reason === null) return [];
    } else if (about.length > BULK && !(await confirmed(kind, about.length))) return [];
    if (!(await named())) return [];
    const entries = record(kind, about, reason, true);
    if (entries.length && !quiet) done(kind, entries);
    return entries.map((entry) => entry.ref);
  }
  function said(kind, entries) {
    const assets = new Set(entries.map((entry) => entry.asset));
    return `${DONE[kind]} ${assets.size === 1 ? entries[0].asset : plural(assets.size, "picture")}`;
  }
  function done(kind, entries) {
    const text = said(kind, entries);
    const action = actions[actions.length - 1];
    closeToast = toast({ text, seconds: 10, key: "done", action: { label: "Undo", run: () => undo(action) } });
    announce(`${text}. Press z to undo.`);
  }

  /* The last thing done here is taken back by decisions of its own: what was written stays written. */
  function undo(which) {
    const action = which || actions[actions.length - 1];
    const at = actions.indexOf(action);
    if (at < 0 || !action.entries.length) return no("there is nothing to undo");
    const stop = mayDecide();
    if (stop) return no(stop);
    actions.splice(at, 1);
    const { kind, entries } = action;
    if (kind === "withdraw") {
      const before = [...new Map(entries.filter((entry) => entry.was && entry.was.decision).map((entry) => [entry.asset, entry])).values()]; // the last word on each
      for (const decision of new Set(before.map((entry) => entry.was.decision))) {
        const targets = before.filter((entry) => entry.was.decision === decision).map((entry) => ({ asset: entry.asset, digest: entry.digest, key: entry.key, about: entry.about, why: entry.was.why || "" }));
        record(decision, targets, "", false);
      }
    } else {
      const unsent = entries.filter((entry) => outbox.unknownElsewhere(entry.ref));
      outbox.forget(unsent.map((entry) => entry.ref));
      for (const entry of unsent) unlearn(entry.ref, entry.asset);
      const rest = entries.filter((entry) => !unsent.includes(entry));
      if (rest.length) record("withdraw", rest.map((entry) => ({ asset: entry.asset, digest: entry.digest, key: entry.key, undoes: entry.ref, about: entry.about, was: entry })), "", false);
      outbox.flush();
      emit("pending");
      emit("saving", Object.assign(state.saving, { waiting: outbox.waiting() }));
    }
    const did = said(kind, entries);
    const text = `Undone: ${did[0].toLowerCase()}${did.slice(1)}`;
    toast({ text, seconds: 5, key: "done" });
    announce(text);
    return entries.map((entry) => entry.ref);
  }

  /* ---- what was refused ------------------------------------------------------------------------------------------ */

  on("refused", ({ refused }) => {
    const refs = new Set(refused.map((one) => one.ref));
    for (const action of actions) {
      if (!action.entries.some((entry) => refs.has(entry.ref))) continue;
      action.entries = action.entries.filter((entry) => !refs.has(entry.ref));
      if (action === actions[actions.length - 1]) action.entries.length ? done(action.kind, action.entries) : closeToast();
    }
    for (const one of refused) {
      unlearn(one.ref, one.entry.asset);
      if (one.entry.undoes) takenBack.delete(one.entry.undoes);
    }
    const words = new Map();
    for (const one of refused) {
      const text = one.hint ? `${one.what}: ${one.hint}` : one.what;
      words.set(text, [...(words.get(text) || []), one.entry.asset]);
    }
    const [first] = words.keys();
    const text = refused.length === 1 ? `Not taken: ${first}` : `${plural(refused.length, "decision")} not taken${words.size === 1 ? `: ${first}` : ""}`;
    toast({ text, tone: "bad", seconds: 20, key: "refused", action: refused.length > 1 ? { label: "Show", run: () => showRefused(words) } : null });
    announce(text);
  });
  function showRefused(words) {
    dialog({
      title: "Not taken", className: "wide",
      body: [...words].map(([text, assets]) => el("section", {}, el("p", { class: "bad" }, icon("failed"), " ", review.coded(text)), el("ul", { class: "list" }, assets.slice(0, 200).map((asset) => el("li", {}, el("bdi", { text: asset })))))),
      actions: [{ label: "Close", tone: "primary", value: null }],
    });
  }

  on("decisions", ({ decisions }) => {
    const me = ((state.board || {}).you || {}).name;
    for (const one of decisions || []) {
      if (me && one.by === me && judges(one)) learn(one);
      if (!one.undoes) continue;
      takenBack.add(one.undoes);
      unlearn(one.undoes, one.asset);
    }
  });
  on("board", (board) => {
    for (const one of board.cells) {
      if (digests.has(one.address) && digests.get(one.address) !== one.digest) changed.set(one.address, performance.now());
      digests.set(one.address, one.digest);
    }
  });
  on("cells", ({ addresses }) => {
    for (const address of addresses) {
      const found = state.cells.get(address);
      if (!found) continue;
      if (digests.has(address) && digests.get(address) !== found.digest) {
        changed.set(address, performance.now());
        own.delete(address);
      }
      digests.set(address, found.digest);
    }
  });

  /* ---- as a file ------------------------------------------------------------------------------------------------- */

  function download() {
    const entries = outbox.entries();
    if (!entries.length) return no("there are no decisions to download");
    const by = whoDecides();
    const decisions = entries.map(({ ref, at, decision, asset, digest, why, key, undoes }) => ({ ref, at, decision, asset, digest, why, key, undoes }));
    const text = `${JSON.stringify({ "imagebuild.decisions": 1, campaign: state.board.campaign, by, decisions }, null, 1)}\n`;
    const link = el("a", { download: "decisions.json" });
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    document.body.appendChild(link);
    link.click();
    link.remove();
    outbox.markDownloaded();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    dialog({
      title: `${plural(entries.length, "decision")} in decisions.json`,
      body: [el("p", { text: "Send the file to whoever keeps the campaign. In its folder they run" }), el("p", {}, el("code", { text: "imagebuild approve --from decisions.json" })), el("p", { class: "dim", text: "Importing it twice, or a later download with the same decisions, changes nothing." })],
      actions: [{ label: "Close", tone: "primary", value: null }],
    });
    return entries;
  }

  Object.assign(review, { decide, undo, mayDecide, download, whoDecides, isNamedHere, askName });
})();
