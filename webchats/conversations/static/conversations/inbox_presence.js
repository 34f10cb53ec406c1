"use strict";
// The team members who view a conversation or write in it: heartbeats of this tab, and what
// colleagues' heartbeats change on the page.
{
  const TYPING_MILLISECONDS = 6000;
  const REPORT_MILLISECONDS = 3000; // Between two reports that the user is typing.
  const { presenceUrl, heartbeatSeconds, userId } = document.getElementById("inbox").dataset;

  // --- Colleagues ---

  // Users by conversation and id, with the time until which they type.
  const teams = new Map();
  const names = new Intl.ListFormat("en");

  // The page has the people who were present when it was rendered. List updates keep the thread's.
  function readPage(part = document) {
    for (const { dataset } of part.querySelectorAll("[data-team]")) {
      const until = Date.now() + TYPING_MILLISECONDS;
      const reps = dataset.present ? JSON.parse(dataset.present) : [];
      teams.set(dataset.team, new Map(reps.map(({ userId: id, name, isTyping }) =>
        [id, { name, typingUntil: isTyping ? until : 0 }])));
    }
    if (teams.size) setTimeout(draw, TYPING_MILLISECONDS + 50);
    draw();
  }

  function describe(team) {
    const others = [...team ?? []].filter(([id]) => id !== userId).map(([, rep]) => rep);
    const typing = others.filter(({ typingUntil }) => typingUntil > Date.now());
    const shown = typing.length ? typing : others;
    if (!shown.length) return "";
    const verb = shown.length > 1 ? "are" : "is";
    return `${names.format(shown.map(({ name }) => name))} ${verb} ${typing.length ? "replying…" : "here"}`;
  }

  function draw() {
    for (const element of document.querySelectorAll("[data-team]")) {
      const text = describe(teams.get(element.dataset.team));
      if (element.textContent !== text) element.textContent = text;
    }
  }

  document.addEventListener("inbox:team", ({ detail: { type, data } }) => {
    const { conversationId, userId: id, name, authorName, isOnline } = data;
    if (!conversationId) return;
    if (!teams.has(conversationId)) teams.set(conversationId, new Map());
    const team = teams.get(conversationId);
    if (type === "typing") {
      team.set(id, { name: authorName, typingUntil: Date.now() + TYPING_MILLISECONDS });
      setTimeout(draw, TYPING_MILLISECONDS + 50);
    } else if (isOnline) {
      team.set(id, { name, typingUntil: team.get(id)?.typingUntil ?? 0 });
    } else {
      team.delete(id);
    }
    draw();
  });

  // --- The user's own heartbeats ---

  const getThread = () => document.querySelector(".thread[data-presence-url]");
  // The conversation that colleagues see the user look at.
  let reported = "";
  let lastBeat = 0;
  let lastTyping = 0;

  function post(url, values = {}) {
    return postForm(url, new URLSearchParams(values), { keepalive: true }).catch(() => null);
  }

  // Who sees the inbox in a tab gets no notifications on other devices.
  function beat(tab = document.hidden ? "hidden" : "") {
    const url = document.hidden ? "" : getThread()?.dataset.presenceUrl ?? "";
    if (reported && reported !== url) post(reported, { left: "on" });
    reported = url;
    lastBeat = Date.now();
    const isTyping = url && Date.now() - lastTyping < TYPING_MILLISECONDS;
    post(url || presenceUrl, { tab, ...isTyping && { typing: "on" } })
      .then((response) => checkWebchat(url, response));
  }

  // The composer says whether the visitor can see a reply. No event reports that this has changed.
  function checkWebchat(url, response) {
    const isEnabled = response?.headers.get("Webchat-Enabled");
    const { presenceUrl: shown, webchatEnabled } = getThread()?.dataset ?? {};
    if (!isEnabled || url !== shown || isEnabled === webchatEnabled) return;
    document.dispatchEvent(new CustomEvent("inbox:changed"));
  }

  function beatIfDue() {
    if (Date.now() - lastBeat > heartbeatSeconds * 900) beat();
  }

  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    readPage(ctx.sourceElement.id === "inbox-list" ? document.getElementById("inbox-list") : document);
    if (presenceUrl && reported !== (getThread()?.dataset.presenceUrl ?? "") && !document.hidden) beat();
  });
  if (presenceUrl) {
    document.addEventListener("inbox:alive", beatIfDue);
    document.addEventListener("visibilitychange", () => beat(document.hidden ? "was_hidden" : ""));
    addEventListener("pageshow", () => beat());
    addEventListener("pagehide", () => {
      if (reported) post(reported, { left: "on" });
      reported = "";
    });
    setInterval(beatIfDue, heartbeatSeconds * 1000);
  }
  addEventListener("DOMContentLoaded", () => readPage());

  // Visitors see that a reply is being written, colleagues also that a note is.
  document.addEventListener("input", ({ target }) => {
    const form = target.closest(".composer");
    if (!form || target.name !== "text" || Date.now() - lastTyping < REPORT_MILLISECONDS) return;
    lastTyping = Date.now();
    if (form.elements.mode.value === "reply") post(form.dataset.typingUrl);
    else post(getThread().dataset.presenceUrl, { typing: "on" });
  });
  // Before the text is sent, which ends typing.
  document.addEventListener("submit", ({ target }) => {
    if (target.matches(".composer")) lastTyping = 0;
  }, true);
}
