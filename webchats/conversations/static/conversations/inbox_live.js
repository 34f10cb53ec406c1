"use strict";
// Live updates of the inbox. Events only say what has changed: inbox.js then fetches the page's part.
// One tab of the browser holds the stream and passes its events to the others.
{
  const POLL_SECONDS = 15;
  const SILENCE_SECONDS = 60; // The server sends something every 25 seconds.
  const MAX_DELAY_SECONDS = 60;
  const TYPING_SECONDS = 6;
  const REFRESH_MILLISECONDS = 400;

  const inbox = () => document.getElementById("inbox");
  const { liveUrl, tokenUrl, userName } = inbox().dataset;
  const name = `webchats-inbox ${liveUrl}`;
  const channel = new BroadcastChannel(name);

  // --- What an event changes on the page ---

  let refreshTimer = 0;
  let lastRefresh = 0;

  function refreshSoon() {
    if (refreshTimer) return;
    const wait = Math.max(0, lastRefresh + REFRESH_MILLISECONDS - Date.now());
    refreshTimer = setTimeout(() => {
      refreshTimer = 0;
      lastRefresh = Date.now();
      inbox().dispatchEvent(new Event("inbox:refresh"));
    }, wait);
  }

  const typingTimers = {};

  function showTyping({ conversation, conversationId, author, authorName }) {
    const id = conversationId ?? conversation;
    if (author === "rep" && authorName === userName) return;
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
  }

  function handle({ type, data }) {
    if (type === "typing") return showTyping(data);
    if (type !== "conversation") return;
    if (data._id) hideTyping(data._id);
    refreshSoon();
  }

  channel.onmessage = (event) => handle(event.data);
  const emit = (type, data = {}) => {
    channel.postMessage({ type, data });
    handle({ type, data });
  };

  // --- The stream ---

  async function readStream(onOpen) {
    if (!tokenUrl) throw new Error("no streams");
    const credential = await fetch(tokenUrl);
    if (!credential.ok || credential.redirected) throw new Error("no token");
    const { token } = await credential.json();
    const silence = new AbortController();
    const watch = () => setTimeout(() => silence.abort(), SILENCE_SECONDS * 1000);
    let watchdog = watch();
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
        watchdog = watch();
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

  // While there is no stream, every tab of the browser fetches the page regularly.
  async function holdStream() {
    let failures = 0;
    for (;;) {
      const poll = setInterval(() => emit("conversation"), POLL_SECONDS * 1000);
      try {
        await readStream(() => {
          clearInterval(poll);
          if (failures) emit("conversation");
          failures = 0;
        });
      } catch {
        failures += 1;
      }
      clearInterval(poll);
      await pause(Math.min(2 ** failures, MAX_DELAY_SECONDS) * 1000 * (0.5 + Math.random() / 2));
      // What happened between two streams was not sent.
      emit("conversation");
    }
  }

  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  if (liveUrl) {
    // Locks exist in secure contexts only.
    if (navigator.locks) navigator.locks.request(name, holdStream);
    else holdStream();
    // Times in the list get older.
    setInterval(() => document.hidden || refreshSoon(), 60_000);
  }

  // --- The user's own typing ---

  let lastTyping = 0;

  document.addEventListener("input", ({ target }) => {
    const form = target.closest(".composer");
    if (!form || target.name !== "text" || form.elements.mode.value !== "reply") return;
    if (Date.now() - lastTyping < 3000) return;
    lastTyping = Date.now();
    const headers = { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
    fetch(form.dataset.typingUrl, { method: "POST", headers }).catch(() => {});
  });
}
