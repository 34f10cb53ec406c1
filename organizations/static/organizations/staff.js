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
  // The filters stand beside the rows when they are asked for, or already narrow them.
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
