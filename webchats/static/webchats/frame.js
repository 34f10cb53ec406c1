// The page inside the iframe: sets the configured colours, and tells the loader (embed.js) when
// the visitor wants to close. Colours go through CSSOM, which a strict style-src allows.
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

  // An icon that cannot be had leaves no broken picture.
  addEventListener("error", (event) => event.target.className === "icon" && event.target.remove(), true);

  if (root.classList.contains("preview")) return;

  const focus = () => {
    const log = document.getElementById("log");
    log.focus();
    // The iframe may not have been drawn yet, and what is not drawn cannot have the focus.
    if (document.activeElement !== log) requestAnimationFrame(focus);
  };

  // The loader hands over one end of a channel: what goes through it has exactly two ends, and
  // needs no addresses. Only the page that embeds this one can send it, and the browser lets only
  // pages that the webchat's list names embed it (frame-ancestors).
  let port = null;
  addEventListener("message", (event) => {
    if (port || event.source !== parent || parent === window) return;
    if (event.data?.webchat !== config._id || !event.ports[0]) return;
    port = event.ports[0];
    root.dir = event.data.dir === "rtl" ? "rtl" : "ltr";
    // The texts are in the language of the page around; the buttons' names are in this page's.
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
