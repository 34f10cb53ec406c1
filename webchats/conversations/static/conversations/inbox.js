"use strict";
// Keys, drafts, marks as read and message texts of the inbox. Without it, links and forms work, too.
{
  const root = document.documentElement;
  const find = (selector) => document.querySelector(selector);
  const getThread = () => find(".thread[data-conversation]");
  const getText = () => find(".composer textarea");
  const isTouch = () => matchMedia("(pointer: coarse)").matches;
  const showProblem = (text) => (find("#inbox-problem").textContent = text);
  // Whether the problem is that of a message. It stays until the message is sent again.
  let isUnsent = false;

  // --- Updates of the page ---

  // An update is the request of the page, or of its list, as it is. While a click or a form changes
  // the page, it waits, so that it does not bring the former page back.
  const [PAGE, LIST] = ["#inbox", "#inbox-list"];
  const MAX_RETRY_SECONDS = 10;
  let pending = 0;
  let stale = ""; // What waits.

  // Whether the server has refused the last update, and none since.
  let isRefused = false;

  function retry(response) {
    isRefused = true;
    const seconds = Number(response.headers.get("Retry-After")) || 1;
    setTimeout(() => refresh(PAGE), Math.min(seconds, MAX_RETRY_SECONDS) * 1000);
  }

  function refresh(part) {
    stale = pending > 0 ? (stale === PAGE ? PAGE : part) : "";
    if (!pending) find(part)?.dispatchEvent(new Event("inbox:refresh"));
  }

  document.addEventListener("inbox:changed", ({ detail }) => refresh(detail?.isList ? LIST : PAGE));
  document.addEventListener("htmx:before:request", () => (pending += 1));
  document.addEventListener("htmx:finally:request", () => {
    pending -= 1;
    // A queued request starts after this event.
    setTimeout(() => stale && refresh(stale));
  });

  // --- After each change of the page ---

  // Text and its kind stay in the tab until the server has them: see inbox_unsent.js. Then the page
  // comes with them. A note must not become a reply.
  const draftKey = (conversation) => `inbox-draft-${conversation}`;
  const readDraft = (conversation) => JSON.parse(sessionStorage.getItem(draftKey(conversation)));
  const storeDraft = (conversation, draft) =>
    sessionStorage.setItem(draftKey(conversation), JSON.stringify(draft));
  function showMode(mode) {
    const button = find(`.composer [name=mode][value=${mode}]`);
    // Without its webchat, a conversation has notes only.
    if (button) button.checked = true;
  }
  const shown = new WeakSet();
  const READ_MILLISECONDS = 2000; // Between two marks as read.
  const PENDING_MILLISECONDS = 100;
  let lastRead = "";
  let readAt = 0;
  let readTimer = 0;

  function update() {
    isRefused = false;
    if (!isUnsent) showProblem("");
    for (const element of document.querySelectorAll("[data-message-text]:not(.is-drawn)")) {
      const { sources } = element.dataset;
      renderMessageText(element, element.textContent, sources && JSON.parse(sources));
      element.classList.add("is-drawn");
    }
    const thread = getThread();
    if (!thread) return;
    const text = getText();
    if (!shown.has(text)) {
      const draft = readDraft(thread.dataset.conversation);
      text.value = draft?.text ?? text.value;
      showMode(draft?.mode ?? find(".composer [name=mode][checked]").value);
    }
    shown.add(text);
    const problem = find(".composer > .refused");
    // A reply is refused if another person has answered since the user began to write it.
    if (!text.value || problem) find(".composer [name=after]").value = thread.dataset.last;
    showRefusal(thread.dataset.conversation, problem);
    markRead(thread);
  }

  // Why a message was not sent stays until it is sent again.
  let refused = null;

  function showRefusal(conversation, problem) {
    if (problem) refused = { conversation, problem };
    const place = find(".refusal");
    if (refused?.conversation === conversation && !place.contains(refused.problem)) {
      place.replaceChildren(refused.problem);
    }
    // Not while the user writes the next message.
    if (problem && !getText().value) problem.focus();
  }

  const focusThread = () => (isTouch() ? find("#thread-title") : getText()).focus();

  function markRead(thread) {
    const position = `${thread.dataset.conversation} ${thread.dataset.last}`;
    const form = thread.querySelector("form.read");
    if (!form || document.hidden || lastRead === position) return;
    // The response to a form of the former page would close the page that a pending request opens.
    const pause = pending ? PENDING_MILLISECONDS : readAt + READ_MILLISECONDS - Date.now();
    clearTimeout(readTimer);
    if (pause > 0) {
      readTimer = setTimeout(() => getThread() && markRead(getThread()), pause);
      return;
    }
    lastRead = position;
    readAt = Date.now();
    form.requestSubmit();
  }

  // The conversation whose thread is open, or was until now.
  let opened = "";

  function moveFocus({ sourceElement: source, request }) {
    const thread = getThread();
    const former = opened;
    opened = thread?.dataset.conversation ?? "";
    const isOpened = source.matches?.(".row, .earlier a, .contact-button, .contact-back");
    if (!isOpened && document.activeElement !== document.body) return;
    if (!thread) return document.getElementById(`row-${former}`)?.focus({ preventScroll: true });
    if (source.matches?.(".contact-button")) return find("#contact-title").focus();
    const isClosed = request.action.includes("/close/");
    if (isClosed || source.matches?.(".contact-back")) find("#thread-title").focus();
    else focusThread();
  }

  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    update();
    moveFocus(ctx);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh(PAGE);
  });

  // --- Requests ---

  const KEPT = "What you have typed is kept. Try again, or reload the page.";
  const isInbox = (ctx) => /id="(inbox|inbox-list|edit-contact-\w+)"/.test(ctx.text ?? "");

  // A step in the history keeps the state that both pages have, such as the scroll position.
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    if (ctx.request.headers["HX-History-Restore-Request"]) ctx.swap = "outerMorph";
  });

  // The composer is empty at once, so that the next message can be written. A message that was not
  // sent comes back. Sent again unchanged it has the same key, so that it is not stored twice.
  let unsent = {};

  function removeRefusal() {
    refused = null;
    if (find(".refusal").contains(document.activeElement)) focusThread();
    find(".refusal").replaceChildren();
  }

  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    // Why a draft was not sent is shown there, too.
    if (ctx.sourceElement.closest?.(".draft")) removeRefusal();
    if (!ctx.sourceElement.matches?.(".composer")) return;
    const text = getText();
    const key = unsent.text === text.value ? unsent.key : crypto.randomUUID();
    const { conversation } = getThread().dataset;
    ctx.message = { text: text.value, mode: ctx.request.body.get("mode"), key, conversation };
    ctx.request.body.set("client_key", key);
    text.value = "";
    showMode("reply");
    removeRefusal();
    isUnsent = false;
    sessionStorage.removeItem(draftKey(conversation));
  });

  function restore({ text, mode, key, conversation }) {
    unsent = { text, key };
    const later = readDraft(conversation);
    const isNote = [mode, later?.mode].includes("note");
    const draft = { text: later ? `${text}\n${later.text}` : text, mode: isNote ? "note" : "reply" };
    storeDraft(conversation, draft);
    if (getThread()?.dataset.conversation !== conversation) return;
    getText().value = draft.text;
    showMode(draft.mode);
  }

  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    const isSent = ctx.response?.raw.ok && isInbox(ctx);
    isUnsent ||= Boolean(ctx.message) && !isInbox(ctx);
    if (ctx.message && !isSent) restore(ctx.message);
    else if (ctx.message?.key === unsent.key) unsent = {};
  });
  // An error page, or the sign-in page after the end of the session, must not replace the inbox.
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx } = event.detail;
    if (isInbox(ctx)) return;
    event.preventDefault();
    const { raw } = ctx.response;
    const isUpdate = [PAGE, LIST].includes(`#${ctx.sourceElement.id}`);
    if (raw.redirected) location.reload();
    else if (raw.status === 503 && isUpdate && !isRefused) retry(raw);
    else if (ctx.message) showProblem(`Your message was not sent. ${KEPT}`);
    else showProblem(`The inbox could not be updated. ${KEPT}`);
  });
  document.addEventListener("htmx:error", () =>
    showProblem("No connection. What you have typed is kept."));

  // --- Keys ---

  // The conversation may not be in the list any more, and a phone does not show the list.
  function leaveText() {
    const row = find(".row[aria-current]");
    (row?.checkVisibility() ? row : find("#thread-title")).focus();
  }

  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.isComposing || event.defaultPrevented) return;
    if (target.matches(".composer textarea")) {
      const sends = event.ctrlKey || event.metaKey || !(event.shiftKey || isTouch());
      if (key === "Enter" && sends) {
        event.preventDefault();
        if (target.value.trim()) target.form.requestSubmit();
      } else if (key === "Escape") {
        leaveText();
      }
    } else if (key === "Escape" && target.closest(".refused")) {
      focusThread();
    } else if (target.matches(".row") && ["ArrowDown", "ArrowUp"].includes(key)) {
      const rows = [...document.querySelectorAll(".row")];
      event.preventDefault();
      rows[rows.indexOf(target) + (key === "ArrowDown" ? 1 : -1)]?.focus();
    }
  });
  document.addEventListener("input", ({ target }) => {
    const { text, mode } = target.closest(".composer")?.elements ?? {};
    if (text) storeDraft(getThread().dataset.conversation, { text: text.value, mode: mode.value });
  });
  // While a draft is edited, a new message of the visitor does not replace it.
  const EDITED_MILLISECONDS = 30_000;
  let edited = { draft: "", at: 0 };
  document.addEventListener("input", ({ target }) => {
    const form = target.closest(".draft [data-edit-url]");
    if (!form) return;
    const draft = form.elements.draft.value;
    if (draft === edited.draft && Date.now() - edited.at < EDITED_MILLISECONDS) return;
    edited = { draft, at: Date.now() };
    postForm(form.dataset.editUrl, new FormData(form)).catch(() => {});
  });
  document.addEventListener("submit", ({ target }) => target.closest(".menu")?.hidePopover());

  // --- Start ---

  // The server shows times in the time zone of this cookie.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const cookie = `time_zone=${zone}`;
  const hasCookie = document.cookie.split("; ").includes(cookie);
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${cookie}; path=/admin/; max-age=31536000; samesite=strict${secure}`;
  root.classList.add("has-script");
  addEventListener("DOMContentLoaded", () => {
    update();
    opened = getThread()?.dataset.conversation ?? "";
    if (!hasCookie && zone !== "UTC") refresh(PAGE);
  });
}
