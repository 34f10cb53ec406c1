"use strict";
// Change forms: the first invalid field gets the focus, links show the current section, leaving a
// changed form warns, and a form that was submitted but not saved, for example because the session
// had ended, is filled in again.
{
  // The keys of stored forms end with the path of the page.
  const PREFIX = "unsaved:", LAST = "unsaved-last";
  const { user } = document.currentScript.dataset;

  // The form of the last submission was saved: the server shows a success message.
  if (document.querySelector(".messagelist .success, [data-saved]")) {
    sessionStorage.removeItem(sessionStorage.getItem(LAST) ?? "");
  }
  // Remove stored forms after a sign-out, and those of another user.
  const isSignedOut = document.querySelector("[data-signed-out]") !== null;
  for (const name of Object.keys(sessionStorage).filter((name) => name.startsWith(PREFIX))) {
    const isOther = user && JSON.parse(sessionStorage.getItem(name)).user !== user;
    if (isSignedOut || isOther) sessionStorage.removeItem(name);
  }
  // The sign-in page: a stored form waits on the page that follows.
  const next = document.querySelector("#login-form [name=next]");
  if (next && sessionStorage.getItem(PREFIX + new URL(next.value, location).pathname)) {
    for (const id of ["session-ended", "typed-kept"]) document.getElementById(id).hidden = false;
  }

  const form = document.querySelector("#content-main form[id$=_form]:has([name=_save], .conflict)");
  const key = PREFIX + location.pathname;
  const conflict = form?.querySelector(".conflict");
  const hasErrors = Boolean(form?.querySelector(".errornote, .conflict"));
  let isLeaving = false;

  const isStored = ({ name, type }) =>
    name && name !== "csrfmiddlewaretoken" && !["file", "password", "submit"].includes(type);

  const isChanged = (field) => {
    if (field.type === "file") return field.files.length > 0;
    if (field.type === "password") return field.value !== "";
    if (!isStored(field)) return false;
    if (field.type === "checkbox") return field.checked !== field.defaultChecked;
    if (!(field instanceof HTMLSelectElement)) return field.value !== field.defaultValue;
    const options = [...field.options];
    const initial = options.find((option) => option.defaultSelected) ?? options[0];
    return initial !== undefined && field.value !== initial.value;
  };

  const warnBeforeLeaving = () => {
    addEventListener("beforeunload", (event) => {
      if (!isLeaving && (hasErrors || [...form.elements].some(isChanged))) event.preventDefault();
    });
    document.addEventListener("click", ({ target }) => {
      if (!target.closest("[data-discard]")) return;
      isLeaving = true;
      sessionStorage.removeItem(key);
    });
  };

  const storeOnSubmit = () => form.addEventListener("submit", (event) => {
    // A double click must not save twice.
    if (isLeaving) return event.preventDefault();
    isLeaving = true;
    setTimeout(() => (isLeaving = false), 2000);
    const values = [...form.elements].filter(isStored).map((field) =>
      [field.name, field.type === "checkbox" ? field.checked : field.value]);
    const files = [...form.querySelectorAll("input[type=file]")].flatMap((field) => [...field.files].map(({ name }) => name));
    try {
      sessionStorage.setItem(key, JSON.stringify({ user, values, files }));
      sessionStorage.setItem(LAST, key);
    } catch { /* The storage is full or disabled. The form is submitted all the same. */ }
  });

  const addRows = (total, count) => {
    const link = document.querySelector(`#${total.name.replace("-TOTAL_FORMS", "")}-group .add-row a`);
    for (let missing = count - total.value; link && missing > 0; missing--) link.click();
  };
  const restore = () => {
    if (hasErrors) return sessionStorage.removeItem(key);
    const stored = JSON.parse(sessionStorage.getItem(key) ?? "null");
    if (!stored) return;
    for (const [name, value] of stored.values) {
      const field = form.elements.namedItem(name);
      if (!(field instanceof Element)) continue;
      if (name.endsWith("-TOTAL_FORMS")) addRows(field, value);
      else if (field.type === "checkbox") field.checked = value;
      else field.value = value;
      // A select element whose options have not been loaded: see stage_choices.js.
      if (field instanceof HTMLSelectElement && field.value !== value) field.dataset.wanted = value;
      for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
    }
    const notice = document.createElement("p");
    notice.className = "restored";
    notice.setAttribute("role", "status");
    const discard = document.createElement("a");
    discard.href = location.pathname + location.search;
    discard.dataset.discard = "";
    discard.textContent = "Discard changes";
    const missing = stored.files.length ? `Select ${stored.files.join(", ")} again. ` : "";
    notice.append(`These changes were not saved. ${missing}Save them now. `, discard);
    form.prepend(notice);
  };

  // The links to the sections: the current one is the first that is on the screen.
  const links = [...document.querySelectorAll(".form-bar nav a")];
  const visible = new Set();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) visible[isIntersecting ? "add" : "delete"](target.id);
    const current = links.find((link) => visible.has(link.hash.slice(1)));
    for (const link of links) link === current ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
    const list = current?.closest("ul");
    if (list) list.scrollLeft = current.offsetLeft - (list.clientWidth - current.offsetWidth) / 2;
  }, { rootMargin: "-140px 0px -30%" });
  links.forEach((link) => observer.observe(document.getElementById(link.hash.slice(1))));

  if (form) {
    warnBeforeLeaving();
    storeOnSubmit();
    // Django's script of inlines uses the same queue: rows can be added after it has run.
    addEventListener("load", () => django.jQuery(restore));
    if (conflict) conflict.focus();
    else if (hasErrors) form.querySelector("[aria-invalid=true]")?.focus();
  }
}
