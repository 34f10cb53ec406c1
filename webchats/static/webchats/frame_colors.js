// Applies the configured colors to the page in the iframe, through CSSOM, which a strict style-src
// allows.
(() => {
  "use strict";
  const config = JSON.parse(document.getElementById("config").textContent);
  const { style } = document.documentElement;
  const colors = {
    "--background": config.backgroundColor,
    "--primary": config.primaryColor,
    "--primary-text": config.primaryTextColor,
    "--secondary": config.secondaryColor,
    "--header-text": config.headerTextColor,
    "--status-text": config.statusTextColor,
    "--timestamp": config.timestampTextColor,
    "--csat-background": config.csatBackgroundColor,
    "--csat-text": config.csatTextColor,
    "--secondary-text": config.secondaryTextColor,
    "--reply": config.replyColor,
    "--reply-text": config.replyTextColor,
  };
  for (const [name, value] of Object.entries(colors)) style.setProperty(name, value);
  // For the scroll bars and the caret.
  style.colorScheme = config.replyTextColor === "#FFFFFF" ? "dark" : "light";

  // An icon that cannot be loaded, before or after this script runs.
  const icon = document.querySelector(".icon");
  if (icon?.complete && !icon.naturalWidth) icon.remove();
  icon?.addEventListener("error", () => icon.remove());
})();
