"use strict";
// The service worker of the inbox. It shows the notifications that the server pushes, also while no
// inbox is open, and opens their conversations. It handles no requests of pages.

addEventListener("install", () => skipWaiting());
// A page that it controls can be moved to another conversation.
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("push", (event) => {
  const { title, text: body, conversationId: tag, url } = event.data.json();
  // One for each conversation: a later message replaces the former, with another sound.
  const options = { body, tag, renotify: true, data: { url } };
  event.waitUntil(registration.showNotification(title, options));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openConversation(event.notification.data.url));
});

// In the tab that shows it, else in another tab of the inbox, else in a new one.
async function openConversation(path) {
  const { href } = new URL(path, location.origin);
  const found = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const tabs = found.filter((tab) => tab.url.startsWith(registration.scope));
  const tab = tabs.find(({ url }) => url.split(/[?#]/)[0] === href) ?? tabs[0];
  if (!tab) return clients.openWindow(href);
  const focused = await tab.focus();
  if (focused.url.split(/[?#]/)[0] === href) return focused;
  // It fails in a tab that this worker does not control.
  return focused.navigate(href).catch(() => clients.openWindow(href));
}
