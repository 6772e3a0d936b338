/* The frame around the grid (title, status, tools, banners), and the start. */
(function () {
  "use strict";
  const { el, icon, state, on, replace, coded, count, money, plural, filters, matrix } = review;
  const byId = (id) => document.getElementById(id);

  /* ---- tools ----------------------------------------------------------------------------------------------------- */

  function drawTools() {
    const search = el("input", { id: "search", type: "search", placeholder: "Search", "aria-label": "Search address, output and values", autocomplete: "off", spellcheck: false });
    let typed = 0;
    search.addEventListener("input", () => {
      clearTimeout(typed);
      typed = setTimeout(() => {
        review.place.write({ q: search.value.trim() || null });
        filters.apply();
      }, 120);
    });
    const sort = el("select", { id: "sort", "aria-label": "Order" }, Object.entries(filters.SORTS).map(([value, label]) => el("option", { value, text: label })));
    sort.addEventListener("change", () => {
      review.place.write({ sort: sort.value || null });
      filters.apply();
    });
    const size = el("input", { id: "size", type: "range", min: 0, max: matrix.sizes - 1, step: 1, value: matrix.step(), "aria-label": "Size of the pictures" });
    size.addEventListener("input", () => matrix.resize(Number(size.value)));
    replace(byId("tools"),
      el("div", { class: "field" }, icon("search"), search),
      el("button", { id: "filters-button", type: "button", "aria-expanded": "false", "aria-controls": "facets", on: { click: () => review.facets.show(!review.facets.shown()) } }, icon("filter"), "Filters", el("span", { class: "set number" })),
      el("button", { id: "arrangement", type: "button", title: "Choose rows and columns", on: { click: () => review.arrange.ask() } }),
      el("button", { id: "swap", type: "button", class: "square wide-only", "aria-label": "Swap rows and columns", title: "Swap rows and columns", on: { click: () => review.arrange.swap() } }, icon("swap")),
      el("button", { id: "view", type: "button", on: { click: changeView } }),
      sort,
      el("span", { class: "gap" }),
      el("label", { id: "size-label", class: "small size" }, el("span", { text: "Size" }), size),
      el("button", { id: "select-all", type: "button", class: "wide-only plain", on: { click: () => review.select.all() } }, "Select all"));
  }
  function changeView() {
    const flow = state.layout.kind === "flow";
    review.place.write({ view: flow ? "matrix" : "flow", sort: flow ? null : review.place.read().sort });
    filters.apply();
    byId("view").focus();
  }
  function followTools() {
    const asked = filters.read();
    if (document.activeElement !== byId("search")) byId("search").value = asked.text;
    byId("sort").value = asked.sort;
    const { rows, cols } = review.arrange.arrangement(asked);
    replace(byId("arrangement"), el("span", { class: "dim lead", text: "Rows" }), el("b", { class: "axes", text: rows.join(" × ") || "all" }), el("span", { class: "dim lead", text: "Columns" }), el("b", { class: "axes", text: cols.join(" × ") || "all" }), el("span", { class: "visually-hidden", text: "Choose rows and columns" }));
    const matrixPossible = review.arrange.axes().length > 0;
    for (const id of ["arrangement", "swap", "view"]) byId(id).hidden = !matrixPossible;
    const flow = state.layout.kind === "flow";
    replace(byId("view"), flow ? "Matrix" : "List");
    byId("view").title = flow ? "Show rows and columns" : "Show one after the other";
  }

  /* ---- title and status ------------------------------------------------------------------------------------------ */

  function drawTitle(board) {
    document.title = `${board.campaign} · review`;
    byId("campaign").textContent = board.campaign;
    byId("made-with").textContent = [board.model, board.provider, board.since ? `compared with ${board.since.name}` : "", board.export ? `exported ${review.when(board.generated)}` : ""].filter(Boolean).join(" · ");
  }
  const WORDS = { live: "live", lost: "no connection", invalid: "old link", connecting: "connecting …", resting: "catching up …" };
  function drawStatus() {
    if (!state.board) return;
    const { waiting, sending } = state.saving;
    const name = review.whoDecides();
    const parts = [];
    const build = state.board.build;
    if (build) parts.push(el("span", { class: "said number" }, icon("retake"), buildWords(build)));
    if (state.board.export) {
      parts.push(el("button", { id: "download", type: "button", class: waiting ? "primary" : "", disabled: !waiting, on: { click: review.download } }, icon("download"), `Download decisions (${count(waiting)})`));
    } else {
      const word = waiting ? (sending ? `saving ${count(waiting)} …` : `${count(waiting)} unsent`) : WORDS[state.connection];
      parts.push(el("span", { id: "connection", class: `said ${waiting && !sending ? "warn" : ""}`, title: state.saving.trouble || null }, el("span", { class: `dot ${state.connection}` }), el("span", { text: word })));
    }
    if (name && review.isNamedHere()) parts.push(el("button", { type: "button", class: "plain who", title: `You decide as ${name}. Press to change it`, on: { click: review.askName } }, el("bdi", { text: name })));
    else if (name) parts.push(el("span", { class: "who", title: `You decide as ${name}` }, el("bdi", { text: name })));
    parts.push(el("button", { type: "button", class: "plain square", "aria-label": "Keys and help", on: { click: review.help } }, icon("help")));
    const held = byId("status").contains(document.activeElement);
    replace(byId("status"), parts);
    if (held) byId("status").querySelector("button").focus();
  }
  function buildWords(build) {
    const limit = (state.board.money || {}).build_limit;
    const spent = build.spent !== undefined && build.spent !== null ? `${money(build.spent)}${limit ? ` of ${money(limit)}` : ""}` : "";
    return [`building ${count(build.made || 0)} of ${count(build.total || 0)}`, spent].filter(Boolean).join(" · ");
  }
  let built = false;
  function drawBuild(build) {
    const holder = byId("progress");
    holder.hidden = !build;
    if (build) {
      const bar = holder.firstChild || holder.appendChild(el("span"));
      holder.setAttribute("role", "progressbar");
      holder.setAttribute("aria-label", "Build");
      holder.setAttribute("aria-valuemax", String(build.total || 0));
      holder.setAttribute("aria-valuenow", String(build.made || 0));
      holder.setAttribute("aria-valuetext", buildWords(build));
      bar.style.transform = `scaleX(${build.total ? Math.min(1, build.made / build.total) : 0})`;
    }
    if (built !== Boolean(build)) review.announce(build ? "A build has begun." : "The build has ended.");
    built = Boolean(build);
    drawStatus();
  }
  function drawNews(lines) {
    const news = byId("news");
    news.textContent = lines.join(" · ");
    news.classList.remove("fresh");
    void news.offsetWidth;
    news.classList.add("fresh");
  }

  /* ---- banners --------------------------------------------------------------------------------------------------- */

  let trouble = null;
  function banner(tone, name, content, buttons) {
    return el("div", { class: `banner ${tone}`, role: tone === "bad" ? "alert" : "status" }, icon(name), el("div", {}, content), buttons);
  }
  /* What is decided and has not come to the server: how much, why, and what becomes of it. */
  function cutOff() {
    const { waiting, trouble: why, sending } = state.saving;
    const many = plural(waiting, "decision");
    const words = (bold, rest, buttons) => banner("warn", "failed", [el("b", { text: bold }), " ", rest], [buttons, waiting ? el("button", { type: "button", id: "download", on: { click: review.download } }, icon("download"), "Download them") : null]);
    const may = state.board && !review.mayDecide();
    if (state.connection === "invalid") {
      const kept = waiting ? `${many} kept in this browser: ${waiting === 1 ? "it is" : "they are"} sent from there.` : may ? "What you decide here is kept in this browser and sent from there." : "";
      return words("This link is no longer valid: the review was started again.", ["Open the link that ", el("code", { text: "imagebuild review" }), ` printed now, in this browser. ${kept}`]);
    }
    if (state.connection === "lost") {
      const kept = waiting ? `${many} kept in this browser and sent when it is back.` : may ? "What you decide is kept in this browser and sent when it is back." : "What is shown may be out of date.";
      return words("The review server does not answer.", kept, el("button", { type: "button", text: "Try now", on: { click: () => review.live.retry() } }));
    }
    return waiting && why && !sending ? words(`${many} not sent yet.`, why) : null;
  }
  function drawBanners() {
    const list = [];
    const faults = state.board ? (state.board.approvals || {}).faults || [] : [];
    if (faults.length) {
      list.push(banner("bad", "failed", [
        el("b", { text: "The approvals file has been damaged or edited. Nothing is decided, and nothing is released, until that is dealt with." }),
        el("ul", {}, faults.map((fault) => el("li", {}, fault.line ? `line ${fault.line}: ` : "", coded(fault.what)))),
        el("p", { class: "dim" }, "See ", el("code", { text: "imagebuild approvals verify" }), " for what to do."),
      ]));
    }
    const cut = cutOff();
    if (cut) list.push(cut);
    if (trouble) list.push(banner("warn", "failed", [el("b", {}, coded(trouble.what)), trouble.hint ? el("p", { class: "dim" }, coded(trouble.hint)) : null], el("button", { type: "button", class: "plain square", "aria-label": "Dismiss", on: { click: () => { trouble = null; drawBanners(); } } }, icon("close"))));
    const stop = state.board && !faults.length && !state.board.export && state.board.you && !state.board.you.decides ? state.board.you.why_not || "You may look, and not decide." : "";
    if (stop) list.push(banner("", "unverified", el("span", {}, coded(stop))));
    if (state.board && state.board.export) list.push(banner("", "download", "This is an export: what you decide stays in this browser until you download it and send it in."));
    replace(byId("banners"), list);
  }

  /* ---- start ----------------------------------------------------------------------------------------------------- */

  function every(events, listener) {
    for (const event of events) on(event, listener);
  }
  on("board", drawTitle);
  every(["board", "faults", "connection", "saving"], () => {
    drawBanners();
    drawStatus();
  });
  on("trouble", (what) => {
    trouble = what;
    drawBanners();
    review.announce(what.what);
  });
  on("board", () => (trouble = null));
  on("build", drawBuild);
  on("news", drawNews);
  on("filter", followTools);
  on("width", () => {
    for (const id of ["arrangement", "sort", "size-label"]) byId(id).remove();
    drawTools();
    if (state.layout) followTools();
  });
  let looked = null; //  the picture last seen large: the focus comes back to it
  on("open", () => {
    if (state.open) looked = state.open;
    else if (!looked || !matrix.focusAddress(looked)) review.select.refocus();
  });

  async function start() {
    drawTools();
    matrix.start();
    try {
      await review.live.start();
    } catch (error) {
      replace(byId("board-root"), el("div", { id: "empty" }, el("h2", { text: "The pictures could not be loaded" }), el("p", { class: "dim", text: error.message }), el("p", {}, el("button", { type: "button", class: "primary", text: "Try again", on: { click: () => location.reload() } }))));
      return;
    }
    const { a } = review.place.read();
    if (a && review.openAsset && state.cells.has(a)) review.openAsset(a);
  }
  start();
})();
