"use strict";
// The menu on small screens, column labels of the change list, and its filter toggle.
{
  const button = document.getElementById("menu-button");
  button?.addEventListener("click", () => {
    const open = document.getElementById("side").classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  });
  // On small screens rows become cards. Each cell then shows the label of its column.
  const labels = [...document.querySelectorAll("#result_list thead th")].map((header) =>
    header.querySelector(".text")?.textContent.trim() ?? "");
  for (const row of document.querySelectorAll("#result_list tbody tr")) {
    [...row.children].forEach((cell, index) => (cell.dataset.label = labels[index] ?? ""));
  }
  // Filters are collapsed unless one is active.
  const filters = document.getElementById("changelist-filter");
  if (filters) {
    const toggle = document.createElement("button");
    toggle.type = "button";
    toggle.className = "button filter-button";
    toggle.textContent = "Filters";
    toggle.setAttribute("aria-controls", filters.id);
    const show = (open) => {
      filters.classList.toggle("closed", !open);
      toggle.setAttribute("aria-expanded", String(open));
    };
    show(document.getElementById("changelist-filter-extra-actions") !== null);
    toggle.addEventListener("click", () => show(filters.classList.contains("closed")));
    document.querySelector("#changelist-search > div").append(toggle);
  }
}
