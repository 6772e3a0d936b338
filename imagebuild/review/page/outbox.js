/* Where decisions wait until the server has said what became of them. Each is kept in this browser under a name of its
   own before anything is sent, and is taken out only when the server has said accepted or refused. It may be sent twice
   (a reply that was lost, two tabs): the same `ref` is the same decision, so that is harmless. It asks nobody anything. */
(function () {
  "use strict";
  const { state, on, emit, keep, api, Trouble } = review;
  const BATCH = 500;
  const PATIENCE = 60000; // milliseconds for one batch to be answered
  const WAITS = [1000, 2000, 4000, 8000, 15000];

  let prefix = ""; //          names in localStorage: prefix + ref
  const waiting = new Map(); //  ref → entry, as kept in this browser
  const sent = new Map(); //     ref → entry that was accepted, until the board shows what it did
  const seen = new Set(); //     refs that the live stream told of: it may be quicker than the reply
  let sending = false;
  let again = false;
  let failures = 0;
  let retry = 0;
  let last = 0;

  const exported = () => api.exported();

  function load() {
    waiting.clear();
    for (const name of keep.names(prefix)) {
      try {
        const entry = JSON.parse(keep.get(name));
        if (entry && entry.ref === name.slice(prefix.length)) waiting.set(entry.ref, entry);
      } catch {
        /* what cannot be read was not written by this page: it is left where it is */
      }
    }
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
    const written = [];
    for (const entry of entries) {
      last = Math.max(last + 1, Date.now() * 1000);
      entry.number = last;
      if (!keep.set(prefix + entry.ref, JSON.stringify(entry))) {
        for (const ref of written) keep.remove(prefix + ref);
        throw new Trouble("this browser cannot keep the decision", { hint: "allow this page to store data, or make room; nothing was decided" });
      }
      written.push(entry.ref);
    }
    for (const entry of entries) waiting.set(entry.ref, entry);
    tell();
    flush();
  }
  function forget(ref) {
    keep.remove(prefix + ref);
    waiting.delete(ref);
  }

  /* What was put into a file may be known elsewhere: it is no longer taken out, only taken back. */
  function markDownloaded() {
    for (const entry of waiting.values()) {
      entry.downloaded = true;
      keep.set(prefix + entry.ref, JSON.stringify(entry));
    }
  }
  const unknownElsewhere = (ref) => exported() && waiting.has(ref) && !waiting.get(ref).downloaded;

  /* A withdrawal goes after the decision it takes back, never in one batch with it. */
  function nextBatch() {
    const batch = [];
    const refs = new Set();
    for (const entry of inOrder()) {
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

  async function send(batch) {
    let reply;
    try {
      reply = await api.decide(batch.map(wire), { signal: AbortSignal.timeout(PATIENCE) });
    } catch (error) {
      if (![400, 413, 422].includes(error.status)) throw error;
      if (batch.length > 1) {
        const half = Math.ceil(batch.length / 2);
        await send(batch.slice(0, half));
        return void (await send(batch.slice(half)));
      }
      reply = { accepted: [], refused: [{ ref: batch[0].ref, what: error.what || error.message, hint: error.hint || "" }] };
    }
    settle(batch, reply || {});
  }
  function settle(batch, reply) {
    const mine = new Map(batch.map((entry) => [entry.ref, entry]));
    const accepted = (Array.isArray(reply.accepted) ? reply.accepted : []).map((one) => (one && one.ref) || one).filter((ref) => mine.has(ref));
    const refused = (Array.isArray(reply.refused) ? reply.refused : []).filter((one) => one && mine.has(one.ref));
    if (!accepted.length && !refused.length) throw new Trouble("the review server did not say what became of the decisions");
    for (const ref of accepted) {
      const entry = mine.get(ref);
      forget(ref);
      if (seen.has(ref)) continue;
      sent.set(ref, entry);
      setTimeout(() => shown([ref]) && emit("doubt"), 5000);
    }
    for (const one of refused) forget(one.ref);
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
    if (exported() || !prefix || state.connection === "invalid") return; // then the page of the new link sends them
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

  on("board", (board) => {
    const owner = exported() ? `export:${board.generated}` : (board.you && board.you.name) || "";
    const wanted = `imagebuild.${exported() ? "noted" : "outbox"}:${encodeURIComponent(board.campaign)}:${encodeURIComponent(owner)}:`;
    sent.clear();
    prefix = wanted;
    load();
    tell();
    now();
  });
  on("cells", ({ addresses, settled }) => {
    if (!settled) return;
    const about = new Set(addresses);
    shown([...sent.values()].filter((entry) => about.has(entry.about)).map((entry) => entry.ref));
  });
  on("decisions", ({ decisions }) => {
    if (!decisions) return;
    const refs = decisions.map((one) => one.ref);
    if (seen.size > 20000) seen.clear();
    for (const ref of refs) seen.add(ref);
    if (!shown(refs) && waiting.size) emit("pending");
  });
  on("connection", (word) => word === "live" && now());
  window.addEventListener("online", now);
  window.addEventListener("storage", (event) => {
    if (!prefix || (event.key && !event.key.startsWith(prefix))) return;
    load();
    tell();
    if (waiting.size && !state.saving.trouble) flush();
  });

  review.pending = pending;
  review.outbox = { add, forget, entries: inOrder, flush: now, waiting: () => waiting.size, markDownloaded, unknownElsewhere };
})();
