"use strict";
// Keyboard shortcuts of the inbox, their help (?), and the command palette (Ctrl+K).
// Each command activates an element of the page, and exists only while the page has that element.
{
  const find = (selector) => document.querySelector(selector);
  const help = find("#shortcuts");
  const palette = find("#palette");
  const input = find("#palette-input");
  const list = find("#palette-list");
  const single = find("#single-keys");

  const COMMANDS = [
    { key: "j", name: "Next conversation", target: ".row", run: () => moveBy(1) },
    { key: "k", name: "Previous conversation", target: ".row", run: () => moveBy(-1) },
    { key: "Enter", name: "Open the conversation", target: ".row:focus" },
    { key: "r", name: "Write a reply", target: ".composer [value=reply]", run: write },
    { key: "n", name: "Write a note", target: ".composer [value=note]", run: write },
    { key: "a", name: "Assign to me", target: "[data-assign-me]" },
    { key: "A", name: "Assign to a colleague", target: ".assignee", run: openMenu },
    { key: "t", name: "Take over", target: "[action*='/take-over/'] button" },
    { key: "t", name: "Give back to automatic answers", target: "[action*='/give-back/'] button" },
    { key: "e", name: "Close the conversation", target: "[action*='/close/'] button" },
    { key: "e", name: "Reopen the conversation", target: "[action*='/reopen/'] button" },
    { key: "d", name: "Edit the draft", target: ".draft textarea", run: focus },
    { key: "/", name: "Search", target: ".inbox [type=search]", run: focus },
    { key: "?", name: "Keyboard shortcuts", target: "#shortcuts", run: () => help.showModal() },
  ];
  // Keys of the composer and of the browser, for the help only.
  const OTHERS = [
    ["Enter", "Send"],
    ["Shift + Enter", "Start a line"],
    ["/", "Insert a canned reply, at the start of a word in the composer"],
    ["Ctrl + Enter", "Send the reply, the note or the draft"],
    ["Escape", "Leave the composer"],
    ["Ctrl + K", "All commands by name"],
  ];

  // --- What commands do ---

  function activate({ target, run }) {
    const element = find(target);
    if (run) run(element);
    else element?.click();
  }

  function focus(element) {
    element?.focus();
  }

  function moveBy(step) {
    const rows = [...document.querySelectorAll(".row")];
    const focused = rows.indexOf(document.activeElement);
    const from = focused < 0 ? rows.indexOf(find(".row[aria-current]")) : focused;
    rows[Math.min(Math.max(from + step, 0), rows.length - 1)]?.focus();
  }

  function write(mode) {
    mode?.click();
    find(".composer textarea")?.focus();
  }

  function openMenu(button) {
    button?.click();
    find(".menu:popover-open button")?.focus();
  }

  // --- Keys ---

  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    if (event.ctrlKey || event.metaKey) {
      if (key.toLowerCase() === "k" && !event.shiftKey) {
        event.preventDefault();
        if (!palette.open) openPalette();
      } else if (key === "Enter" && target.matches(".draft textarea")) {
        event.preventDefault();
        target.form.requestSubmit();
      }
      return;
    }
    if (key === "Escape" && target.matches(".draft textarea")) find("#thread-title").focus();
    if (!single?.checked || key === "Enter") return;
    // The focus moves to a refusal while the user may be typing.
    if (target.closest("input, textarea, select, dialog, [popover], .refused")) return;
    const command = COMMANDS.find((each) => each.key === key && find(each.target));
    if (!command) return;
    event.preventDefault();
    activate(command);
  });

  // --- The palette ---

  let shown = [];
  let current = 0;

  function openPalette() {
    input.value = "";
    palette.showModal();
    filterPalette();
  }

  function listCommands() {
    const folders = [...document.querySelectorAll(".folders a")].map((link) => ({
      key: "",
      name: `Go to ${link.firstChild.textContent.trim()}`,
      target: `#${CSS.escape(link.id)}`,
    }));
    const commands = COMMANDS.filter(({ key, target }) => key !== "Enter" && find(target));
    return [...commands, ...folders];
  }

  function filterPalette() {
    const words = input.value.toLowerCase().split(/\s+/);
    shown = listCommands().filter(({ name }) =>
      words.every((word) => name.toLowerCase().includes(word)));
    list.replaceChildren(...shown.map(({ name, key }, index) => {
      const option = document.createElement("li");
      option.id = `palette-${index}`;
      option.role = "option";
      option.append(name);
      if (key && single?.checked) option.append(makeKey(key));
      return option;
    }));
    find("#palette-none").hidden = shown.length > 0;
    select(0);
  }

  function select(index) {
    current = Math.min(Math.max(index, 0), shown.length - 1);
    for (const option of list.children) option.ariaSelected = option.id === `palette-${current}`;
    const option = list.children[current];
    if (!option) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function runSelected() {
    const command = shown[current];
    if (!command) return;
    palette.close();
    activate(command);
  }

  input.addEventListener("input", filterPalette);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) select(current + step);
    else if (event.key === "Enter" && !event.isComposing) runSelected();
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", ({ target }) => {
    const option = target.closest("[role=option]");
    if (!option) return;
    select([...list.children].indexOf(option));
    runSelected();
  });

  // --- The help ---

  function makeKey(key) {
    const element = document.createElement("kbd");
    element.textContent = key;
    return element;
  }

  function describe(rows) {
    return rows.map(([key, name]) => {
      const row = document.createElement("tr");
      const [first, second] = [document.createElement("th"), document.createElement("td")];
      first.scope = "row";
      first.append(makeKey(key));
      second.textContent = name;
      row.append(first, second);
      return row;
    });
  }

  find("#single-key-rows").append(...describe(COMMANDS.map(({ key, name }) => [key, name])));
  find("#other-key-rows").append(...describe(OTHERS));
  document.addEventListener("click", ({ target }) => {
    if (target.closest(".shortcuts-button")) help.showModal();
    else if (target.matches(".inbox-dialog")) target.close();
  });
  single?.addEventListener("change", async () => {
    const body = new FormData(single.form);
    const response = await postForm(single.form.action, body).catch(() => null);
    const isSaved = response?.ok && !response.redirected;
    find("#single-keys-problem").textContent = isSaved ? "" : "This could not be saved. Try again.";
    if (!isSaved) single.checked = !single.checked;
  });
}
