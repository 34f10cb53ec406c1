// The loader: <script src="https://HOST/embed.js" data-webchat="ID" async></script>
//
// It shows a launcher in a shadow root. The panel and its iframe are created when the launcher is
// first touched, hovered or focused, so that they take no time of the page before; for a visitor with
// a conversation after the page has loaded. Constructed style sheets work under any style-src of the
// page. The page gets window.Webchat with open, close, toggle, destroy and load, each for an id (by
// default the first widget), and the events webchat:ready, :open, :close and :destroy on document.
//
// The frame asks for tickets, since they prove that this page may embed the widget. The page's
// storage only contains until when a visitor's conversation is worth an early frame, and no secret.
//
// The view serves this file without indentation and without lines that begin with //.
// Browsers compile the largest function, in parentheses, with the file and off the main thread, and
// others on it when they are first called.
(() => {
  "use strict";
  const { src, dataset } = document.currentScript ?? document.querySelector("script[data-webchat]");
  // The snippet may be on the page several times: the first loader loads all widgets.
  if (window.Webchat?.load) return window.Webchat.load(dataset.webchat, src);

  // In a small or strongly zoomed window the panel fills the window.
  const SMALL = "(max-width:480px),(max-height:480px)";
  const widgets = new Map();
  // Close chat, Loading, failed, Try again, New messages.
  const WORDS = {
    en: "Close chat|Loading…|We can't be reached.|Try again|New messages",
    de: "Chat schließen|Wird geladen…|Wir sind nicht erreichbar.|Erneut versuchen|Neue Nachrichten",
    fr: "Fermer le chat|Chargement…|Nous sommes injoignables.|Réessayer|Nouveaux messages",
    es: "Cerrar el chat|Cargando…|No hay conexión.|Reintentar|Mensajes nuevos",
    pt: "Fechar o chat|Carregando…|Não há conexão.|Tentar novamente|Novas mensagens",
    it: "Chiudi la chat|Caricamento…|Non siamo raggiungibili.|Riprova|Nuovi messaggi",
    nl: "Chat sluiten|Laden…|We zijn niet bereikbaar.|Opnieuw proberen|Nieuwe berichten",
  };

  const clamp = (value, low, high, fallback) =>
    Number.isFinite(value) ? Math.min(high, Math.max(low, Math.round(value))) : fallback;
  const color = (value, fallback) => (/^#[\da-f]{6}$/i.test(value) ? value : fallback);

  const element = (name, attributes, ...children) => {
    const space = /svg|path/.test(name) ? "2000/svg" : "1999/xhtml";
    const node = document.createElementNS("http://www.w3.org/" + space, name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    node.append(...children);
    return node;
  };
  const button = (attributes, ...children) =>
    element("button", { type: "button", ...attributes }, ...children);
  const glyph = (name, d) =>
    element("svg", { class: name, viewBox: "0 0 24 24", "aria-hidden": "true" }, element("path", { d }));

  const request = (url, method) =>
    fetch(url, { method, credentials: "omit", referrerPolicy: "strict-origin" });
  // Storage may be blocked.
  const remember = (id, until) => {
    const key = `webchat:${id}:until`;
    try {
      if (until) localStorage.setItem(key, until);
      return localStorage.getItem(key) > Date.now();
    } catch {}
  };

  const emit = (name, id) =>
    document.dispatchEvent(new CustomEvent("webchat:" + name, { detail: { id } }));

  const mount = (function (widget, config) {
    const { id, url } = widget;
    const { title, icon } = config;
    const y = /^top-/.test(config.position) ? "top" : "bottom";
    const x = /-left$/.test(config.position) ? "left" : "right";
    // Widgets in the same corner are placed side by side.
    const beside = [...widgets.values()].filter((other) => other.corner === y + x).length;
    widget.corner = y + x;
    const dx = clamp(config.offsetX, 0, 200, 24) + beside * 68;
    const dy = clamp(config.offsetY, 0, 200, 24);
    const primary = color(config.primaryColor, "#1f2937");

    const page = document.documentElement;
    const label = "Chat: " + title;
    // The glyph is drawn by CSS, since the first SVG element of a page takes longer than the rest. It
    // is also shown if the icon cannot be loaded.
    const image = element(icon ? "img" : "i", icon && { src: icon, alt: "" });
    image.onerror = () => image.replaceWith(element("i"));
    const launcher = button(
      { class: "launcher", "aria-haspopup": "dialog", "aria-expanded": false, "aria-label": label }, image);
    const host = (widget.host = element("webchat-widget", { role: "region", "aria-label": title }));
    const root = host.attachShadow({ mode: "open" });
    const adopt = (css) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      root.adoptedStyleSheets.push(sheet);
    };
    adopt(`
:host{all:initial!important;position:fixed!important;z-index:${clamp(config.zIndex, 1, 2147483647, 9999)}!important}
*{box-sizing:border-box}
button{border:0;padding:0;background:${primary};color:${color(config.primaryTextColor, "#fff")};cursor:pointer;-webkit-tap-highlight-color:#0000}
.launcher,dialog{position:fixed}
.launcher{${y}:${dy}px;${x}:min(${dx}px,100vw - 56px);z-index:1;width:56px;height:56px;border-radius:50%;display:grid;place-items:center;box-shadow:0 0 0 1px #8883,0 2px 6px #0003,0 8px 28px #0004}
.launcher>*{grid-area:1/1;width:24px;height:24px}
img{width:56px;height:56px;border-radius:50%;object-fit:cover}
i{border:2px solid;border-radius:50% 50% 50% 4px}
@media print{button,dialog{display:none!important}}
@media (forced-colors:active){button,dialog{border:1px solid!important}}`);
    root.append(launcher);

    // Replaces the functions of the widget by those of its panel.
    const build = () => {
      const away = `opacity:0;transform:translateY(${y === "top" ? -12 : 12}px) scale(.97)`;
      const back = color(config.backgroundColor, "#fff");
      const fill = `background:linear-gradient(${primary} 72px,#0000 0) ${back}`;
      let language = (page.lang || navigator.language).slice(0, 2).toLowerCase();
      if (!WORDS[language]) language = "en";
      const [closeWord, loading, failed, tryAgain, newMessages] = WORDS[language].split("|");

      const badge = element("b");
      launcher.append(glyph("shut", "M6 9.5l6 6 6-6"), badge);
      // In place of the iframe until the handshake, so that no error page of the browser is visible.
      const shut = button({ class: "close", "aria-label": closeWord }, glyph("", "M6 6l12 12M18 6L6 18"));
      const status = element("p", { role: "status" });
      const again = button({ class: "again" }, tryAgain);
      const dialog = element("dialog", { "aria-label": title }, element("div", { lang: language }, shut, status, again));
      adopt(`
button:focus-visible{outline:3px solid #fff;outline-offset:1px;box-shadow:0 0 0 7px #1a1a1a}
svg{fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
b{place-self:start end;min-width:20px;width:auto!important;height:20px!important;margin:-3px;padding:0 5px;border-radius:10px;background:#d3122a;color:#fff;font:700 12px/20px system-ui,sans-serif;box-shadow:0 0 0 2px #fff}
b:empty,[aria-expanded=true] b{display:none}
[aria-expanded=true]>:not(.shut),[aria-expanded=false]>.shut{opacity:0;transform:scale(.6)}
dialog{inset:auto;${y}:${dy + 72}px;${x}:max(8px,min(${dx}px,100vw - 392px));margin:0;border:0;padding:0;width:384px;height:min(640px,100vh - ${dy + 88}px);max-width:calc(100vw - 16px);max-height:none;overflow:hidden;border-radius:20px;${fill};box-shadow:0 0 0 1px #8883,0 4px 12px #0002,0 16px 48px #0004;transform-origin:${x} ${y}}
dialog[open]{display:grid;grid-template:100%/100%}
dialog:not([open]){display:none;pointer-events:none;${away}}
dialog::backdrop{background:none}
dialog>*{grid-area:1/1;width:100%;height:100%}
iframe{border:0;visibility:hidden;color-scheme:light}
.ready iframe{visibility:visible}
.ready div,dialog:not(.failed) .again,.failed p::before{display:none}
div{position:relative;display:grid;place-content:center;justify-items:center;gap:16px;padding-top:72px;${fill};color:${color(config.replyTextColor, "#000")};font:16px/1.5 system-ui,sans-serif}
p{display:grid;justify-items:center;gap:16px;margin:0}
p::before{content:"";width:32px;height:32px;border:3px solid;border-left-color:#0000;border-radius:50%}
.again{padding:12px 24px;border-radius:24px;font:inherit}
.close{position:absolute;top:14px;inset-inline-end:12px;width:44px;height:44px;border-radius:50%;background:none;color:${color(config.headerTextColor, "#fff")}}
.close svg{display:block;width:22px;margin:auto}
@media (prefers-reduced-motion:no-preference){
.launcher,.launcher>*{transition:opacity .2s,transform .2s}
.launcher:hover{transform:scale(1.05)}
dialog{transition:opacity .2s,transform .25s cubic-bezier(.2,.8,.2,1),display .25s allow-discrete,overlay .25s allow-discrete}
p{animation:show .2s .3s backwards}
p::before{animation:spin .8s linear infinite}
@keyframes show{from{opacity:0}}
@keyframes spin{to{rotate:1turn}}
@starting-style{dialog[open]{${away}}}}
@media ${SMALL}{dialog{inset:0;width:auto;height:auto;max-width:none;border-radius:0;background:linear-gradient(${primary} 50%,#0000 0) ${back};padding:env(safe-area-inset-top) env(safe-area-inset-right) env(safe-area-inset-bottom) env(safe-area-inset-left)}}`);
      root.append(dialog);
      let frame, port, timeout, opener, isQuiet;

      const wait = (milliseconds) => {
        clearTimeout(timeout);
        port = null;
        dialog.className = "";
        status.textContent = loading;
        timeout = setTimeout(() => {
          if (!host.isConnected) return;
          const inside = document.activeElement === host;
          dialog.className = "failed";
          status.textContent = failed;
          if (inside) again.focus();
          console.warn(`Webchat ${id}: the panel did not load. Check the network, and frame-src of this page's Content-Security-Policy.`);
        }, milliseconds);
      };

      const sendTicket = async (to) => {
        let ticket = 0;
        try {
          const response = await request(url + "/ticket", "POST");
          ticket = response.ok ? (await response.json()).ticket : response.status;
        } catch {}
        to.postMessage({ ticket });
      };

      const loadFrame = () => {
        frame?.remove();
        const src = new URL(url);
        if (language !== "en") src.search = "lang=" + language;
        frame = element("iframe", { title, src, referrerpolicy: "strict-origin" });
        frame.onload = () => {
          // An error page fires the event, too, but does not respond. A late response still counts.
          wait(navigator.onLine ? 2000 : 0);
          // The frame replies through a channel, which no other window can use.
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = ({ data }) => {
            if (data.ticket) sendTicket(port1);
            if (data.close) widget.close();
            if ("unread" in data) {
              badge.textContent = data.unread || "";
              launcher.ariaLabel = data.unread ? `${label}. ${newMessages}: ${data.unread}` : label;
            }
            if (data.until) remember(id, data.until);
            if (data.ready) {
              clearTimeout(timeout);
              port = port1;
              dialog.className = "ready";
              if (dialog.open) enter();
            }
          };
          const dir = getComputedStyle(page).direction;
          // In a sandboxed page the frame's origin is opaque, too, and has no name.
          const target = self.origin === "null" ? "*" : src.origin;
          frame.contentWindow.postMessage({ webchat: id, lang: page.lang, dir }, target, [port2]);
        };
        wait(15000);
        dialog.append(frame);
      };

      widget.prepare = () => frame || loadFrame();
      const enter = () => {
        frame.focus();
        const { title, referrer } = document;
        const url = location.origin + location.pathname;
        port.postMessage({ isOpen: true, isQuiet, page: { url, title, referrer } });
      };
      // A phone's keyboard covers the panel: only the visual viewport becomes lower.
      const fit = () => {
        const { height, offsetTop, scale } = visualViewport;
        const isFitted = dialog.open && matchMedia(SMALL).matches && scale < 1.1;
        dialog.style.cssText = isFitted ? `top:${offsetTop}px;bottom:auto;height:${height}px` : "";
      };
      for (const name of ["resize", "scroll"]) visualViewport.addEventListener(name, fit);

      const expand = (expanded) => {
        launcher.ariaExpanded = expanded;
        fit();
        emit(expanded ? "open" : "close", id);
      };
      const closed = (inside) => {
        if (dialog.open || launcher.ariaExpanded === "false") return;
        port?.postMessage({ isOpen: false });
        if (inside) (opener.isConnected ? opener : launcher).focus();
        expand(false);
      };

      widget.open = () => {
        if (!host.isConnected) {
          // The page has removed the widget with other content.
          dialog.open = false;
          dialog.className = "failed";
          page.append(host);
        }
        if (dialog.open) return;
        const focused = document.activeElement ?? host;
        opener = focused === host || focused === document.body ? launcher : focused;
        // The focus ring is for keyboard users.
        isQuiet = !opener.matches(":focus-visible");
        if (!frame || dialog.className === "failed") loadFrame();
        // A panel that fills the window is modal, so that the focus cannot get behind it.
        matchMedia(SMALL).matches ? dialog.showModal() : dialog.show();
        expand(true);
        if (port) enter();
      };
      widget.close = () => {
        const inside = document.activeElement === host;
        dialog.close();
        closed(inside);
      };
      widget.toggle = () => (dialog.open ? widget.close() : widget.open());
      shut.onclick = widget.close;
      again.onclick = loadFrame;
      // By the browser: Escape, or a phone's back button.
      dialog.onclose = () => closed(true);
      host.onkeydown = (event) => {
        if (event.key === "Escape") widget.close();
      };
    };
    for (const name of ["open", "toggle", "prepare"])
      widget[name] = () => (build(), widget[name]());
    launcher.onclick = () => widget.toggle();
    const prepare = (launcher.onpointerenter = launcher.onfocus = () => widget.prepare());

    // Next to the body, so that pages that replace their content keep it.
    page.append(host);
    emit("ready", id);
    if (widget.wanted) widget.open();
    else if (remember(id)) document.readyState === "complete" ? prepare() : addEventListener("load", prepare);
  });

  const load = async (id, base = src) => {
    if (!id) return console.warn("Webchat: data-webchat is missing.");
    if (widgets.has(id)) return;
    // Not a URL object, which would take a tenth of the loader's run time.
    const url = `${base.slice(0, base.lastIndexOf("/embed.js"))}/widget/${id}`;
    const widget = { id, url };
    widget.open = () => (widget.wanted = true);
    widget.close = () => (widget.wanted = false);
    widget.toggle = () => (widget.wanted = !widget.wanted);
    widgets.set(id, widget);
    try {
      const response = await request(url + "/config");
      if (!response.ok) throw Error(response.status);
      const config = await response.json();
      if (widgets.get(id) === widget) mount(widget, config);
    } catch (error) {
      widgets.delete(id);
      console.warn(`Webchat ${id} is not shown on ${location.origin} (${error.message}). Check the id, that the webchat is enabled, and that this site is one of its allowed domains. A CORS error has the same causes.`);
    }
  };

  const first = () => widgets.keys().next().value;
  const call = (name) => (id = first()) => widgets.get(id)?.[name]();
  const destroy = (id = first()) => {
    const widget = widgets.get(id);
    if (!widgets.delete(id)) return;
    widget.host?.remove();
    emit("destroy", id);
  };
  window.Webchat ??= { open: call("open"), close: call("close"), toggle: call("toggle"), destroy, load };
  load(dataset.webchat);
})();
