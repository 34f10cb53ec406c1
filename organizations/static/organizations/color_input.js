"use strict";
// Keeps each colour's text box and the browser's picker in step. The text is what is sent.
{
  const full = (text) => {
    const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim())?.[1];
    if (!digits) return null;
    return "#" + (digits.length === 3 ? [...digits].map((digit) => digit + digit).join("") : digits).toLowerCase();
  };
  const follow = (text) => {
    const picker = text.closest(".color-input").querySelector("input[type=color]");
    picker.value = full(text.value) ?? picker.value;
  };
  document.addEventListener("input", ({ target }) => {
    if (target.matches(".color-input input[type=color]")) {
      const text = target.closest(".color-input").querySelector(".color-text");
      text.value = target.value.toUpperCase();
      text.dispatchEvent(new Event("input", { bubbles: true }));
    } else if (target.matches(".color-text")) {
      follow(target);
    }
  });
  const followAll = () => document.querySelectorAll(".color-text").forEach(follow);
  document.addEventListener("formset:added", followAll);
  document.addEventListener("DOMContentLoaded", followAll);
}
