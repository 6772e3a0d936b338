/* Where decisions wait until the server has said what became of them. They are kept in this browser before anything is
   sent: what is decided at once under one name, its reason once. A decision leaves only when this page's own server has
   said accepted or refused, or another tab has heard it: what vanished from the browser meanwhile is written again. It may
   be sent twice (a reply that was lost, two tabs): the same `ref` is the same decision, so that is harmless.
   It asks nobody anything. */
(function () {
  "use strict";
  const { state, on, emit, keep, api, Trouble } = review;
  const BATCH = 500;
  const MANY = 20000; //     refs that are remembered
  const PATIENCE = 60000; // milliseconds for one batch to be answered
  const WAITS = [1000, 2000, 4000, 8000, 15000];
  const pace = { told: 200, theirs: 3000 }; // milliseconds until what another tab did is shown; until it is sent from here

  let prefix = ""; //            names in localStorage: prefix + the ref of the first decision that was kept under it
  let settled = ""; //           the name under which tabs tell each other what is settled
  const waiting = new Map(); //  ref → entry
  const homes = new Map(); //    name → Set of the refs that are kept under it
  const gone = new Set(); //     refs that were accepted, refused or thought better of: never taken up again
  const sent = new Map(); //     ref → entry that was accepted, until the board shows what it did
  const seen = new Set(); //     refs that the live stream told of: it may be quicker than the reply
  const aside = new Set(); //    refs that cannot be sent now and do not hold up the others
  let sending = false;
  let again = false;
  let failures = 0;
  let retry = 0;
  let telling = 0;
  let theirs = 0;
  let last = 0;

  const exported = () => api.exported();
  const remember = (refs, ref) => (refs.size > MANY && refs.clear(), refs.add(ref));

  /* ---- in this browser ------------------------------------------------------------------------------------------- */

  function packed(entries) {
    const [{ why = "" }] = entries;
    const shared = entries.every((entry) => (entry.why || "") === why);
    return JSON.stringify({ why: shared ? why : "", entries: shared ? entries.map(({ why: _, ...rest }) => rest) : entries });
  }
  /* What cannot be read was not written by this page: it is left where it is. */
  function unpacked(text) {
    try {
      const { why, entries } = JSON.parse(text);
      return entries.filter((entry) => entry && typeof entry.ref === "string").map((entry) => (why ? { ...entry, why } : entry));
    } catch {
      return [];
    }
  }
  const of = (name) => [...homes.get(name)].map((ref) => waiting.get(ref));

  /* What is kept under a name is written as this page knows it: none left, and the name goes. */
  function write(name) {
    if (homes.get(name).size) return keep.set(name, packed(of(name)));
    homes.delete(name);
    keep.remove(name);
    return true;
  }
  function read(name, text) {
    const found = unpacked(text);
    if (!found.length) return;
    const refs = homes.get(name) || new Set();
    homes.set(name, refs);
    for (const entry of found) {
      if (gone.has(entry.ref)) continue;
      last = Math.max(last, entry.number || 0);
      waiting.set(entry.ref, entry);
      refs.add(entry.ref);
    }
    if (!refs.size) write(name);
  }
  /* This only adds, and writes again what somebody cleared. */
  function load() {
    hear(keep.get(settled));
    const there = new Set(keep.names(prefix));
    for (const name of there) read(name, keep.get(name));
    for (const name of [...homes.keys()]) if (!there.has(name)) write(name);
  }

  function leave(refs) {
    const names = new Set();
    const leaving = new Set(refs);
    for (const ref of leaving) {
      remember(gone, ref);
      waiting.delete(ref);
    }
    for (const [name, kept] of homes) for (const ref of leaving) if (kept.delete(ref)) names.add(name);
    return names;
  }
  function forget(refs) {
    const names = leave(refs);
    if (refs.length) keep.set(settled, JSON.stringify(refs)); // first: so that no other tab takes it for lost
    for (const name of names) write(name);
  }
  /* What another tab has settled. */
  function hear(text) {
    if (!text) return;
    try {
      leave(JSON.parse(text));
    } catch {
      return;
    }
    for (const [name, kept] of [...homes]) if (!kept.size) homes.delete(name);
  }

  const inOrder = () => [...waiting.values()].sort((one, other) => one.number - other.number || (one.ref < other.ref ? -1 : 1));

  function tell(trouble) {
    if (trouble !== undefined) state.saving.trouble = trouble;
    Object.assign(state.saving, { waiting: waiting.size, sending });
    emit("saving", state.saving);
    emit("pending");
  }

  /* All of them are kept, or none and an error says why. Only then are they sent. */
  function add(entries) {
    load();
    const names = [];
    for (const entry of entries) {
      last = Math.max(last + 1, Date.now() * 1000);
      entry.number = last;
    }
    for (let start = 0; start < entries.length; start += BATCH) {
      const part = entries.slice(start, start + BATCH);
      const name = prefix + part[0].ref;
      names.push([name, part]);
      if (!keep.set(name, packed(part))) {
        for (const [written] of names) keep.remove(written);
        throw new Trouble("this browser cannot keep the decision", { hint: "allow this page to store data, or make room; nothing was decided" });
      }
    }
    for (const [name, part] of names) homes.set(name, new Set(part.map((entry) => entry.ref)));
    for (const entry of entries) waiting.set(entry.ref, entry);
    tell();
    flush();
  }

  /* What was put into a file may be known elsewhere: it is no longer taken out, only taken back. */
  function markDownloaded() {
    for (const entry of waiting.values()) entry.downloaded = true;
    for (const name of [...homes.keys()]) write(name);
  }
  const unknownElsewhere = (ref) => exported() && waiting.has(ref) && !waiting.get(ref).downloaded;

  /* ---- to the server --------------------------------------------------------------------------------------------- */

  /* A withdrawal goes after the decision it takes back, never in one batch with it. */
  function nextBatch() {
    const batch = [];
    const refs = new Set();
    for (const entry of inOrder()) {
      if (aside.has(entry.ref)) continue;
      if (batch.length === BATCH || (entry.undoes && refs.has(entry.undoes))) break;
      batch.push(entry);
      refs.add(entry.ref);
    }
    return batch;
  }
  function wire({ ref, decision, asset, digest, why, key, undoes }) {
    const asked = { ref, decision, asset, digest };
    if (why) asked.why = why;
    if (key) asked.key = key;
    if (undoes) asked.undoes = undoes;
    return asked;
  }
  const asking = (batch) => api.decide(batch.map(wire), { signal: AbortSignal.timeout(PATIENCE) });

  /* Another program may have got the server's port: only who says what the stream said is the one that was decided for. */
  const isOurs = (reply) => Boolean(reply && state.started && reply.started === state.started);
  const stranger = () => new Trouble("another program answers in place of the review", { hint: "start `imagebuild review` again; nothing is given up" });

  async function send(batch) {
    let reply;
    try {
      reply = await asking(batch);
    } catch (error) {
      if (![400, 413, 422].includes(error.status)) throw error;
      if (batch.length > 1) {
        const half = Math.ceil(batch.length / 2);
        await send(batch.slice(0, half));
        return void (await send(batch.slice(half)));
      }
      const { started } = await asking([]); // such a refusal does not say whose it is
      reply = { started, accepted: [], refused: [{ ref: batch[0].ref, what: error.what || error.message, hint: error.hint || "" }] };
    }
    if (!isOurs(reply)) throw stranger();
    settle(batch, reply);
  }
  function settle(batch, reply) {
    const mine = new Map(batch.map((entry) => [entry.ref, entry]));
    const accepted = (Array.isArray(reply.accepted) ? reply.accepted : []).map((one) => (one && one.ref) || one).filter((ref) => mine.has(ref));
    const refused = (Array.isArray(reply.refused) ? reply.refused : []).filter((one) => one && mine.has(one.ref));
    if (!accepted.length && !refused.length) throw new Trouble("the review server did not say what became of the decisions");
    forget([...accepted, ...refused.map((one) => one.ref)]);
    for (const ref of accepted) if (!seen.has(ref)) sent.set(ref, mine.get(ref));
    const doubtful = accepted.filter((ref) => sent.has(ref));
    if (doubtful.length) setTimeout(() => shown(doubtful) && emit("doubt"), 5000);
    tell("");
    if (accepted.length) emit("accepted", { entries: accepted.map((ref) => mine.get(ref)) });
    if (refused.length) emit("refused", { refused: refused.map((one) => ({ ...one, entry: mine.get(one.ref) })) });
  }
  /* The board shows it now: nothing is pending about it any more. Says whether something was. */
  function shown(refs) {
    const found = refs.filter((ref) => sent.delete(ref)).length > 0;
    if (found) emit("pending");
    return found;
  }

  /* One tab at a time, where the browser can see to that. */
  function alone(work) {
    return navigator.locks ? navigator.locks.request(prefix, work) : work();
  }
  async function drain() {
    load();
    for (let batch = nextBatch(); batch.length; batch = nextBatch()) {
      await send(batch);
      failures = 0;
      load();
    }
  }
  async function flush() {
    if (exported() || !prefix || !state.started || ["lost", "invalid"].includes(state.connection)) return; // until the stream is back; else the page of the new link sends them
    if (sending) {
      again = true;
      return;
    }
    if (!waiting.size) return void tell("");
    sending = true;
    again = false;
    clearTimeout(retry);
    tell();
    try {
      await alone(drain);
      sending = false;
      tell("");
    } catch (error) {
      sending = false;
      again = false;
      retry = setTimeout(flush, WAITS[Math.min(failures, WAITS.length - 1)]);
      failures += 1;
      tell(error.message);
    }
    if (again) flush();
  }
  function now() {
    failures = 0;
    flush();
  }

  /* What is asked about this picture and not yet seen on the board, oldest first. */
  function pending(address) {
    const found = [];
    for (const entry of sent.values()) if (entry.about === address) found.push(entry);
    if (waiting.size) for (const entry of waiting.values()) if (entry.about === address && !seen.has(entry.ref)) found.push(entry);
    return found.length > 1 ? found.sort((one, other) => one.number - other.number) : found;
  }

  /* Whose decisions these are: a person's of a campaign, so that no other board, export or restart takes them away. */
  function open(name) {
    const person = encodeURIComponent(name.trim().normalize("NFC").toLowerCase());
    const owner = `${encodeURIComponent(state.board.campaign)}:${person}:`;
    const wanted = `imagebuild.${exported() ? "noted" : "outbox"}:${owner}`;
    if (wanted !== prefix) {
      waiting.clear();
      homes.clear();
    }
    prefix = wanted;
    settled = `imagebuild.settled:${owner}`;
    load();
    tell();
    now();
  }
  on("board", () => {
    sent.clear();
    open(review.whoDecides());
  });
  on("cells", ({ addresses, settled: done }) => {
    if (!done) return;
    const about = new Set(addresses);
    shown([...sent.values()].filter((entry) => about.has(entry.about)).map((entry) => entry.ref));
  });
  on("decisions", ({ decisions }) => {
    if (!decisions) return;
    const refs = decisions.map((one) => one.ref);
    for (const ref of refs) remember(seen, ref);
    if (!shown(refs) && waiting.size) emit("pending");
  });
  on("connection", (word) => word === "live" && now());
  window.addEventListener("online", now);
  window.addEventListener("pagehide", () => prefix && load());

  /* Another tab wrote: one name at a time, shown once for all that come within a moment. It sends them itself, if it lives. */
  window.addEventListener("storage", ({ key, newValue }) => {
    if (!prefix || (key && key !== settled && !key.startsWith(prefix))) return;
    if (key === settled) hear(newValue);
    else if (key && newValue) read(key, newValue);
    clearTimeout(telling);
    telling = setTimeout(() => {
      if (!key) load();
      tell();
    }, pace.told);
    clearTimeout(theirs);
    theirs = setTimeout(() => waiting.size && !state.saving.trouble && flush(), pace.theirs);
  });

  review.pending = pending;
  review.outbox = { add, forget, open, entries: inOrder, flush: now, waiting: () => waiting.size, markDownloaded, unknownElsewhere };
})();
