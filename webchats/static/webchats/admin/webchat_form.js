"use strict";
// The webchat's form: a live preview beside it, and stages that follow the chosen pipeline.
document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("webchat_form");
  const panel = document.getElementById("preview");
  if (!form || !panel) return;
  const stage = document.getElementById("preview-stage");
  const field = (name) => form.elements.namedItem(name);

  // --- What the preview shows ---

  for (const [kind, name] of [["state", "data-state"], ["width", "data-width"]]) {
    const buttons = panel.querySelectorAll(`.segments button[${name}]`);
    buttons.forEach((button) => button.addEventListener("click", () => {
      stage.dataset[kind] = button.dataset[kind];
      buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    }));
  }

  const place = () => {
    if (!field("position")) return;
    stage.dataset.position = field("position").value;
    for (const axis of ["x", "y"]) {
      const offset = Number.parseInt(field(`offset_${axis}`).value, 10);
      if (offset >= 0 && offset <= 200) stage.style.setProperty(`--offset-${axis}`, `${offset}px`);
    }
  };
  place();
  if (!field("csrfmiddlewaretoken") || !field("name")) return; // only to look at

  // --- The picture, drawn by the server from the unsaved form ---

  const slot = document.getElementById("preview-frame");
  const says = document.getElementById("preview-says");
  const touched = new Set();
  let shown = "", timer = 0, asking = null;

  const draw = (html) => {
    if (html === shown) return;
    shown = html;
    const next = document.createElement("iframe");
    next.title = "The widget as a visitor sees it";
    next.setAttribute("sandbox", "allow-scripts");
    next.className = "coming";
    next.srcdoc = html;
    // The old picture stays until the new one is ready: nothing flickers.
    next.addEventListener("load", () => {
      if (next.srcdoc !== shown) return next.remove();
      next.className = "";
      [...slot.children].forEach((frame) => frame !== next && frame.remove());
    }, { once: true });
    slot.append(next);
  };

  // The loader's own button cannot stand here: it is drawn from the same values.
  const drawLauncher = ({ icon, primaryColor, primaryTextColor }) => {
    const launcher = document.getElementById("preview-launcher");
    launcher.setAttribute("stroke", primaryTextColor);
    launcher.querySelector("circle").setAttribute("fill", primaryColor);
    launcher.querySelector("image").setAttribute("href", icon ?? "");
  };

  const label = (name) => {
    const input = field(name);
    return input?.labels?.[0]?.textContent.replace(/:$/, "") ?? "";
  };
  const say = ({ errors, warnings }) => {
    const lines = [];
    for (const [name, messages] of Object.entries(errors)) {
      // What nobody has filled in yet is not wrong yet.
      if (!touched.has(name) && name !== "__all__") continue;
      for (const message of messages) lines.push(["bad", [label(name), message].filter(Boolean).join(": ")]);
    }
    for (const warning of warnings) lines.push(["warn", warning]);
    says.replaceChildren(...lines.map(([kind, text]) => {
      const line = document.createElement("p");
      line.className = `says-${kind}`;
      line.textContent = text;
      return line;
    }));
  };

  const domains = field("allowed_domains");
  const canonical = document.createElement("div");
  canonical.className = "help canonical";
  domains?.closest(".form-row").append(canonical);
  const showDomains = (entries) => {
    const typed = domains.value.split("\n").map((line) => line.trim()).filter(Boolean);
    const differs = entries && entries.join("\n") !== typed.join("\n");
    canonical.textContent = differs ? `Will be stored as:\n${entries.join("\n")}` : "";
  };

  const ask = async () => {
    asking?.abort();
    asking = new AbortController();
    const body = new FormData(form);
    if (!field("icon_file").files.length) body.delete("icon_file");
    try {
      const answer = await fetch(panel.dataset.url, { method: "POST", body, signal: asking.signal });
      if (!answer.ok) throw new Error(String(answer.status));
      const picture = await answer.json();
      if (picture.html !== null) {
        draw(picture.html);
        drawLauncher(picture.launcher);
      }
      say(picture);
      showDomains(picture.domains);
    } catch (error) {
      if (error.name !== "AbortError") say({ errors: { __all__: ["The preview is not available right now."] }, warnings: [] });
    }
  };
  const askSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 250);
  };
  for (const kind of ["input", "change"]) {
    form.addEventListener(kind, ({ target }) => {
      if (target.name) touched.add(target.name);
      place();
      askSoon();
    });
  }

  // --- Stages of the chosen pipeline only ---

  const pipeline = field("pipeline"), stages = field("pipeline_stage");
  if (pipeline && stages) {
    const all = [...stages.options];
    for (const option of all) if (option.dataset.name) option.textContent = option.dataset.name;
    const offer = () => {
      const chosen = stages.value;
      stages.replaceChildren(...all.filter((option) => !option.value || option.dataset.pipeline === pipeline.value));
      stages.value = chosen;
      if (stages.value !== chosen) stages.value = "";
      stages.disabled = false;
    };
    pipeline.addEventListener("change", offer);
    offer();
  }
  ask();
});
