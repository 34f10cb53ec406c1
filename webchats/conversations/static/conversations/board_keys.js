"use strict";
// The board by keyboard: arrows go from card to card, M opens the menu, Shift and an arrow move.
{
  const board = document.getElementById("board");
  const getCards = (column) => [...column.querySelectorAll(".board-card")]
    .filter((card) => card.checkVisibility());
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 };

  const findNeighbor = (card, key) => {
    const column = card.closest(".column");
    const cards = getCards(column);
    if (key === "ArrowUp" || key === "ArrowDown") return cards[cards.indexOf(card) + step[key]];
    const columns = [...board.querySelectorAll(".column")].filter((each) => getCards(each).length);
    const other = columns[columns.indexOf(column) + step[key]];
    return other && getCards(other)[Math.min(cards.indexOf(card), getCards(other).length - 1)];
  };
  const moveTo = (card, key) => {
    const targets = [...board.querySelectorAll(".column:not(.is-inactive, [hidden])")];
    const target = targets[targets.indexOf(card.closest(".column")) + step[key]];
    if (!target) return;
    const detail = { stage: target.dataset.stage };
    card.dispatchEvent(new CustomEvent("board:move", { bubbles: true, detail }));
  };

  board.addEventListener("keydown", (event) => {
    const card = event.target.closest(".board-card");
    if (!card || event.ctrlKey || event.metaKey || event.altKey) return;
    const link = card.querySelector(".move-link");
    if (event.key.toLowerCase() === "m" && link) {
      event.preventDefault();
      link.click();
    } else if (event.key in step) {
      event.preventDefault();
      if (!event.shiftKey) findNeighbor(card, event.key)?.querySelector(".card-name").focus();
      else if (link && event.key !== "ArrowUp" && event.key !== "ArrowDown") moveTo(card, event.key);
    }
  });
}
