/* What happens elsewhere: others' decisions, pictures that arrive during a build, a server that goes and comes back.
   The stream is opened before the board is fetched and fetched anew after each reconnect, so that nothing falls between.
   A page that nobody looks at lets go of its stream: a browser has few connections for one server, and each open page would
   hold one of them. */
(function () {
  "use strict";
  const { state, on, emit, api, plural, announce } = review;

  const pace = { hidden: 30000, silence: 40000 }; // milliseconds out of sight after which the stream is closed; without a word after which it is taken for lost

  let source = null;
  let leaving = 0;
  let silent = 0;
  let queue = []; //     events that came before the board
  let failures = 0;
  let retry = 0;
  let fetching = null;
  let wanted = false; // the board once more, after the fetch that is under way

  function connection(word) {
    if (state.connection === word) return;
    const before = state.connection;
    state.connection = word;
    emit("connection", word);
    if (word === "lost") announce("The review server does not answer. Decisions are kept in this browser.");
    if (word === "invalid") announce("This link is no longer valid. Decisions are kept in this browser.");
    if (word === "live" && (before === "lost" || before === "invalid")) announce("The review server is back.");
  }

  const running = (build) => (build && build.running !== false ? build : null);

  /* One fetch at a time; what asks meanwhile gets one more after it. */
  async function fetchBoard() {
    if (fetching) {
      wanted = true;
      return fetching;
    }
    fetching = (async () => {
      do {
        wanted = false;
        const board = await api.board();
        review.takeBoard(board);
        emit("faults", (board.approvals || {}).faults || []);
        emit("build", (board.build = running(board.build)));
      } while (wanted);
    })();
    try {
      await fetching;
    } finally {
      fetching = null;
    }
    const missed = queue;
    queue = [];
    for (const event of missed) take(event);
    return state.board;
  }
  function again() {
    fetchBoard().catch((error) => {
      if (error.status === 403 || !source || source.readyState === EventSource.CLOSED) lost();
      else emit("trouble", { what: error.message });
    });
  }

  /* ---- events ---------------------------------------------------------------------------------------------------- */

  function hello({ started: now }) {
    const restarted = state.started && now !== state.started;
    const back = ["lost", "invalid", "resting"].includes(state.connection);
    state.started = now;
    failures = 0;
    connection("live");
    if (state.board && (restarted || back)) again();
  }
  const takers = {
    cells: ({ cells }) => review.takeCells(cells || [], { settled: true, live: true }),
    gone: ({ addresses }) => review.dropCells(addresses || []),
    decisions({ decisions, cells }) {
      if (cells && cells.length) review.takeCells(cells, { settled: true, live: true });
      const list = decisions || [];
      emit("decisions", { decisions: list, addresses: (cells || []).map((cell) => cell.address) });
      const others = list.filter((one) => one.by !== (state.board.you || {}).name);
      if (others.length) hear(others, cells || []);
    },
    build({ build, money }) {
      state.board.build = running(build);
      if (money) state.board.money = money;
      emit("build", state.board.build);
    },
    reload: again,
    /* While there are faults nobody decides: when they come or go, what one may do is asked again. */
    faults({ faults }) {
      const before = (state.board.approvals || {}).faults || [];
      const now = faults || [];
      state.board.approvals = { ...(state.board.approvals || {}), faults: now };
      emit("faults", now);
      if (Boolean(before.length) !== Boolean(now.length)) again();
    },
    problem: ({ what, hint }) => emit("trouble", { what, hint }),
  };
  function take(event) {
    if (event.kind === "hello") return void hello(event);
    if (event.kind === "still") return;
    if (!state.board || fetching) return void queue.push(event);
    const taker = takers[event.kind];
    if (taker) taker(event);
  }

  /* "lea@… approved 12 pictures": what came within a moment is said once. */
  const SAID = { approve: "approved", reject: "rejected", withdraw: "took back a decision on", comment: "commented on", retake: "asked for another take of", pick: "chose" };
  let news = new Map();
  let saying = 0;
  function hear(decisions, cells) {
    for (const one of decisions) {
      const key = `${one.by}\n${one.decision}`;
      const heard = news.get(key) || { by: one.by, decision: one.decision, assets: new Set() };
      heard.assets.add(one.asset);
      news.set(key, heard);
    }
    review.matrix.tell(cells.map((cell) => cell.address));
    if (saying) return;
    saying = setTimeout(() => {
      saying = 0;
      const lines = [...news.values()].map(({ by, decision, assets }) => `${by} ${SAID[decision] || decision} ${assets.size === 1 ? [...assets][0] : plural(assets.size, "picture")}`);
      news = new Map();
      emit("news", lines);
      announce(lines.join(". "));
    }, 300);
  }

  /* ---- the stream ------------------------------------------------------------------------------------------------ */

  function close() {
    clearTimeout(retry);
    clearTimeout(silent);
    if (source) source.close();
    source = null;
  }
  /* The stream has ended. Whether nobody answers or this link is no longer let in, it does not say: so that is asked. */
  async function lost() {
    close();
    const here = await api.greets();
    if (source || state.connection === "resting") return; // somebody was quicker
    connection(here === "invalid" ? "invalid" : "lost");
    clearTimeout(retry);
    retry = setTimeout(connect, Math.min(8000, 500 * 2 ** Math.min(failures, 4)));
    failures += 1;
  }
  /* The server says something every quarter of a minute. A way to it that died in silence says nothing, not even that. */
  function listen() {
    clearTimeout(silent);
    silent = setTimeout(lost, pace.silence);
  }
  function connect() {
    close();
    source = new EventSource(api.url("api/live"));
    listen();
    source.addEventListener("message", ({ data }) => {
      listen();
      let event;
      try {
        event = JSON.parse(data);
      } catch {
        return;
      }
      if (event && typeof event === "object") take(event);
    });
    source.addEventListener("error", lost);
  }

  /* Nobody looks: let go. Somebody looks again: the stream, and with its first word the board anew. */
  function rest() {
    close();
    connection("resting");
  }
  function looked() {
    clearTimeout(leaving);
    if (document.hidden) leaving = setTimeout(rest, pace.hidden);
    else if (!source) connect();
  }

  on("doubt", () => state.connection === "live" && again());
  if (!api.exported()) {
    window.addEventListener("online", () => state.connection === "lost" && connect());
    document.addEventListener("visibilitychange", looked);
    window.addEventListener("pagehide", close);
    window.addEventListener("pageshow", (event) => event.persisted && connect());
  }

  review.live = {
    async start() {
      if (api.exported()) connection("export");
      else {
        connect();
        looked();
      }
      await fetchBoard();
    },
    pace,
    again,
    retry: connect,
  };
})();
