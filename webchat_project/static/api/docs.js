"use strict";

(function () {
  // Swagger UI has a dark mode, whose button is in a top bar that the page does not show.
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  function applyColorScheme() {
    document.documentElement.classList.toggle("dark-mode", dark.matches);
  }
  dark.addEventListener("change", applyColorScheme);
  applyColorScheme();

  // What Swagger UI leaves out for screen readers and the keyboard, by selector.
  const attributes = {
    ".body-param__text": { "aria-label": "Request body" },
    ".examples-select-element": { "aria-label": "Example" },
    ".information-container": { role: "banner" },
    ".opblock-tag, .models > h4": { "aria-level": "2" },
    ".opblock-section-header h4, .responses-inner h4": { "aria-level": "3" },
    ".responses-inner h5": { "aria-level": "4" },
    "pre.example, pre.microlight, .highlight-code": { tabindex: "0" },
  };
  function complete() {
    for (const table of document.querySelectorAll(".responses-table[role=region]")) {
      table.setAttribute("aria-label", `Responses: ${table.id}`);
    }
    for (const [selector, values] of Object.entries(attributes)) {
      for (const element of document.querySelectorAll(selector)) {
        for (const [name, value] of Object.entries(values)) {
          if (element.getAttribute(name) !== value) element.setAttribute(name, value);
        }
      }
    }
  }
  document.addEventListener("DOMContentLoaded", function () {
    const page = document.getElementById("swagger-ui");
    new MutationObserver(complete).observe(page, { childList: true, subtree: true });
  });
})();
