"use strict";
// Alerts for messages while the inbox is not visible: a dot on the icon, a sound, a notification.
// The tab that holds the stream gives them, so that they come once. alert_choices.js has the choice.
{
  const SEEN_MILLISECONDS = 6000;
  const RECENT_MILLISECONDS = 60_000; // Also the least time between two alerts of a conversation.

  const find = (selector) => document.querySelector(selector);
  const icon = find("link[rel=icon]");
  const { dot, inboxUrl } = find("#inbox-alerts").dataset;
  const [sound, notify] = [find("#alert-sound"), find("#alert-notify")];

  // --- The icon ---

  const plain = icon.href;
  const showDot = () => (icon.href = /^\(\d/.test(document.title) ? dot : plain);
  showDot();
  new MutationObserver(showDot).observe(find("title"), { childList: true });

  // --- Whether any tab of the inbox is visible ---

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

  // Whether the user has something to do about a conversation.
  function concerns({ _id: id, state, handler, assigneeId, lastMessage, lastMessageAt }) {
    const now = Date.now();
    const isMine = !assigneeId || assigneeId === find("#inbox").dataset.userId;
    const isNew = now - Date.parse(lastMessageAt) < RECENT_MILLISECONDS;
    const isRepeated = now - (alertedAt[id] ?? 0) < RECENT_MILLISECONDS;
    const waits = state === "open" && handler !== "ai" && lastMessage?.author === "visitor";
    return id && waits && isMine && isNew && !isRepeated;
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
    if (sound.checked) document.dispatchEvent(new Event("inbox:sound"));
    // With web push, the service worker shows the same one.
    const isPushed = find("#alert-push")?.checked;
    if (notify.checked && !isPushed && Notification.permission === "granted") showNotification(data);
  });
}
