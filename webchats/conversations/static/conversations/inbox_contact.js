"use strict";
// The form of the contact: ask before its unsaved changes are lost. Updates of the inbox leave it.
{
  const QUESTION = "The contact has unsaved changes. Discard them?";
  // Forms that the user has changed, and those whose changes may be lost. Other scripts fill in
  // fields, too.
  const changed = new WeakSet();
  const discarded = new WeakSet();

  for (const type of ["input", "change"]) {
    document.addEventListener(type, ({ target }) => {
      const form = target.closest(".edit-contact");
      if (!form) return;
      changed.add(form);
      discarded.delete(form);
    });
  }

  function isChanged(field) {
    if (field.type === "hidden") return false;
    if (!(field instanceof HTMLSelectElement)) return field.value !== field.defaultValue;
    const options = [...field.options];
    const initial = options.find((option) => option.defaultSelected) ?? options[0];
    return field.value !== initial?.value;
  }

  function hasChanges(form) {
    if (!form || discarded.has(form)) return false;
    // What was refused has not been saved.
    if (form.querySelector(".field-error")) return true;
    return changed.has(form) && [...form.elements].some(isChanged);
  }

  // Return whether the form may be replaced.
  function mayLeave() {
    const form = document.querySelector(".edit-contact");
    if (!hasChanges(form)) return true;
    const isDiscarded = confirm(QUESTION);
    if (isDiscarded) discarded.add(form);
    return isDiscarded;
  }

  // Requests whose response has no such form: links, the search, the filters.
  document.addEventListener("htmx:config:request", (event) => {
    const { sourceElement: source, request } = event.detail.ctx;
    const own = source.closest?.(".edit-contact");
    if (own) return discarded.add(own); // Save and Cancel.
    const { searchParams } = new URL(request.action, location.href);
    if (searchParams.get("edit") !== "contact" && !mayLeave()) event.preventDefault();
  });
  // It is still there: it could not be saved.
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    if (ctx.sourceElement.matches?.(".edit-contact")) discarded.delete(ctx.sourceElement);
  });
  // Steps in the history of the inbox.
  window.navigation?.addEventListener("navigate", (event) => {
    const isStep = event.navigationType === "traverse" && event.destination.sameDocument;
    if (isStep && event.cancelable && !mayLeave()) event.preventDefault();
  });
  addEventListener("beforeunload", (event) => {
    if (hasChanges(document.querySelector(".edit-contact"))) event.preventDefault();
  });
}
