"use strict";
// Live updates of the inbox. Events only name the change: inbox.js then fetches the page's part.
// One tab of the browser holds the stream and passes its events to the others.
{
  const POLL_SECONDS = 15;
  const SILENCE_SECONDS = 60; // The server sends something every 25 seconds.
  const SHORT_SECONDS = 5; // A stream that ends so soon counts as a failure.
  const TYPING_SECONDS = 6;
  // The minimum time between two requests for the page, by kind of change.
  const THREAD_MILLISECONDS = 400;
  const LIST_MILLISECONDS = 2000;
  const HIDDEN_MILLISECONDS = 10_000;
  // A slow server gets fewer: the pause is this many times as long as the last request took.
  const PAUSE_FACTOR = 10;
  const MAX_PAUSE_MILLISECONDS = 4000;

  const { liveUrl, tokenUrl } = document.getElementById("inbox").dataset;
  const name = `webchats-inbox ${liveUrl}`;
  const channel = new BroadcastChannel(name);

  // --- What an event changes on the page ---

  let timer = 0;
  let due = 0;
  let lastRefresh = 0;
  let duration = 0;
  // Whether only the list has to be fetched.
  let isList = true;

  // Fetch the page, or its list, now or a while after the last time.
  function refresh(interval, ofList = false) {
    isList &&= ofList;
    const pause = Math.min(duration * PAUSE_FACTOR, MAX_PAUSE_MILLISECONDS);
    const moment = Math.max(Date.now(), lastRefresh + Math.max(interval, pause));
    if (timer && due <= moment) return;
    clearTimeout(timer);
    due = moment;
    timer = setTimeout(() => {
      timer = 0;
      lastRefresh = Date.now();
      document.dispatchEvent(new CustomEvent("inbox:changed", { detail: { isList } }));
      isList = true;
    }, moment - Date.now());
  }

  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    const isRefresh = ["inbox", "inbox-list"].includes(ctx.sourceElement.id);
    if (isRefresh) duration = Date.now() - lastRefresh;
  });

  // Other conversations change the list only. What the thread shows already is less urgent.
  function refreshFor(id, version) {
    const thread = document.querySelector(".thread[data-conversation]");
    const isOpen = !id || thread?.dataset.conversation === id;
    const isShown = isOpen && version && version <= Date.parse(thread.dataset.updated);
    if (document.hidden) refresh(HIDDEN_MILLISECONDS, !isOpen);
    else refresh(isOpen && !isShown ? THREAD_MILLISECONDS : LIST_MILLISECONDS, !isOpen);
  }

  const typingTimers = {};

  function showTyping({ conversationId: id, authorName }) {
    const line = document.getElementById(`typing-${id}`);
    const row = document.getElementById(`row-${id}`);
    if (line) line.textContent = `${authorName || "The visitor"} is typing…`;
    row?.classList.add("is-typing");
    clearTimeout(typingTimers[id]);
    typingTimers[id] = setTimeout(() => hideTyping(id), TYPING_SECONDS * 1000);
  }

  function hideTyping(id) {
    const line = document.getElementById(`typing-${id}`);
    if (line) line.textContent = "";
    document.getElementById(`row-${id}`)?.classList.remove("is-typing");
    clearTimeout(typingTimers[id]);
    delete typingTimers[id];
  }

  // The last message of each conversation. Other changes do not end typing.
  const lastSequences = {};

  function receiveMessages({ _id: id, lastSequence }) {
    if (id && lastSequences[id] !== lastSequence) hideTyping(id);
    lastSequences[id] = lastSequence;
  }

  // The conversations whose visitors have the widget open.
  const online = new Set();

  function showPresence() {
    for (const element of document.querySelectorAll("[data-presence]")) {
      element.hidden = !online.has(element.dataset.presence);
    }
  }

  function handle({ type, data }) {
    // Of a representative: see inbox_presence.js.
    if (data.userId) {
      return document.dispatchEvent(new CustomEvent("inbox:team", { detail: { type, data } }));
    }
    if (type === "typing") return showTyping(data);
    if (type === "presence") {
      if (!data.conversationId) return;
      online[data.isOnline ? "add" : "delete"](data.conversationId);
      return showPresence();
    }
    if (type === "draft") return refreshFor(data.conversationId);
    if (type !== "conversation") return;
    receiveMessages(data);
    refreshFor(data._id, Date.parse(data.updatedAt));
  }

  // A new tab asks the tab with the stream for the people who are present.
  channel.onmessage = ({ data: message }) => {
    if (message.type !== "hello") return handle(message);
    for (const id of hasStream ? online : []) {
      channel.postMessage({ type: "presence", data: { conversationId: id, isOnline: true } });
    }
  };
  const emit = (type, data = {}) => {
    channel.postMessage({ type, data });
    handle({ type, data });
    document.dispatchEvent(new CustomEvent("inbox:event", { detail: { type, data } }));
  };

  document.addEventListener("htmx:after:swap", () => {
    showPresence();
    // An update replaces the classes of the rows.
    for (const id of Object.keys(typingTimers)) {
      document.getElementById(`row-${id}`)?.classList.add("is-typing");
    }
  });

  // --- The stream ---

  // Whether this tab holds the stream.
  let hasStream = false;

  async function readStream(onOpen) {
    const credential = await fetch(tokenUrl);
    if (!credential.ok || credential.redirected) throw new Error("no token");
    const { token } = await credential.json();
    const silence = new AbortController();
    const watch = (seconds) => setTimeout(() => silence.abort(), seconds * 1000);
    let watchdog = watch(POLL_SECONDS);
    try {
      const headers = { Authorization: `Bearer ${token}` };
      const response = await fetch(liveUrl, { headers, signal: silence.signal });
      if (!response.ok) throw new Error(`status ${response.status}`);
      onOpen();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(watchdog);
        watchdog = watch(SILENCE_SECONDS);
        // Timers of a hidden tab are too slow for heartbeats.
        document.dispatchEvent(new Event("inbox:alive"));
        const blocks = (text + value).split("\n\n");
        text = blocks.pop();
        blocks.forEach(parseEvent);
      }
    } finally {
      clearTimeout(watchdog);
    }
  }

  function parseEvent(block) {
    const type = /^event: ?(.+)$/m.exec(block)?.[1];
    const data = /^data: ?(.+)$/m.exec(block)?.[1];
    if (type && data) emit(type, JSON.parse(data));
  }

  // Without a stream, every tab of the browser fetches the page after each attempt.
  async function holdStream() {
    hasStream = true;
    let failures = 0;
    for (;;) {
      const start = Date.now();
      // What has happened since the page was rendered was not sent.
      await readStream(() => emit("conversation")).catch(() => {});
      failures = Date.now() - start < SHORT_SECONDS * 1000 ? failures + 1 : 0;
      for (const id of [...online]) emit("presence", { conversationId: id, isOnline: false });
      const seconds = Math.min(2 ** failures, POLL_SECONDS) * (0.5 + Math.random() / 2);
      await Promise.race([pause(seconds), backOnline()]);
      if (failures) emit("conversation");
    }
  }

  const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const backOnline = () =>
    new Promise((resolve) => addEventListener("online", resolve, { once: true }));

  if (liveUrl) {
    channel.postMessage({ type: "hello" });
    // Locks exist in secure contexts only.
    if (navigator.locks) navigator.locks.request(name, holdStream);
    else holdStream();
    // Times in the list get older.
    setInterval(() => document.hidden || refresh(0), 60_000);
  }
}
