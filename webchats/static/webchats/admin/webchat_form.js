"use strict";
// The form of a webchat: a live preview.
document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("webchat_form");
  const panel = document.getElementById("preview");
  if (!form || !panel) return;
  const stage = document.getElementById("preview-stage");
  const field = (name) => form.elements.namedItem(name);

  // --- State and width of the preview ---

  for (const kind of ["state", "width"]) {
    const buttons = panel.querySelectorAll(`.segments button[data-${kind}]`);
    buttons.forEach((button) => button.addEventListener("click", () => {
      stage.dataset[kind] = button.dataset[kind];
      buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    }));
  }

  const updatePosition = () => {
    if (!field("position")) return;
    stage.dataset.position = field("position").value;
    for (const axis of ["x", "y"]) {
      const offset = Number.parseInt(field(`offset_${axis}`).value, 10);
      if (offset >= 0 && offset <= 200) stage.style.setProperty(`--offset-${axis}`, `${offset}px`);
    }
  };
  updatePosition();
  const isReadOnly = !field("csrfmiddlewaretoken") || !field("name");
  if (isReadOnly) return;

  // --- The rendering of the unsaved form, by the server ---

  const slot = document.getElementById("preview-frame");
  const messages = document.getElementById("preview-messages");
  const changedFields = new Set();
  let currentHtml = slot.querySelector("iframe")?.srcdoc ?? "", timer = 0, pendingRequest = null;

  const showFrame = (html) => {
    if (html === currentHtml) return;
    currentHtml = html;
    const next = document.createElement("iframe");
    next.title = "Preview of the widget";
    next.setAttribute("sandbox", "allow-scripts");
    next.className = "loading";
    next.srcdoc = html;
    // Keep the previous frame until the next one has loaded, to avoid flickering.
    next.addEventListener("load", () => {
      if (next.srcdoc !== currentHtml) return next.remove();
      next.className = "";
      [...slot.children].forEach((frame) => frame !== next && frame.remove());
    }, { once: true });
    slot.append(next);
  };

  // The loader positions its launcher in the window, so the preview draws its own.
  const showLauncher = ({ icon, primaryColor, primaryTextColor }) => {
    const launcher = document.getElementById("preview-launcher");
    launcher.setAttribute("stroke", primaryTextColor);
    launcher.querySelector("circle").setAttribute("fill", primaryColor);
    launcher.querySelector("image").setAttribute("href", icon ?? "");
  };

  const labelOf = (name) => field(name)?.labels?.[0]?.textContent.replace(/:$/, "") ?? "";
  const showMessages = ({ errors, warnings }) => {
    const lines = [];
    for (const [name, fieldErrors] of Object.entries(errors)) {
      // A required field is not an error before the user has changed it.
      if (!changedFields.has(name) && name !== "__all__") continue;
      for (const error of fieldErrors) {
        lines.push(["bad", [labelOf(name), error].filter(Boolean).join(": ")]);
      }
    }
    for (const warning of warnings) lines.push(["warn", warning]);
    messages.replaceChildren(...lines.map(([kind, text]) => {
      const line = document.createElement("p");
      line.className = `message-${kind}`;
      line.textContent = text;
      return line;
    }));
  };

  // Without a rendering, for example before a superuser has selected an organization.
  const notice = document.getElementById("preview-notice");
  const showNotice = (names) => {
    notice.textContent = names.includes("organization")
      ? "Select an organization to see the preview."
      : `To see the preview, correct these fields: ${names.map(labelOf).join(", ")}.`;
  };

  const domains = field("allowed_domains");
  const everySite = document.getElementById("every-site");
  const canonical = document.createElement("div");
  canonical.className = "help canonical";
  domains?.closest(".form-row").append(canonical);
  const warnOfEverySite = () => (everySite.hidden = domains.value.trim() !== "");
  const showCanonicalDomains = (entries) => {
    const entered = domains.value.split("\n").map((line) => line.trim()).filter(Boolean);
    const differs = entries && entries.join("\n") !== entered.join("\n");
    canonical.textContent = differs ? `Will be stored as:\n${entries.join("\n")}` : "";
  };

  const showFailure = (text) => {
    notice.textContent = text;
    showMessages({ errors: { __all__: [text] }, warnings: [] });
  };
  const update = async () => {
    pendingRequest?.abort();
    pendingRequest = new AbortController();
    const body = new FormData(form);
    if (!field("icon_file").files.length) body.delete("icon_file");
    try {
      const response = await fetch(panel.dataset.url, { method: "POST", body, signal: pendingRequest.signal });
      if (response.redirected) return showFailure("Your session has ended. Save to sign in again: your changes are kept.");
      if (!response.ok) throw new Error(String(response.status));
      const preview = await response.json();
      if (preview.html !== null) {
        notice.hidden = true;
        showFrame(preview.html);
        showLauncher(preview.launcher);
      } else if (!slot.children.length) {
        showNotice(preview.missing);
      }
      showMessages(preview);
      showCanonicalDomains(preview.domains);
    } catch (error) {
      if (error.name !== "AbortError") showFailure("The preview is not available right now.");
    }
  };
  const updateSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(update, 250);
  };
  for (const kind of ["input", "change"]) {
    form.addEventListener(kind, ({ target }) => {
      if (target.name) changedFields.add(target.name);
      updatePosition();
      warnOfEverySite();
      updateSoon();
    });
  }

  update();
});
