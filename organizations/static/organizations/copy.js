"use strict";
// Buttons with data-copy="<id>" copy the text of the element with that id. Loaded without "defer":
// the listener must exist before the first click on a page that is still loading.
document.addEventListener("click", async ({ target }) => {
  const button = target.closest("button[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const label = (button.dataset.label ??= button.textContent);
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    // Without access to the clipboard, select the text for copying by hand.
    source.hidden = false;
    getSelection().selectAllChildren(source);
    button.textContent = "Press Ctrl+C";
  }
  setTimeout(() => (button.textContent = label), 2000);
});
