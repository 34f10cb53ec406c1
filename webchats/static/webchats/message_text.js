// Text of messages, with a small part of Markdown: **bold**, *italic*, `code`, lists, links and bare
// addresses. The frame and the inbox use it.
//
//   renderMessageText(element, text, sources)
//
// replaces the content of the element. The text becomes text nodes, never markup. Addresses are
// links if their scheme is https, http, mailto or tel. With `sources`, those of an answer of the AI,
// only their links are, and they are listed below the text. Each paragraph, list item, link and code is isolated for bidirectional text, so that
// control characters in it cannot reorder the text around it.
(() => {
  "use strict";
  const SCHEMES = ["https:", "http:", "mailto:", "tel:"];
  // No alternative can match across the start of another one, so the time is linear.
  const INLINE = new RegExp(
    [
      "`(?<code>[^`\\n]+)`",
      "(?<!\\*)\\*\\*(?=\\S)(?<bold>(?:[^*\\n]|\\*(?!\\*))+)(?<=\\S)\\*\\*(?!\\*)",
      "(?<![\\p{L}\\p{N}*])\\*(?=[^\\s*])(?<italic>[^*\\n]+)(?<=\\S)\\*(?![\\p{L}\\p{N}*])",
      "(?<![\\p{L}\\p{N}_])_(?=[^\\s_])(?<slanted>[^_\\n]+)(?<=\\S)_(?![\\p{L}\\p{N}_])",
      "\\[(?<label>[^[\\]\\n]+)\\]\\((?<target>[^\\s()]+(?:\\([^\\s()]*\\)[^\\s()]*)*)\\)",
      "(?<![\\p{L}\\p{N}])(?<address>(?:https?:\\/\\/|www\\.)[^\\s<>\"`\\p{C}]+)",
      "(?<![\\w.+@-])(?<mail>[\\w.+-]{1,64}@[\\w-]{1,63}(?:\\.[\\w-]{1,63}){1,8})",
    ].join("|"),
    "giu",
  );
  // In each text that has a match. Most have none, and the first use of the other takes long.
  const MARK = /[*_`@[/]|www/i;
  const ITEM = /^\s*(?:[-*•]|(\d{1,4})[.)])\s+(.+)$/;

  const create = (name, ...children) => {
    const element = document.createElement(name);
    element.append(...children);
    return element;
  };
  const isolated = (name, ...children) => {
    const element = create(name, ...children);
    element.dir = "auto";
    return element;
  };

  const parse = (address) => {
    let url;
    try {
      url = new URL(address);
    } catch {
      return null;
    }
    // A name before the host, as in https://bank.example@evil.example, misleads.
    return SCHEMES.includes(url.protocol) && !url.username && !url.password ? url : null;
  };

  const link = (address, label, allowLink) => {
    const url = parse(address);
    if (!url || !allowLink(url.href)) return null;
    const isPage = url.protocol.startsWith("http");
    // A label that contains something like another address misleads. Format characters are invisible.
    const visible = label.replace(/\p{Cf}/gu, "").normalize("NFKC");
    const misleads = isPage && /@|:\/\/|[^\s.]\.(?:[^\s.\d]|\d+\.\d)/.test(visible);
    const a = isolated("a", misleads ? url.href : label);
    a.href = a.title = url.href;
    a.rel = "noopener noreferrer nofollow";
    if (isPage) a.target = "_blank";
    return a;
  };

  // Punctuation after an address belongs to the sentence, a parenthesis only if it is unpaired.
  const trim = (address) => {
    let end = address.length;
    let unpaired = address.split(")").length - address.split("(").length;
    for (; end; end--) {
      const last = address[end - 1];
      if (last === ")" && unpaired-- <= 0) break;
      if (!/[.,;:!?'")\]}*_]/.test(last)) break;
    }
    return address.slice(0, end);
  };

  const inline = (text, allowLink) => {
    const nodes = [];
    let position = 0;
    for (const match of MARK.test(text) ? text.matchAll(INLINE) : []) {
      const { code, bold, italic, slanted, label, target, address, mail } = match.groups;
      let [source] = match;
      let node;
      if (code) node = isolated("code", code);
      else if (bold) node = create("strong", ...inline(bold, allowLink));
      else if (italic || slanted) node = create("em", ...inline(italic || slanted, allowLink));
      else if (target) node = link(target, label, allowLink);
      else if (mail) node = link("mailto:" + mail, mail, allowLink);
      else {
        source = trim(address);
        node = link(/^www/i.test(source) ? "https://" + source : source, source, allowLink);
        if (node) node.textContent = source;
      }
      if (!node) continue;
      nodes.push(text.slice(position, match.index), node);
      position = match.index + source.length;
    }
    nodes.push(text.slice(position));
    return nodes.filter((node) => node !== "");
  };

  window.renderMessageText = (element, text, sources) => {
    const links = new Map((sources || []).map((source) => [parse(source.link)?.href, source.title]));
    const allowLink = (href) => !sources || links.has(href);
    const blocks = [];
    // The block that the next line continues, and the list that the next item continues.
    let block = null;
    let list = null;
    let pre = null;
    for (const line of text.split(/\r\n|\r|\n/)) {
      const item = ITEM.exec(line);
      if (/^\s*```/.test(line)) {
        if (!pre) blocks.push((pre = isolated("pre")));
        else pre = null;
        block = list = null;
      } else if (pre) {
        pre.append(pre.firstChild ? "\n" + line : line);
      } else if (!line.trim()) {
        block = null;
      } else if (item) {
        const name = item[1] ? "ol" : "ul";
        if (list?.localName !== name) {
          blocks.push((list = isolated(name)));
          if (item[1]) list.start = item[1];
        }
        list.append((block = isolated("li", ...inline(item[2], allowLink))));
      } else if (block && (block.localName === "p" || /^\s/.test(line))) {
        block.append(create("br"), ...inline(list ? line.trim() : line, allowLink));
      } else {
        list = null;
        blocks.push((block = isolated("p", ...inline(line, allowLink))));
      }
    }
    for (const [href, title] of links) {
      if (href) blocks.push(Object.assign(create("p", link(href, title, allowLink)), { className: "source" }));
    }
    element.replaceChildren(...blocks);
  };
})();
