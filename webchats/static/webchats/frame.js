// The page in the iframe: applies the configured colors, and exchanges messages with the loader
// (embed.js). Colors are set through CSSOM, which a strict style-src allows.
(() => {
  "use strict";
  const config = JSON.parse(document.getElementById("config").textContent);
  const root = document.documentElement;
  const colors = {
    "--background": config.backgroundColor,
    "--primary": config.primaryColor,
    "--secondary": config.secondaryColor,
    "--header-text": config.headerTextColor,
    "--status-text": config.statusTextColor,
    "--timestamp": config.timestampColor,
    "--csat-background": config.csatBackgroundColor,
    "--csat-text": config.csatTextColor,
    "--secondary-text": config.secondaryTextColor,
    "--reply": config.replyColor,
    "--reply-text": config.replyTextColor,
  };
  for (const [name, value] of Object.entries(colors)) root.style.setProperty(name, value);

  // Remove an icon that cannot be loaded.
  addEventListener("error", (event) => event.target.className === "icon" && event.target.remove(), true);

  if (root.classList.contains("preview")) return;

  const focus = () => {
    const log = document.getElementById("log");
    log.focus();
    // An element cannot get the focus before the iframe is rendered.
    if (document.activeElement !== log) requestAnimationFrame(focus);
  };

  // The loader sends one end of a channel, which no other window can use. Only the embedding page
  // can send it, and the browser only allows embedding on the allowed domains (frame-ancestors).
  let port = null;
  addEventListener("message", (event) => {
    if (port || event.source !== parent || parent === window) return;
    if (event.data?.webchat !== config._id || !event.ports[0]) return;
    port = event.ports[0];
    root.dir = event.data.dir === "rtl" ? "rtl" : "ltr";
    // The configured text is in the language of the embedding page, the labels are in English.
    const language = String(event.data.lang || "");
    if (language) for (const text of document.querySelectorAll("[dir=auto]")) text.lang = language;
    port.onmessage = ({ data }) => {
      root.classList.toggle("quiet", data === "focus quietly");
      focus();
    };
    port.postMessage("ready");
  });

  const close = () => port?.postMessage("close");
  addEventListener("keydown", (event) => {
    root.classList.remove("quiet");
    if (event.key === "Escape") close();
  });
  addEventListener("click", (event) => event.target.closest("#close") && close());
})();
