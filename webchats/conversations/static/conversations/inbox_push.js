"use strict";
// Web push: notifications on this device while no inbox is open. push_worker.js shows them.
{
  const form = document.querySelector("#push");
  const box = document.querySelector("#alert-push");
  const problem = document.querySelector("#push-problem");
  const list = document.querySelector("#push-devices");
  const { key, url, workerUrl } = form.dataset;
  const isSupported = Boolean(navigator.serviceWorker && window.PushManager && window.Notification);

  // --- The server ---

  async function request(path, values) {
    const response = await (values ? postForm(path, new URLSearchParams(values)) : fetch(path));
    if (response.redirected) throw new Error("Your session has ended. Reload the page.");
    if (response.status === 204) return null;
    const content = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(content.error ?? "The server did not accept it. Try again.");
    return content;
  }

  const remove = (id) => request(`${url}${id}/remove/`, {});

  // --- The subscription of this browser ---

  // The id by which the server has the subscription, and the subscription's endpoint.
  const getStored = () => JSON.parse(localStorage.getItem("inbox-push") ?? "null");

  const encode = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

  async function getSubscription() {
    const registration = isSupported && await navigator.serviceWorker.getRegistration(workerUrl);
    const subscription = await registration?.pushManager?.getSubscription();
    // The operator may have another key now.
    const isValid = subscription && encode(subscription.options.applicationServerKey) === key;
    return isValid ? subscription : null;
  }

  async function save(subscription) {
    const { endpoint, keys: { p256dh, auth } } = subscription.toJSON();
    const { id } = await request(url, { endpoint, p256dh, auth });
    localStorage.setItem("inbox-push", JSON.stringify({ id, endpoint }));
  }

  async function turnOn() {
    if (await Notification.requestPermission() !== "granted") {
      throw new Error(
        "The browser blocks notifications of this site. Allow them in the browser's settings.");
    }
    const registration = await navigator.serviceWorker.register(workerUrl);
    await navigator.serviceWorker.ready;
    // A subscription with another key would be refused.
    await (await registration.pushManager.getSubscription())?.unsubscribe();
    const options = { userVisibleOnly: true, applicationServerKey: key };
    const subscription = await registration.pushManager.subscribe(options).catch(() => {
      throw new Error("The browser's push service cannot be reached. Try again later.");
    });
    await save(subscription);
  }

  async function turnOff() {
    const stored = getStored();
    localStorage.removeItem("inbox-push");
    await (await getSubscription())?.unsubscribe();
    if (stored) await remove(stored.id);
  }

  // --- The list ---

  const formatTime = (time) =>
    new Date(time).toLocaleString("en-US", { dateStyle: "medium", timeStyle: "short" });

  function draw(devices, ownId) {
    list.replaceChildren(...devices.map(({ id, name, lastSuccessAt }) => {
      const [item, text, button] = ["li", "span", "button"].map((tag) => document.createElement(tag));
      const last = lastSuccessAt ? `, last notified ${formatTime(lastSuccessAt)}` : "";
      text.textContent = `${name}${id === ownId ? " (this device)" : ""}${last}`;
      button.type = "button";
      button.textContent = "Remove";
      button.setAttribute("aria-label", `Remove ${name}`);
      button.addEventListener("click", () =>
        run(() => (id === ownId ? turnOff() : remove(id))));
      item.append(text, button);
      return item;
    }));
  }

  async function update() {
    const subscription = await getSubscription();
    const stored = subscription && getStored();
    // The browser has renewed the subscription.
    if (stored && stored.endpoint !== subscription.endpoint) await save(subscription);
    const { devices } = await request(url);
    // Somebody else may have added the browser, and another device may have removed it.
    const own = stored && devices.find(({ id }) => id === getStored().id);
    box.checked = Boolean(own);
    draw(devices, own?.id);
  }

  async function run(action) {
    box.disabled = true;
    problem.textContent = "";
    try {
      await action();
    } catch (error) {
      problem.textContent = error.message;
    }
    await update().catch((error) => (problem.textContent = error.message));
    box.disabled = !isSupported;
  }

  box.addEventListener("change", () => run(box.checked ? turnOn : turnOff));
  document.querySelector("#inbox-alerts").addEventListener("beforetoggle", ({ newState }) => {
    if (newState === "open") run(() => {});
  });
  if (!isSupported) {
    document.querySelector("#push-hint").textContent =
      "This needs a browser with web push, and HTTPS or localhost.";
  } else if (getStored()) {
    update().catch(() => {}).finally(() => (box.disabled = false));
  }
}
