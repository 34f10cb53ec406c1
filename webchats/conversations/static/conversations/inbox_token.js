"use strict";
// Requests that change something, with the CSRF token of the page. Who signs in in another tab makes
// the token invalid. Then it is renewed, and the request is sent again.
//
//   postForm(url, body, options)
//
// returns the response; `body` is a FormData or URLSearchParams.
{
  const NAME = "csrfmiddlewaretoken";
  const getFields = () => [...document.querySelectorAll(`[name=${NAME}]`)];

  async function renew() {
    const { tokenUrl, userId } = document.getElementById("inbox").dataset;
    const response = await fetch(tokenUrl);
    const user = response.redirected ? null : await response.json();
    // The session has ended, or another user has signed in.
    if (user?.userId !== userId) return location.reload();
    for (const field of getFields()) field.value = user.csrfToken;
  }

  // Requests that are refused at the same time share a renewal.
  let renewal = null;

  window.postForm = async (url, body, options = {}) => {
    const send = () => {
      // Updates of the page leave some forms as they were.
      body.set(NAME, getFields()[0].value);
      return fetch(url, { ...options, method: "POST", body });
    };
    const response = await send();
    if (response.status !== 403) return response;
    renewal ??= renew().finally(() => (renewal = null));
    return renewal.then(send, () => response);
  };

  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    if (ctx.request.method !== "POST") return;
    ctx.fetch = (url, { body, ...options }) => postForm(url, body, options);
  });
}
