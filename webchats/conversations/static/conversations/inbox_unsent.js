"use strict";
// The text in the composer is saved on the server while it is written, so that it is not lost and
// can be continued on another device. Sending it deletes it there.
{
  const DELAY_MILLISECONDS = 800;
  const KEPT_MILLISECONDS = 5000;
  // By URL: the last text, and whether it must be sent to the server.
  const texts = new Map();

  function note(form) {
    const { conversation } = form.closest("[data-conversation]").dataset;
    const url = form.dataset.unsentUrl;
    const state = texts.get(url) ?? { conversation, isSaving: false };
    texts.set(url, state);
    const { text, mode } = form.elements;
    state.values = { text: text.value, mode: mode.value };
    return [url, state];
  }

  function saveSoon(form) {
    const [url, state] = note(form);
    state.isChanged = true;
    clearTimeout(state.timer);
    state.timer = setTimeout(() => save(url), DELAY_MILLISECONDS);
  }

  async function save(url, options = {}) {
    const state = texts.get(url);
    if (state.isSaving || !state.isChanged) return;
    state.isSaving = true;
    state.isChanged = false;
    const body = new URLSearchParams(state.values);
    const response = await postForm(url, body, options).catch(() => null);
    state.isSaving = false;
    if (state.isChanged) return save(url);
    // What was not saved stays in the tab. What was saved stays for the pages that the server made
    // before.
    if (response?.ok && !response.redirected) {
      state.timer = setTimeout(forget, KEPT_MILLISECONDS, state);
    }
  }

  function forget(state) {
    if (state.isChanged || state.isSaving) return;
    sessionStorage.removeItem(`inbox-draft-${state.conversation}`);
  }

  document.addEventListener("input", ({ target }) => {
    const form = target.closest(".composer");
    if (form && ["text", "mode"].includes(target.name)) saveSoon(form);
  });

  // A save that arrives after the message would bring its text back.
  document.addEventListener("submit", ({ target }) => {
    const state = target.matches(".composer") && texts.get(target.dataset.unsentUrl);
    if (!state) return;
    clearTimeout(state.timer);
    state.values = { ...state.values, text: "" };
    state.isChanged = state.isSaving;
  }, true);
  // What was not sent is in the composer again.
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    const form = ctx.message && document.querySelector(".composer");
    if (form?.elements.text.value) saveSoon(form);
  });

  addEventListener("pagehide", () => {
    for (const url of texts.keys()) save(url, { keepalive: true });
  });
}
