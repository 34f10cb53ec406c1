// The display of the visitor's conversation, and the messages to and from the loader (embed.js).
//
// The state is the attribute data-state of the page:
// idle, sending, failed, offline, reconnecting, typing, checking (an answer of the AI), waiting,
// joined, closed, disabled, blocked (without storage) or slow (too many messages).
(() => {
  "use strict";
  const MAX_LENGTH = 4000;
  const SHOW_COUNT_FROM = 3800;
  const TYPING_MILLISECONDS = 6000;
  // Messages of one author within this time have one time stamp.
  const GROUP_MILLISECONDS = 300_000;
  const SCROLL_TOLERANCE = 60;
  const ANNOUNCED_STATES = ["failed", "offline", "closed", "disabled", "blocked", "slow", "waiting", "checking"];
  // Before, a message that is being sent looks as if it was sent.
  const SLOW_MILLISECONDS = 1000;
  // While the AI writes, it is announced again.
  const WRITING_MILLISECONDS = 8000;

  const find = (id) => document.getElementById(id);
  const config = JSON.parse(find("config").textContent);
  const words = JSON.parse(find("words").textContent);
  const root = document.documentElement;
  const log = find("log");
  const text = find("text");
  const greeting = find("greeting");
  const typing = find("typing");
  const reply = find("reply");
  const disclosure = find("disclosure");
  const down = find("down");
  const menu = find("menu");
  const options = find("options");
  const send = document.querySelector(".send");

  renderMessageText(greeting, greeting.textContent);
  if (root.classList.contains("preview")) return;

  const word = (key, name) => (words[key] ?? "").replace("{name}", () => name || config.title);
  const element = (name, className, ...children) => {
    const node = document.createElement(name);
    node.className = className;
    node.append(...children);
    return node;
  };

  // --- Announcements: each message once and whole, by a region beside the log ---

  const announcement = find("announcement");
  let announced = [];
  const announce = (line) => {
    if (!line || !isOpen) return;
    if (!announced.length) {
      // A change from an empty text is announced even if the text is the same as before.
      announcement.textContent = "";
      setTimeout(() => {
        announcement.textContent = announced.join("\n");
        announced = [];
      }, 150);
    }
    announced.push(line);
  };

  // --- The log ---

  const locale = navigator.languages.find((tag) => tag.split("-")[0] === root.lang) ?? root.lang;
  // Each is made when it is first needed: that takes longer than the rest of an empty panel.
  const format = (options, made) => (date) =>
    (made ??= new Intl.DateTimeFormat(locale, options)).format(date);
  const timeFormat = format({ timeStyle: "short" });
  const dayFormat = format({ weekday: "long", day: "numeric", month: "long" });
  const fullFormat = format({ dateStyle: "full", timeStyle: "medium" });
  const startOfDay = (date) => new Date(date).setHours(0, 0, 0, 0);
  const dayName = (date) => {
    const days = Math.round((startOfDay(date) - startOfDay(Date.now())) / 864e5);
    const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
    const name = days > -2 ? relative.format(days, "day") : dayFormat(date);
    return name[0].toLocaleUpperCase(locale) + name.slice(1);
  };

  // In the order in which they are shown. `sequence` is Infinity until the message is stored.
  let rows = [];
  // Whether the log stays at its end.
  let follows = true;
  // In a low window the whole page scrolls.
  const isLow = matchMedia("(max-height: 20rem)");
  const scroller = () => (isLow.matches ? root : log);
  const scrollToEnd = () => {
    follows = true;
    scroller().scrollTop = scroller().scrollHeight;
    down.hidden = true;
  };
  const onScroll = () => {
    const { scrollHeight, scrollTop, clientHeight } = scroller();
    follows = scrollHeight - scrollTop - clientHeight < SCROLL_TOLERANCE;
    if (follows) down.hidden = true;
  };
  log.addEventListener("scroll", onScroll);
  addEventListener("scroll", onScroll);
  // The log becomes lower when the composer grows, or a phone's keyboard opens.
  new ResizeObserver(() => follows && scrollToEnd()).observe(log);

  const aiLabel = () => words[client.answeredBy] ?? words.ai;
  const eventText = ({ text, event, authorName }) => text || word("event_" + event, authorName);
  const createRow = (message) => {
    const row = {
      message,
      sequence: message.sequence ?? Infinity,
      date: new Date(message.createdAt),
      // Of an earlier conversation.
      isFormer: false,
      day: element("p", "day"),
    };
    if (message.event) {
      const line = eventText(message);
      row.element = element("div", "row", row.day, element("p", "event", line));
      row.element.hidden = !line;
      return row;
    }
    const isOwn = message.author === "visitor";
    const isAi = message.author === "ai";
    const author = isOwn ? words.you : message.authorName || config.title;
    const name = element("p", isOwn ? "hidden" : "name", author);
    if (isAi) name.append(" · ", (row.label = element("span", "")));
    row.bubble = element("div", isOwn ? "message sent" : "message reply");
    row.bubble.dir = "auto";
    renderMessageText(row.bubble, message.text, isAi ? message.sources : undefined);
    const time = element("time", "", timeFormat(row.date));
    time.dateTime = row.date.toISOString();
    time.title = fullFormat(row.date);
    row.status = element("span", "");
    const stamp = element("p", isOwn ? "stamp sent" : "stamp", time, row.status);
    row.element = element("div", "row", row.day, name, row.bubble, stamp);
    return row;
  };

  const insert = (row) => {
    const next = rows.find((other) => !other.isFormer && other.sequence > row.sequence);
    const following = next?.element ?? reply;
    // Moved only if needed, since that would start its animation again.
    if (row.element.nextSibling !== following) log.insertBefore(row.element, following);
    rows.splice(next ? rows.indexOf(next) : rows.length, 0, row);
  };

  const isGrouped = (row, next) => {
    if (!row || !next || next.date - row.date > GROUP_MILLISECONDS) return false;
    const [a, b] = [row.message, next.message];
    // Each answer of the AI has its label.
    if (a.kind !== b.kind || a.author !== b.author || a.author === "ai") return false;
    return a.author === "visitor" || a.authorName === b.authorName;
  };
  // Set dividers between days, and one name and one time stamp for each group of messages.
  const arrange = () => {
    let day = NaN;
    rows.forEach((row, index) => {
      const own = startOfDay(row.date);
      const isFirst = own !== day;
      row.day.hidden = !isFirst;
      if (isFirst) row.day.textContent = dayName(row.date);
      day = own;
      row.element.classList.toggle("first", isFirst || !isGrouped(rows[index - 1], row));
      row.element.classList.toggle("last", !isGrouped(row, rows[index + 1]));
    });
    if (follows) scrollToEnd();
  };
  // Once for many messages.
  let isArranging = false;
  const arrangeSoon = () => {
    if (isArranging) return;
    isArranging = true;
    queueMicrotask(() => {
      isArranging = false;
      arrange();
    });
  };

  const show = (message) => {
    const isOwn = message.author === "visitor";
    const isSent = (row) => row.sequence === Infinity && row.message.clientKey === message.clientKey;
    const sent = isOwn && rows.find(isSent);
    if (sent) {
      rows = rows.filter((row) => row !== sent);
      Object.assign(sent, { message, sequence: message.sequence });
      renderMessageText(sent.bubble, message.text);
      sent.status.textContent = "";
      sent.element.classList.remove("failed");
    }
    const row = sent || createRow(message);
    insert(row);
    if (isOwn && !message.sequence) follows = true;
    if (!isOwn) {
      showTyping(null);
      down.hidden = follows;
    }
    arrangeSoon();
    return row;
  };

  let typingTimer = 0;
  let typingName = null;
  const showTyping = (name) => {
    clearTimeout(typingTimer);
    if (name === typingName) return;
    typingName = name;
    if (name !== null) typingTimer = setTimeout(showTyping, TYPING_MILLISECONDS, null);
    render();
  };

  // --- The reply that the AI is writing: shown as it grows, and announced once it is complete ---

  let writingTimer = 0;
  let shownReply = "";
  const renderReply = () => {
    const isWriting = client.replyState === "writing";
    const text = client.reply?.text ?? "";
    const name = typingName ?? (isWriting && !text ? config.title : null);
    const isChanged = text !== shownReply || typing.hidden !== (name === null);
    if (text !== shownReply) {
      shownReply = text;
      // Its sources, which alone may be links, are not known yet.
      renderMessageText(reply.lastElementChild, text, []);
      reply.firstElementChild.textContent = `${config.title} · ${aiLabel()}`;
    }
    reply.hidden = !text;
    typing.hidden = name === null;
    typing.lastElementChild.textContent = name === null ? "" : word("isTyping", name);
    if (isChanged && follows) scrollToEnd();
    if (isWriting === Boolean(writingTimer)) return;
    clearInterval(writingTimer);
    writingTimer = 0;
    if (!isWriting) return;
    const announceWriting = () => announce(word("isTyping"));
    writingTimer = setInterval(announceWriting, WRITING_MILLISECONDS);
    announceWriting();
  };
  const renderDisclosure = () => {
    const { handler, answeredBy } = client;
    const line = handler || answeredBy !== "person" ? words["disclosure_" + answeredBy] ?? words.disclosure_ai : "";
    disclosure.hidden = !line || !answeredBy || (handler ?? "ai") !== "ai";
    disclosure.textContent = line;
  };

  // --- The loader: it sends one end of a channel, which no other window can use ---

  let port = null;
  let language = "";
  let isOpen = false;
  let page = {};
  let giveTicket = null;
  const requestTicket = () =>
    new Promise((resolve) => {
      giveTicket = resolve;
      port.postMessage({ ticket: true });
      setTimeout(resolve, 15_000, 0);
    });

  const focus = () => {
    // On a phone the keyboard would cover the messages.
    const target = matchMedia("(pointer: coarse)").matches ? log : text;
    target.focus({ preventScroll: true });
    // An element cannot get the focus before the iframe is rendered.
    if (isOpen && document.activeElement !== target) requestAnimationFrame(focus);
  };
  const open = (message) => {
    isOpen = true;
    page = message.page;
    root.classList.toggle("quiet", message.isQuiet);
    scrollToEnd();
    focus();
    client.setOpen(true);
    render();
  };
  const receive = ({ data }) => {
    if ("ticket" in data) giveTicket?.(data.ticket);
    else if (data.isOpen) open(data);
    else {
      isOpen = false;
      client.setOpen(false);
    }
  };
  // Only the embedding page can send this, and the browser only allows embedding on the allowed
  // domains (frame-ancestors).
  addEventListener("message", (event) => {
    if (port || event.source !== parent || parent === window) return;
    if (event.data?.webchat !== config._id || !event.ports[0]) return;
    port = event.ports[0];
    root.dir = event.data.dir === "rtl" ? "rtl" : "ltr";
    // The configured text is in the language of the embedding page.
    language = String(event.data.lang || "");
    const configured = document.querySelectorAll("h1, .status, #greeting");
    if (language) for (const node of configured) node.lang = language;
    port.onmessage = receive;
    port.postMessage({ ready: true });
    client.start();
  });

  // --- The state ---

  const client = createChatClient({
    id: config._id,
    base: location.pathname.replace(/\/widget\/[^/]*$/, ""),
    requestTicket,
    page: () => page,
    on: {
      change: () => render(),
      typing: (name) => showTyping(name),
      reset: () => {
        survey?.reset();
        for (const row of rows) if (row.sequence < Infinity) row.isFormer = true;
      },
      message: (message) => {
        const { bubble } = show(message);
        if (message.author === "visitor" || !client.hasLoaded) return;
        // The thanks have the focus.
        if (message.event === "rated") return;
        // As it is shown, without the marks of Markdown.
        announce(bubble ? `${message.authorName || config.title}: ${bubble.innerText}` : eventText(message));
      },
    },
  });

  // Downloaded once there is a conversation, so that it appears at once when that closes.
  let survey = null;
  let surveyScript = null;
  const requestSurvey = () => {
    const onShow = (question) => {
      announce(question);
      if (follows) scrollToEnd();
    };
    const add = async () => {
      survey = await createSurvey({ client, config, words, language, onShow, onHide: focus });
      render();
    };
    // The next change of the state requests it again.
    const fail = () => (surveyScript = null);
    surveyScript = document.createElement("script");
    surveyScript.src = root.dataset.survey;
    surveyScript.onload = () => add().catch(fail);
    surveyScript.onerror = fail;
    root.append(surveyScript);
  };

  const currentState = () => {
    if (client.isDisabled) return "disabled";
    if (!navigator.onLine) return "offline";
    if (client.slowUntil) return "slow";
    if (client.failed.length) return "failed";
    if (!client.isConnected) return "reconnecting";
    if (client.queue.length) return "sending";
    if (client.state === "closed") return "closed";
    if (!typing.hidden) return "typing";
    if (client.state && !client.hasStorage && client.handler !== "rep") return "blocked";
    if (client.replyState === "checking") return "checking";
    if (client.handler === "waiting") return "waiting";
    if (client.handler === "rep") return "joined";
    return "idle";
  };

  let sentUnread = 0;
  let isRemembered = false;
  const render = () => {
    renderReply();
    renderDisclosure();
    const state = currentState();
    const notice = find("notice");
    const line = state === "typing" ? "" : word(state, client.name);
    if (root.dataset.state !== state) {
      root.dataset.state = state;
      if (ANNOUNCED_STATES.includes(state)) announce(line);
    }
    if (client.state && config.isSurveyEnabled && !surveyScript) requestSurvey();
    survey?.render();
    const isHidden = !line || state === "sending";
    notice.hidden = isHidden;
    if (!isHidden) notice.firstElementChild.textContent = line;
    find("retry").hidden = state !== "failed";
    find("human").hidden = client.handler !== "ai" || client.state !== "open" || client.isDisabled;
    options.hidden = !client.state;
    find("end").hidden = client.state !== "open";
    for (const row of rows) {
      // Messages may arrive before their author is known.
      if (row.label) row.label.textContent = aiLabel() + (row.message.isApproved ? words.approved : "");
      if (row.sequence < Infinity || !row.status) continue;
      const hasFailed = client.failed.includes(row.message);
      row.element.classList.toggle("failed", hasFailed);
      const isSlow = Date.now() - row.date > SLOW_MILLISECONDS;
      row.status.textContent = hasFailed ? " · " + words.notSent : isSlow ? " · " + words.sending : "";
    }
    text.readOnly = client.isDisabled;
    updateComposer();
    if (isOpen) client.read();
    const unread = isOpen ? 0 : client.unread;
    if (port && sentUnread !== unread) port.postMessage({ unread: (sentUnread = unread) });
    const until = isRemembered ? 0 : client.rememberedUntil();
    if (port && until) port.postMessage({ until });
    isRemembered ||= Boolean(until);
  };

  // --- The composer ---

  // The service refuses text that is not well-formed.
  const written = () => (text.value.toWellFormed?.() ?? text.value).replaceAll("\0", "").trim();
  const updateComposer = () => {
    const characters = [...written()].length;
    const count = find("count");
    count.hidden = characters < SHOW_COUNT_FROM;
    count.textContent = count.hidden
      ? ""
      : [characters, MAX_LENGTH].map((number) => number.toLocaleString(locale)).join(" / ");
    count.classList.toggle("over", characters > MAX_LENGTH);
    text.ariaInvalid = characters > MAX_LENGTH;
    send.disabled = !characters || characters > MAX_LENGTH || client.isDisabled;
  };
  const grow = () => {
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight + 2}px`;
  };
  addEventListener("resize", grow);
  text.addEventListener("input", () => {
    grow();
    updateComposer();
    if (text.value) client.typing();
  });
  text.addEventListener("keydown", (event) => {
    // 229: Safari ends the composition before the Enter key that confirmed it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (!send.disabled) find("composer").requestSubmit(send);
  });
  find("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    if (send.disabled) return;
    const message = client.send(written());
    text.value = "";
    grow();
    text.focus();
    show(message);
    render();
    setTimeout(render, SLOW_MILLISECONDS + 50);
  });
  // The keyboard of a phone stays open.
  send.addEventListener("mousedown", (event) => event.preventDefault());

  // --- The buttons ---

  const attempt = (action) =>
    action().catch(() => {
      find("notice").hidden = false;
      find("notice").firstElementChild.textContent = words.error;
      announce(words.error);
    });
  const showMenu = (isShown) => {
    menu.hidden = !isShown;
    options.ariaExpanded = isShown;
  };
  const buttons = {
    close: () => port?.postMessage({ close: true }),
    options: () => showMenu(menu.hidden),
    retry: () => {
      client.retry();
      text.focus();
    },
    down: () => {
      scrollToEnd();
      text.focus();
    },
    human: () => attempt(client.human),
    end: () => attempt(client.close),
    transcript: () =>
      attempt(async () => {
        const link = document.createElement("a");
        link.href = URL.createObjectURL(await client.transcript());
        link.download = `${config.title}.txt`;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      }),
  };
  addEventListener("click", (event) => {
    const { id } = event.target.closest("button") ?? {};
    if (id !== "options" && !menu.hidden) {
      if (menu.contains(document.activeElement)) options.focus();
      showMenu(false);
    }
    buttons[id]?.();
  });
  addEventListener("keydown", (event) => {
    root.classList.remove("quiet");
    if (event.key !== "Escape" || event.isComposing) return;
    if (menu.hidden) return buttons.close();
    showMenu(false);
    options.focus();
  });
  for (const name of ["online", "offline"]) addEventListener(name, () => render());
  document.addEventListener("visibilitychange", () => {
    // The day may have changed.
    arrangeSoon();
    render();
  });
  render();
})();
