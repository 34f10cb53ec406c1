"use strict";
// Alerts for messages while nobody looks at the inbox: a dot on the icon, a sound, a notification.
// The tab that holds the stream gives them, so that they come once. Each browser has its own choice.
{
  const SEEN_MILLISECONDS = 6000;
  const RECENT_MILLISECONDS = 60_000; // Also the least time between two alerts of a conversation.

  const find = (selector) => document.querySelector(selector);
  const icon = find("link[rel=icon]");
  const { dot, inboxUrl } = find("#inbox-alerts").dataset;
  const [sound, notify] = [find("#alert-sound"), find("#alert-notify")];
  const problem = find("#alert-problem");

  // --- The icon ---

  const plain = icon.href;
  const showDot = () => (icon.href = /^\(\d/.test(document.title) ? dot : plain);
  showDot();
  new MutationObserver(showDot).observe(find("title"), { childList: true });

  // --- Whether somebody looks at any tab of the inbox ---

  function markSeen() {
    if (!document.hidden) localStorage.setItem("inbox-seen-at", Date.now());
  }

  const isSeen = () =>
    Date.now() - Number(localStorage.getItem("inbox-seen-at")) < SEEN_MILLISECONDS;
  markSeen();
  setInterval(markSeen, SEEN_MILLISECONDS / 3);
  document.addEventListener("visibilitychange", () => {
    // Another visible tab sets it again.
    if (document.hidden) localStorage.removeItem("inbox-seen-at");
    else markSeen();
  });

  // --- Alerts ---

  const alertedAt = {};
  let audio = null;

  // Whether the user has something to do about a conversation.
  function concerns({ _id: id, state, handler, assigneeId, lastMessage, lastMessageAt }) {
    const now = Date.now();
    const isMine = !assigneeId || assigneeId === find("#inbox").dataset.userId;
    const isNew = now - Date.parse(lastMessageAt) < RECENT_MILLISECONDS;
    const isRepeated = now - (alertedAt[id] ?? 0) < RECENT_MILLISECONDS;
    const waits = state === "open" && handler !== "ai" && lastMessage?.author === "visitor";
    return id && waits && isMine && isNew && !isRepeated;
  }

  function play() {
    audio ??= new AudioContext();
    for (const [start, frequency] of [[0, 660], [0.12, 880]]) {
      const [tone, volume] = [new OscillatorNode(audio, { frequency }), new GainNode(audio)];
      const from = audio.currentTime + start;
      volume.gain.setValueAtTime(0.15, from);
      volume.gain.exponentialRampToValueAtTime(0.001, from + 0.25);
      tone.connect(volume).connect(audio.destination);
      tone.start(from);
      tone.stop(from + 0.25);
    }
  }

  function showNotification({ _id: id, contact, lastMessage }) {
    const title = contact.name || contact.email || "A visitor";
    // One for each conversation: a later message replaces the former.
    const shown = new Notification(title, { body: lastMessage.text, tag: id, icon: plain });
    shown.addEventListener("click", () => {
      focus();
      location.assign(`${inboxUrl}${id}/`);
      shown.close();
    });
  }

  document.addEventListener("inbox:event", ({ detail: { type, data } }) => {
    if (type !== "conversation" || isSeen() || !concerns(data)) return;
    alertedAt[data._id] = Date.now();
    if (sound.checked) play();
    // With web push, the service worker shows the same one.
    const isPushed = find("#alert-push")?.checked;
    if (notify.checked && !isPushed && Notification.permission === "granted") showNotification(data);
  });

  // --- The user's choice ---

  const isAllowed = () => "Notification" in window && Notification.permission === "granted";
  sound.checked = localStorage.getItem("inbox-sound") === "on";
  notify.checked = localStorage.getItem("inbox-notify") === "on" && isAllowed();
  sound.addEventListener("change", () => {
    localStorage.setItem("inbox-sound", sound.checked ? "on" : "off");
    // Browsers allow sounds after a click only.
    if (sound.checked) play();
  });
  notify.addEventListener("change", async () => {
    if (notify.checked && "Notification" in window) await Notification.requestPermission();
    const isBlocked = notify.checked && !isAllowed();
    if (isBlocked) notify.checked = false;
    problem.textContent = isBlocked
      ? "The browser blocks notifications of this site. Allow them in the browser's settings."
      : "";
    localStorage.setItem("inbox-notify", notify.checked ? "on" : "off");
  });
}
