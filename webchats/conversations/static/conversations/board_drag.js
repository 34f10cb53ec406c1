"use strict";
// Cards are dragged by the mouse, and by touch after a long press: a swipe before it scrolls.
{
  const board = document.getElementById("board");
  const columns = board.querySelector(".columns");
  const LONG_PRESS = 400;
  const MOVED = 6;
  const EDGE = 48;
  // The card that is pressed, and from when on it is dragged its copy under the pointer.
  let pressed = null;

  const isFar = (event) =>
    Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > MOVED;
  const findTarget = (x, y) => {
    const column = document.elementFromPoint(x, y)?.closest(".column");
    return column?.classList.contains("is-inactive") ? undefined : column;
  };

  const start = () => {
    const box = pressed.card.getBoundingClientRect();
    const copy = pressed.card.cloneNode(true);
    copy.removeAttribute("id");
    copy.setAttribute("aria-hidden", "true");
    copy.inert = true;
    copy.classList.add("is-dragged");
    copy.style.width = `${box.width}px`;
    // On the list, which has the styles of cards.
    pressed.card.parentElement.append(copy);
    pressed.copy = copy;
    pressed.offset = { x: pressed.x - box.left, y: pressed.y - box.top };
    pressed.card.classList.add("is-source");
    board.classList.add("is-dragging");
    if (pressed.isTouch) navigator.vibrate?.(10);
    getSelection()?.removeAllRanges();
    follow(pressed.x, pressed.y);
    pressed.timer = setInterval(scrollAtEdges, 16);
  };
  const follow = (x, y) => {
    pressed.at = { x, y };
    pressed.copy.style.transform = `translate(${x - pressed.offset.x}px, ${y - pressed.offset.y}px)`;
    const target = findTarget(x, y);
    if (target === pressed.target) return;
    pressed.target?.classList.remove("is-target");
    target?.classList.add("is-target");
    pressed.target = target;
  };
  const scrollAtEdges = () => {
    const { x, y } = pressed.at;
    const box = columns.getBoundingClientRect();
    const speed = (position, low, high) =>
      position < low + EDGE ? -8 : position > high - EDGE ? 8 : 0;
    const list = pressed.target?.querySelector(".cards");
    columns.scrollLeft += speed(x, box.left, box.right);
    if (list) {
      const area = list.getBoundingClientRect();
      list.scrollTop += speed(y, area.top, area.bottom);
    }
    follow(x, y);
  };
  const end = (isDropped) => {
    if (!pressed) return;
    clearTimeout(pressed.press);
    clearInterval(pressed.timer);
    const { card, copy, target } = pressed;
    pressed = null;
    if (!copy) return;
    copy.remove();
    card.classList.remove("is-source");
    board.classList.remove("is-dragging");
    target?.classList.remove("is-target");
    // The release is no click on the card.
    const stop = (event) => {
      event.preventDefault();
      event.stopPropagation();
    };
    addEventListener("click", stop, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", stop, { capture: true }));
    if (!isDropped || !target || target === card.closest(".column")) return;
    const detail = { stage: target.dataset.stage };
    card.dispatchEvent(new CustomEvent("board:move", { bubbles: true, detail }));
  };

  board.addEventListener("pointerdown", (event) => {
    const card = event.target.closest(".board-card");
    if (!card || event.button !== 0 || !event.isPrimary || !card.querySelector(".move-link")) return;
    end(false);
    const isTouch = event.pointerType === "touch";
    pressed = { card, x: event.clientX, y: event.clientY, isTouch };
    if (isTouch) pressed.press = setTimeout(start, LONG_PRESS);
  });
  addEventListener("pointermove", (event) => {
    if (!pressed || !event.isPrimary) return;
    if (pressed.copy) follow(event.clientX, event.clientY);
    else if (isFar(event) && pressed.isTouch) end(false);
    else if (isFar(event)) start();
  });
  addEventListener("pointerup", (event) => event.isPrimary && end(true));
  // The browser scrolls.
  addEventListener("pointercancel", () => end(false));
  addEventListener("blur", () => end(false));
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !pressed?.copy) return;
    event.preventDefault();
    end(false);
  });
  // After a long press, a finger moves the card and does not scroll.
  board.addEventListener("touchmove", (event) => {
    if (pressed?.copy && event.cancelable) event.preventDefault();
  }, { passive: false });
  board.addEventListener("contextmenu", (event) => {
    if (pressed?.isTouch) event.preventDefault();
  });
  // Links have their own drag.
  board.addEventListener("dragstart", (event) => {
    if (event.target.closest(".board-card")) event.preventDefault();
  });
}
