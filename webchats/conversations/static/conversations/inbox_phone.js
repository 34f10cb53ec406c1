"use strict";
// The inbox on a phone: links back, and the height that the on-screen keyboard leaves.
{
  // --- Links back ---

  // The page, without the list that it keeps.
  function getPlace(url) {
    const { pathname, searchParams } = new URL(url);
    return `${pathname} ${searchParams.get("panel") ?? ""}`;
  }

  // Where the former page is the link's target, the link is a step back. Else each way to and fro
  // would be two more steps for the browser's own button.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(".back");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const former = window.navigation?.entries()[navigation.currentEntry.index - 1];
    if (!former?.url || getPlace(former.url) !== getPlace(link.href)) return;
    event.preventDefault();
    event.stopPropagation();
    navigation.back();
  }, { capture: true });

  // --- The views, which one row shows in part ---

  addEventListener("DOMContentLoaded", () => {
    const options = { block: "nearest", inline: "center" };
    document.querySelector(".folders [aria-current]")?.scrollIntoView(options);
  });

  // --- The keyboard ---

  const SHORT_PIXELS = 480;
  const view = window.visualViewport;

  // Browsers without interactive-widget=resizes-content lay the keyboard over the page.
  function fitHeight() {
    // Not of an enlarged page.
    if (view.scale > 1.01) return;
    const { style, classList } = document.documentElement;
    const isCovered = window.innerHeight - view.height > 1;
    if (isCovered) style.setProperty("--visible-height", `${view.height}px`);
    else style.removeProperty("--visible-height");
    classList.toggle("is-short", view.height < SHORT_PIXELS);
    // Such a browser also scrolls the page to the focused element.
    if (isCovered) scrollTo(0, 0);
  }

  view?.addEventListener("resize", fitHeight);
  if (view) fitHeight();
}
