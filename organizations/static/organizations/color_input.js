"use strict";
// Synchronizes each color's text field with the browser's color picker. Only the text is submitted.
{
  const expand = (text) => {
    const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim())?.[1];
    if (!digits) return null;
    return "#" + (digits.length === 3 ? [...digits].map((digit) => digit + digit).join("") : digits).toLowerCase();
  };
  const updatePicker = (text) => {
    const picker = text.closest(".color-input").querySelector("input[type=color]");
    picker.value = expand(text.value) ?? picker.value;
  };
  document.addEventListener("input", ({ target }) => {
    if (target.matches(".color-input input[type=color]")) {
      const text = target.closest(".color-input").querySelector(".color-text");
      text.value = target.value.toUpperCase();
      text.dispatchEvent(new Event("input", { bubbles: true }));
    } else if (target.matches(".color-text")) {
      updatePicker(target);
    }
  });
  const updateAll = () => document.querySelectorAll(".color-text").forEach(updatePicker);
  document.addEventListener("formset:added", updateAll);
  document.addEventListener("DOMContentLoaded", updateAll);
}
