"use strict";
// The phone's menu, and the names of columns for lists that become cards there.
{
  const button = document.getElementById("menu-button");
  button?.addEventListener("click", () => {
    const open = document.getElementById("side").classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  });
  const heads = [...document.querySelectorAll("#result_list thead th")].map((head) =>
    head.querySelector(".text")?.textContent.trim() ?? "");
  for (const row of document.querySelectorAll("#result_list tbody tr")) {
    [...row.children].forEach((cell, index) => (cell.dataset.label = heads[index] ?? ""));
  }
  // On a phone the filters would stand between the search and the rows: closed until asked for.
  const filters = document.getElementById("changelist-filter");
  if (filters) {
    const toggle = document.createElement("button");
    toggle.type = "button";
    toggle.className = "button filter-button";
    toggle.textContent = "Filters";
    toggle.setAttribute("aria-expanded", "false");
    toggle.setAttribute("aria-controls", filters.id);
    toggle.addEventListener("click", () => {
      toggle.setAttribute("aria-expanded", String(filters.classList.toggle("open")));
    });
    document.getElementById("changelist").prepend(toggle);
  }
}
