"use strict";
// The board of contacts: moves, the menu, and more cards. Drags and keys send the event "board:move".
{
  const board = document.getElementById("board");
  const dialog = document.getElementById("move-dialog");
  const columns = board.querySelector(".columns");
  const status = document.getElementById("board-status");
  const problem = document.getElementById("board-problem");
  document.documentElement.classList.add("has-script");
  const FAILED = "The contact could not be moved. Check the connection, and try again.";

  const findColumn = (stage) =>
    [...board.querySelectorAll(".column")].find((column) => column.dataset.stage === stage);
  const format = (count) => count.toLocaleString(document.documentElement.lang);
  const getCount = (column) => Number(column.dataset.count);
  const setCount = (column, count) => {
    const link = board.querySelector(`.column-picker [href="#${column.id}"]`);
    column.dataset.count = count;
    for (const element of [column, link]) {
      element.querySelector(".column-count").textContent = format(count);
    }
    // The column of contacts without a stage exists while there are any.
    if (!column.dataset.stage) column.hidden = link.hidden = count === 0;
  };
  const setCounts = (counts) => {
    for (const each of board.querySelectorAll(".column")) {
      if (each.dataset.stage in counts) setCount(each, counts[each.dataset.stage]);
    }
  };
  const parse = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  };
  // The contact seen last comes first. "Show more" stays at the end.
  const place = (card, column) => {
    const list = column.querySelector(".cards");
    const next = [...list.children].find((other) =>
      other !== card && !(other.dataset.seen >= card.dataset.seen));
    list.insertBefore(card, next ?? null);
    card.dataset.stage = column.dataset.stage;
  };
  const showProblem = (text) => {
    problem.hidden = !text;
    problem.textContent = text;
  };

  // --- Moves ---

  const isJson = (response) =>
    (response.headers.get("Content-Type") ?? "").startsWith("application/json");
  // Without a session every page leads to the sign-in. Reloading this one leads back to it then.
  const leave = () => {
    location.reload();
    return new Promise(() => {});
  };
  // Who signs in in another tab makes the token of the form invalid. A new page has another one.
  const renewToken = async (form) => {
    const response = await fetch(location.href);
    const page = parse(await response.text());
    const renewed = page.getElementById("board");
    if (response.redirected || renewed?.dataset.userId !== board.dataset.userId) return leave();
    form.elements.csrfmiddlewaretoken.value =
      page.querySelector("#move-form [name=csrfmiddlewaretoken]").value;
  };
  const post = async (url, from, stage) => {
    const body = new FormData(document.getElementById("move-form"));
    body.set("from", from);
    body.set("stage", stage);
    const response = await fetch(url, { method: "POST", body, headers: { Accept: "application/json" } });
    return response.redirected ? leave() : response;
  };
  const send = async (card, from, stage) => {
    const url = card.querySelector(".move-link").href;
    let response = await post(url, from, stage);
    if (response.status === 403 && !isJson(response)) {
      await renewToken(document.getElementById("move-form"));
      response = await post(url, from, stage);
    }
    if (!isJson(response)) throw new Error(`status ${response.status}`);
    return { isMoved: response.ok, ...(await response.json()) };
  };
  // Show the card in the contact's stage according to the server.
  const show = (card, result) => {
    const focused = card.contains(document.activeElement) ? document.activeElement.className : "";
    const column = result.stage === null ? undefined : findColumn(result.stage);
    setCounts(result.counts);
    if (!column) return card.remove();
    const fresh = parse(result.card).querySelector(".board-card");
    card.replaceWith(fresh);
    place(fresh, column);
    if (focused) fresh.getElementsByClassName(focused)[0].focus();
  };
  const getTotal = (column) => {
    const count = getCount(column);
    return `${column.dataset.name} has ${format(count)} ${count === 1 ? "contact" : "contacts"}.`;
  };

  const moveNow = async (id, stage) => {
    const card = document.getElementById(id);
    const to = findColumn(stage);
    if (!card || !to || card.dataset.stage === stage) return;
    const from = findColumn(card.dataset.stage);
    const hasFocus = card.contains(document.activeElement);
    setCount(from, getCount(from) - 1);
    setCount(to, getCount(to) + 1);
    place(card, to);
    card.classList.add("is-moving");
    // An element that is moved in the document loses the focus.
    if (hasFocus) card.querySelector(".card-name").focus();
    showProblem("");
    try {
      const result = await send(card, from.dataset.stage, stage);
      show(card, result);
      if (result.isMoved) status.textContent = `${result.text} ${getTotal(to)}`;
      else showProblem(result.text);
    } catch {
      card.classList.remove("is-moving");
      setCount(from, getCount(from) + 1);
      setCount(to, getCount(to) - 1);
      place(card, from);
      if (hasFocus) card.querySelector(".card-name").focus();
      showProblem(FAILED);
    }
  };
  // One after the other: each move contains the former position of the card.
  let last = Promise.resolve();
  board.addEventListener("board:move", ({ target, detail }) => {
    last = last.then(() => moveNow(target.id, detail.stage));
  });

  // Changes of others: see board_live.js.
  board.addEventListener("board:changed", ({ detail: { cards, counts } }) => {
    for (const { id, stage, card } of cards) {
      const shown = document.getElementById(`card-${id}`);
      const column = stage === null ? undefined : findColumn(stage);
      if (shown?.matches(".is-moving")) continue;
      if (shown) show(shown, { stage, counts, card });
      else if (column) place(parse(card).querySelector(".board-card"), column);
    }
    setCounts(counts);
  });

  // --- The menu ---

  let chosen = "";
  const openMenu = (card) => {
    chosen = card.id;
    document.getElementById("move-name").textContent = card.dataset.name;
    for (const button of dialog.querySelectorAll("[name=stage]")) {
      const isCurrent = button.value === card.dataset.stage;
      button.toggleAttribute("aria-current", isCurrent);
      if (isCurrent) button.setAttribute("aria-current", "true");
    }
    dialog.showModal();
  };
  board.addEventListener("click", (event) => {
    const link = event.target.closest(".move-link");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openMenu(link.closest(".board-card"));
  });
  dialog?.addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close();
    const card = document.getElementById(chosen);
    const detail = { stage: event.submitter.value };
    card?.dispatchEvent(new CustomEvent("board:move", { bubbles: true, detail }));
  });
  document.getElementById("move-cancel")?.addEventListener("click", () => dialog.close());
  dialog?.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  // --- More cards ---

  board.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-after]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const item = link.parentElement;
    if (item.hasAttribute("aria-busy")) return;
    item.setAttribute("aria-busy", "true");
    const column = link.closest(".column");
    const url = new URL(board.dataset.moreUrl, location);
    url.searchParams.set("stage", column.dataset.stage);
    url.searchParams.set("after", link.dataset.after);
    try {
      const response = await fetch(url);
      if (!response.ok || response.redirected) throw new Error(`status ${response.status}`);
      const content = parse(await response.text());
      const first = content.firstElementChild;
      // A card that was moved here is on the page.
      for (const card of content.querySelectorAll(".board-card")) {
        document.getElementById(card.id)?.remove();
      }
      item.replaceWith(content);
      first?.querySelector("a").focus();
    } catch {
      item.removeAttribute("aria-busy");
      showProblem("The cards could not be loaded. Check the connection, and try again.");
    }
  });

  // --- The filters and the column picker ---

  board.querySelector(".board-filters")?.addEventListener("change", ({ target, currentTarget }) => {
    if (target.matches("select") && !currentTarget.querySelector("[required]")) currentTarget.requestSubmit();
  });
  const picker = board.querySelector(".column-picker");
  picker?.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    event.preventDefault();
    findColumn(link.dataset.stage).scrollIntoView({ inline: "start", block: "nearest" });
  });
  if (columns) {
    const observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const link = picker.querySelector(`[href="#${target.id}"]`);
        if (isIntersecting) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    }, { root: columns, threshold: 0.6 });
    for (const column of columns.children) observer.observe(column);
  }
}
