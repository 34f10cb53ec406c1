"use strict";
// The menu on small screens; column labels and filters of the change list.
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
  // Filters are collapsed. Each active one is shown beside the button, which stays in its place.
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
    show(false);
    toggle.addEventListener("click", () => show(filters.classList.contains("closed")));
    document.querySelector("#changelist-search > div").append(toggle);
    const active = document.createElement("p");
    active.className = "active-filters";
    for (const group of filters.querySelectorAll("details")) {
      const [all, ...choices] = group.querySelectorAll("li");
      const selected = choices.find((choice) => choice.classList.contains("selected"));
      if (!selected) continue;
      const link = document.createElement("a");
      link.href = all.querySelector("a").href;
      const title = group.querySelector("summary").textContent.trim();
      link.textContent = `${title}: ${selected.textContent.trim()}`;
      link.title = "Remove this filter";
      active.append(link);
    }
    if (active.children.length) {
      const clear = document.querySelector("#changelist-filter-extra-actions a");
      if (clear && active.children.length > 1) active.append(clear);
      filters.after(active);
    }
  }
}
