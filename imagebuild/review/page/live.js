/* What happens elsewhere: others' decisions, pictures that arrive during a build, a server that goes and comes back.
   The stream is opened before the board is fetched and fetched anew after each reconnect, so that nothing falls between. */
(function () {
  "use strict";
  const { state, on, emit, api, plural, announce } = review;

  let source = null;
  let started = "";
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
    if (word === "live" && before === "lost") announce("The review server is back.");
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
      emit("trouble", { what: error.message });
      if (!source || source.readyState === EventSource.CLOSED) lost();
    });
  }

  /* ---- events ---------------------------------------------------------------------------------------------------- */

  function hello({ started: now }) {
    const restarted = started && now !== started;
    const back = state.connection === "lost";
    started = now;
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
    faults({ faults }) {
      state.board.approvals = { ...(state.board.approvals || {}), faults: faults || [] };
      emit("faults", faults || []);
    },
    problem: ({ what, hint }) => emit("trouble", { what, hint }),
  };
  function take(event) {
    if (event.kind === "hello") return void hello(event);
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

  function lost() {
    if (source) source.close();
    source = null;
    connection("lost");
    clearTimeout(retry);
    retry = setTimeout(connect, Math.min(8000, 500 * 2 ** Math.min(failures, 4)));
    failures += 1;
  }
  function connect() {
    clearTimeout(retry);
    if (source) source.close();
    source = new EventSource(api.url("api/live"));
    source.addEventListener("message", ({ data }) => {
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

  on("doubt", () => state.connection === "live" && again());
  window.addEventListener("online", () => state.connection === "lost" && connect());
  document.addEventListener("visibilitychange", () => !document.hidden && state.connection === "lost" && connect());
  window.addEventListener("pagehide", () => source && source.close());
  window.addEventListener("pageshow", (event) => event.persisted && connect());

  review.live = {
    async start() {
      if (api.exported()) connection("export");
      else connect();
      await fetchBoard();
    },
    again,
    retry: connect,
  };
})();
