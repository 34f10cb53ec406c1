"use strict";
// Changes by other users on an open board: polled while the board is visible.
{
  const SECONDS = 15;
  const board = document.getElementById("board");
  let since = board.dataset.at;
  let isWaiting = false;

  const request = async () => {
    const url = new URL(board.dataset.changesUrl, location);
    url.searchParams.set("since", since);
    const response = await fetch(url);
    if (!response.ok || response.redirected) return;
    const { at, isOutdated, cards, counts } = await response.json();
    since = at;
    if (isOutdated) document.getElementById("board-outdated").hidden = false;
    else if (cards.length) board.dispatchEvent(new CustomEvent("board:changed", { detail: { cards, counts } }));
  };
  const update = async () => {
    if (isWaiting || document.hidden || board.classList.contains("is-dragging")) return;
    isWaiting = true;
    // Without a connection, the next request gets it all.
    await request().catch(() => {});
    isWaiting = false;
  };

  if (board.dataset.changesUrl) {
    setInterval(update, SECONDS * 1000);
    document.addEventListener("visibilitychange", update);
  }
}
