"use strict";
// Canned replies: a "/" at the start of a word in the composer opens a list, which filters as one types.
{
  const MAX_AGE_MILLISECONDS = 10_000;
  const MAX_SHOWN = 50;
  const SLASH = /(?<=^|\s)\/([\p{L}\p{N}_-]*)$/u;

  // The open list: its textarea and elements, the place of the "/", the replies shown, the selected one.
  let list = null;
  // The replies of a conversation, with the beginnings of their texts.
  let loaded = { url: "", at: 0, replies: [] };
  // The place of a "/" whose list was closed by Escape.
  let dismissed = -1;
  // The textarea that waits for the text of a chosen reply.
  let awaiting = null;
  // Variables of inserted replies that must be replaced before a message is sent.
  const unresolved = new Set();
  let isInserting = false;

  const getStatus = (text) => text.form.querySelector(".canned-status");

  function findSlash(text) {
    if (text.selectionStart !== text.selectionEnd) return null;
    const match = SLASH.exec(text.value.slice(0, text.selectionStart));
    return match && { start: match.index, query: match[1].toLowerCase() };
  }

  // --- The list ---

  function update(text) {
    const slash = findSlash(text);
    if (!slash || slash.start !== dismissed) dismissed = -1;
    if (!slash || slash.start === dismissed) return close();
    if (!list) open(text);
    if (list.start === slash.start && list.query === slash.query && list.isShown) return;
    Object.assign(list, slash);
    if (!list.isLoading) show();
  }

  function open(text) {
    const url = text.form.dataset.cannedUrl;
    if (loaded.url !== url) loaded = { url, at: 0, replies: [] };
    list = { text, box: text.form.querySelector(".canned-list"), shown: [], current: 0 };
    list.isLoading = !loaded.at;
    if (Date.now() - loaded.at > MAX_AGE_MILLISECONDS) load(url);
  }

  // Return the JSON, or nothing after a failure.
  async function read(url) {
    const response = await fetch(url).catch(() => null);
    const isRead = response?.ok && !response.redirected;
    return isRead ? response.json().catch(() => null) : null;
  }

  async function load(url) {
    const body = await read(url);
    if (loaded.url !== url) return;
    if (body) loaded = { url, at: Date.now(), replies: body.replies };
    if (!list || list.text.form.dataset.cannedUrl !== url) return;
    const { isLoading, isAwaited, text } = list;
    if (!body && !isLoading) return;
    if (!body) {
      // Not again for each character.
      dismissed = list.start;
      close();
      getStatus(text).textContent = "Canned replies could not be loaded.";
      return;
    }
    const selected = list.shown[list.current]?._id;
    list.isLoading = false;
    show();
    select(Math.max(list.shown.findIndex(({ _id: id }) => id === selected), 0));
    if (isAwaited && list.shown.length) choose(list.current);
  }

  // 0 for the best match.
  function rank({ shortcut, title }, query) {
    const name = title.toLowerCase();
    if (shortcut.startsWith(query)) return 0;
    if (name.split(/\s+/).some((word) => word.startsWith(query))) return 1;
    const isInside = shortcut.includes(query) || name.includes(query);
    return query.length > 1 && isInside ? 2 : 3;
  }

  function show() {
    const { text, box, query } = list;
    list.isShown = true;
    list.shown = loaded.replies
      .map((reply) => ({ reply, rank: rank(reply, query) }))
      .filter((match) => match.rank < 3)
      .sort((a, b) => a.rank - b.rank)
      .slice(0, MAX_SHOWN)
      .map((match) => match.reply);
    const count = list.shown.length;
    box.replaceChildren(...list.shown.map(makeOption));
    box.hidden = !count;
    if (count) {
      text.setAttribute("aria-controls", box.id);
      text.setAttribute("aria-autocomplete", "list");
      text.setAttribute("aria-haspopup", "listbox");
    }
    const plural = count === 1 ? "1 canned reply" : `${count} canned replies`;
    const none = loaded.replies.length || query ? "" : "There are no canned replies yet.";
    getStatus(text).textContent = count ? plural : none;
    select(0);
  }

  function makeOption({ shortcut, title, text }, index) {
    const option = document.createElement("li");
    option.id = `${list.box.id}-${index}`;
    option.role = "option";
    option.append(
      ...[["canned-shortcut", `/${shortcut}`], ["canned-title", title], ["canned-text", text]]
        .flatMap(([name, content]) => {
          const element = document.createElement("span");
          element.className = name;
          element.textContent = content;
          return [element, " "];
        }),
    );
    return option;
  }

  function select(index) {
    const { text, box, shown } = list;
    list.current = shown.length ? (index + shown.length) % shown.length : 0;
    [...box.children].forEach((option, number) => (option.ariaSelected = number === list.current));
    const option = box.children[list.current];
    if (!option) return text.removeAttribute("aria-activedescendant");
    text.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function close() {
    if (!list) return;
    const { text, box } = list;
    list = null;
    box.hidden = true;
    box.replaceChildren();
    getStatus(text).textContent = "";
    for (const name of ["activedescendant", "controls", "autocomplete", "haspopup"]) {
      text.removeAttribute(`aria-${name}`);
    }
  }

  // --- The text ---

  // Replace a part of the text, so that it can be undone.
  function replace(text, start, end, value) {
    const length = text.value.length - (end - start) + value.length;
    text.focus();
    text.setSelectionRange(start, end);
    // A command truncates text above the maximum. The server refuses it instead.
    if (length <= text.maxLength && document.execCommand("insertText", false, value)) return;
    text.setRangeText(value, start, end, "end");
    text.dispatchEvent(new Event("input", { bubbles: true }));
  }

  async function choose(index) {
    const { text, start, query, shown } = list;
    const { url } = loaded;
    close();
    // What is typed meanwhile stays behind the reply.
    dismissed = start;
    awaiting = text;
    const reply = (await read(`${url}?reply=${shown[index]._id}`))?.reply;
    if (awaiting === text) awaiting = null;
    const end = start + 1 + query.length;
    const isThere = text.isConnected && text.value.slice(start, end).toLowerCase() === `/${query}`;
    if (!isThere) return;
    if (!reply) {
      getStatus(text).textContent = "The canned reply could not be loaded.";
      return;
    }
    const caret = text.selectionStart;
    isInserting = true;
    replace(text, start, end, reply.text);
    isInserting = false;
    const moved = caret - end + start + reply.text.length;
    if (caret > end) text.setSelectionRange(moved, moved);
    reply.unresolved.forEach((variable) => unresolved.add(variable));
    selectUnresolved(text, start);
  }

  // Select the first variable after a position. Return it, or nothing if there is none.
  function selectUnresolved(text, from = 0) {
    const found = [...unresolved]
      .map((variable) => ({ variable, at: text.value.indexOf(variable, from) }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.at - b.at)[0];
    if (!found) return "";
    text.focus();
    text.setSelectionRange(found.at, found.at + found.variable.length);
    return found.variable;
  }

  // --- Events ---

  const isText = (element) => element?.matches?.(".composer textarea");

  document.addEventListener("input", ({ target, isComposing }) => {
    if (!isText(target) || isInserting) return;
    if (!list) getStatus(target).textContent = "";
    if (!isComposing) update(target);
  });
  document.addEventListener("compositionend", ({ target }) => isText(target) && update(target));
  document.addEventListener("selectionchange", () => list && update(list.text));

  // Before the keys of the composer.
  document.addEventListener("keydown", (event) => {
    if (!list || event.target !== list.text || event.isComposing) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" && list.isLoading) list.isAwaited = true;
    else if (!list.shown.length) return;
    else if (step) select(list.current + step);
    else if (event.key === "Enter") choose(list.current);
    else if (event.key === "Escape") {
      dismissed = list.start;
      close();
    } else return;
    event.preventDefault();
  }, { capture: true });

  // The composer keeps the focus.
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest?.(".canned-list, .canned-open")) event.preventDefault();
  });
  document.addEventListener("click", ({ target }) => {
    const option = target.closest?.(".canned-list [role=option]");
    if (option && list) return choose([...list.box.children].indexOf(option));
    const text = target.closest?.(".canned-open")?.form.querySelector("textarea");
    if (!text) return;
    if (list) {
      dismissed = list.start;
      return close();
    }
    const end = text.selectionEnd;
    dismissed = -1;
    replace(text, end, end, /(^|\s)$/.test(text.value.slice(0, end)) ? "/" : " /");
  });
  document.addEventListener("focusout", ({ target, relatedTarget }) => {
    if (list?.text !== target) return;
    const isList = list.box === relatedTarget;
    close();
    if (isList) target.focus();
  });

  // A message with a variable is not sent. The server refuses it, too.
  document.addEventListener("submit", (event) => {
    const text = event.target.querySelector("textarea");
    if (!isText(text)) return;
    close();
    if (awaiting === text) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const isReply = event.target.elements.mode.value === "reply";
    const variable = isReply && selectUnresolved(text);
    if (!variable) return;
    event.preventDefault();
    event.stopPropagation();
    getStatus(text).textContent = `Replace ${variable} before you send the message.`;
  }, { capture: true });

  document.addEventListener("htmx:after:swap", () => {
    if (list && !list.text.isConnected) list = null;
  });
}
