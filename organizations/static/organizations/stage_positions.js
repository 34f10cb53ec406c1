"use strict";
// Adds "Move up" and "Move down" buttons to the stages and numbers the position fields, which are
// submitted.
{
  const rows = () => [...document.querySelectorAll("#stages-group tbody tr.form-row:not(.empty-form)")];
  const number = () => rows().forEach((row, index) => (row.querySelector(".stage-position").value = index + 1));
  const addButtons = (row) => {
    const input = row.querySelector(".stage-position");
    if (!input || row.querySelector(".stage-move")) return;
    input.setAttribute("aria-label", "Position");
    for (const [step, sign, label] of [[-1, "↑", "Move up"], [1, "↓", "Move down"]]) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "stage-move", textContent: sign });
      button.setAttribute("aria-label", label);
      button.addEventListener("click", () => {
        const all = rows(), other = all[all.indexOf(row) + step];
        if (!other) return;
        step < 0 ? other.before(row) : other.after(row);
        number();
        button.focus();
      });
      input.parentElement.append(button);
    }
  };
  document.addEventListener("DOMContentLoaded", () => rows().forEach(addButtons));
  document.addEventListener("formset:added", ({ target }) => {
    addButtons(target);
    number();
  });
}
