// The visitor's conversation without its display: session, sending, stream, and other tabs.
//
// createChatClient({ id, base, requestTicket, page, on }) returns the client. `requestTicket`
// resolves to a ticket, or to the status of the refusal (0 without a network). `on.message(message)`
// is called once for each message, `on.reset()` when the visitor has another conversation or none,
// `on.typing(name)` while somebody writes, and `on.change()` after a change of the client's
// properties.
//
// The database is the truth, and a stream is a hint: after each interruption the client requests
// the messages after the last sequence up to which it has all.
(() => {
  "use strict";
  const REQUEST_TIMEOUT = 15_000;
  // The service sends a heartbeat every 25 seconds.
  const MAX_SILENCE = 40_000;
  // A proxy that collects the stream lets nothing through until its end.
  const FIRST_BYTE_TIMEOUT = 5_000;
  // A stream that ends earlier has failed, too.
  const STABLE_STREAM = 10_000;
  const POLL_INTERVAL = 5_000;
  // While no stream is read: the panel is closed, or another tab reads it.
  const IDLE_INTERVAL = 60_000;
  const MAX_ATTEMPTS = 5;
  const TYPING_INTERVAL = 3_000;
  const READ_DELAY = 500;
  const REMEMBER_DAYS = 14;

  // "Full jitter": clients that lost the same server do not return at the same moment.
  const backoff = (attempt) => Math.random() * Math.min(30_000, 500 * 2 ** attempt);

  const refusal = (status, retryAfter) =>
    Object.assign(Error(status), { status, retryAfter: 1000 * (Number(retryAfter) || 10) });

  window.createChatClient = ({ id, base, requestTicket, page, on }) => {
    const KEY = "webchat:" + id;
    const client = {
      // "open" or "closed"; null without a conversation.
      state: null,
      // "ai", "waiting" or "rep".
      handler: null,
      // The representative's name.
      name: "",
      // What would answer a new conversation: "ai", "builtin" or "person".
      answeredBy: "",
      // "writing" or "checking" while a reply of the AI is due.
      replyState: null,
      // The reply that is being written: { id, text }.
      reply: null,
      // The visitor's answer to the survey: { score, comment, changeableUntil }.
      rating: null,
      isConnected: true,
      // Messages that are received from now on are new.
      hasLoaded: false,
      isDisabled: false,
      // Messages wait until then, in milliseconds since the epoch.
      slowUntil: 0,
      hasStorage: true,
      // Messages that wait for their response, oldest first.
      queue: [],
      // Messages that the visitor has to send again.
      failed: [],
      unread: 0,
    };

    // --- Storage: nothing is stored before the first send ---

    let isStored = false;
    let session = null;
    const readStorage = () => {
      try {
        const stored = JSON.parse(localStorage.getItem(KEY));
        return typeof stored?.token === "string" ? stored : null;
      } catch {
        return null;
      }
    };
    const writeStorage = () => {
      if (!isStored || !session) return;
      try {
        localStorage.setItem(KEY, JSON.stringify(session));
      } catch {
        client.hasStorage = isStored = false;
        on.change();
      }
    };
    const remember = () => {
      if (!isStored && client.hasStorage) {
        isStored = true;
        openChannel();
        if (following) holdLock(following.signal);
      }
      writeStorage();
    };
    try {
      localStorage.length;
    } catch {
      client.hasStorage = false;
    }
    if ((session = readStorage())) isStored = true;

    // --- Waiting: an event of the browser ends it early ---

    const sleepers = new Set();
    const sleep = (milliseconds) =>
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          sleepers.delete(done);
          resolve();
        };
        const timer = setTimeout(done, milliseconds);
        sleepers.add(done);
      });
    const wake = () => [...sleepers].forEach((done) => done());

    // --- Requests ---

    const disable = () => {
      client.isDisabled = true;
      update();
      on.change();
    };

    const fetchJson = (path, token, body, options) =>
      fetch(base + path, {
        credentials: "omit",
        cache: "no-store",
        ...options,
        headers: {
          ...(token && { Authorization: "Bearer " + token }),
          ...(body && { "Content-Type": "application/json" }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
    const check = (response) => {
      if (!response.ok) throw refusal(response.status, response.headers.get("Retry-After"));
      return response;
    };

    let starting = null;
    const startSession = () => (starting ??= tradeTicket().finally(() => (starting = null)));
    const tradeTicket = async () => {
      const ticket = await requestTicket();
      // An unknown, a disabled and a refused webchat get the same 404 here.
      if (typeof ticket !== "string") throw refusal(ticket === 404 ? 410 : ticket);
      // A session that cannot be renewed is replaced by that of a new visitor.
      const response = await fetchJson(`/widget/${id}/session`, null, { ticket, token: session?.token }, {
        method: "POST",
        signal: AbortSignal.timeout(REQUEST_TIMEOUT),
      });
      if (response.status === 404) throw refusal(410);
      const { token, conversation: current, answeredBy } = await check(response).json();
      session = { ...session, token };
      client.answeredBy = answeredBy;
      writeStorage();
      if ((current?._id ?? null) !== conversation) startConversation(current?._id ?? null);
      if (current) setState(current);
      else on.change();
    };
    const renewSession = async (usedToken) => {
      const stored = isStored ? readStorage() : null;
      // Another tab has renewed it.
      if (stored && stored.token !== usedToken) session = stored;
      else if (!session || session.token === usedToken) await startSession();
    };

    const request = async (path, { body, ...options } = {}) => {
      const settings = { signal: AbortSignal.timeout(REQUEST_TIMEOUT), ...options };
      // A page that the visitor leaves still sends the text.
      if (options.method) settings.keepalive = true;
      if (!session) await startSession();
      let { token } = session;
      let response = await fetchJson(path, token, body, settings);
      if (response.status === 401) {
        await renewSession(token);
        response = await fetchJson(path, session.token, body, settings);
      }
      return check(response);
    };
    const post = (action, body = {}) => request(`/widget/${id}/${action}`, { method: "POST", body });

    // --- Messages: each is shown once, in the order of its sequence ---

    let conversation = null;
    const former = new Set();
    const received = new Map();
    // All messages up to this sequence have been received.
    let last = 0;
    let gapTimer = 0;

    const startConversation = (current) => {
      if (conversation) former.add(conversation);
      // What was read belongs to the former conversation.
      if (session && session.conversation !== current) {
        Object.assign(session, { conversation: current, read: 0 });
      }
      conversation = current;
      received.clear();
      last = 0;
      Object.assign(client, { state: null, handler: null, name: "", unread: 0, replyState: null, reply: null });
      client.rating = null;
      writeStorage();
      on.reset();
      on.change();
    };

    const setState = ({ state, handler, authorName, replyState = null, reply, answeredBy, rating }) => {
      if (authorName && handler === "rep") client.name = authorName;
      Object.assign(client, { state, handler, replyState });
      if (answeredBy) client.answeredBy = answeredBy;
      // Events of the stream do not have it.
      if (rating !== undefined) client.rating = rating;
      if (replyState !== "writing") client.reply = null;
      if (reply) receiveReply(reply);
      on.change();
    };

    // Text to append to a reply. Offsets count characters, not UTF-16 code units.
    const receiveReply = ({ replyId, offset = 0, text }) => {
      const known = client.reply?.id === replyId ? [...client.reply.text] : [];
      if (offset > known.length) return load().catch(() => {});
      const added = [...text].slice(known.length - offset);
      client.reply = { id: replyId, text: [...known, ...added].join("") };
      client.replyState = "writing";
      on.change();
    };

    const receive = (message, current, isShared = false) => {
      if (former.has(current)) return;
      if (current !== conversation) startConversation(current);
      if (received.has(message.sequence)) return;
      received.set(message.sequence, message);
      while (received.has(last + 1)) last++;
      clearTimeout(gapTimer);
      if (received.size > last) gapTimer = setTimeout(() => load().catch(() => {}), 300);
      if (message.author === "rep") client.name = message.authorName;
      if (message.author === "ai") client.reply = client.replyState = null;
      if (!isShared) share("message", { ...message, conversationId: current });
      on.message(message);
      countUnread();
    };

    const countUnread = () => {
      const read = session?.read ?? 0;
      client.unread = [...received.values()].filter(
        ({ sequence, author, kind }) => sequence > read && author !== "visitor" && kind === "text",
      ).length;
      on.change();
    };

    const load = async () => {
      for (;;) {
        const query = conversation ? `?conversation=${conversation}&after=${last}` : "";
        const response = await request(`/widget/${id}/messages${query}`);
        const { conversationId, messages, lastSequence, ...state } = await response.json();
        if (conversationId !== conversation) startConversation(conversationId);
        for (const message of messages) receive(message, conversationId);
        setState(state);
        if (!messages.length || last >= lastSequence) break;
      }
      client.hasLoaded = true;
    };

    // --- Sending: a message keeps its key, so that no attempt can store it twice ---

    let isSending = false;
    const flush = async () => {
      if (isSending) return;
      isSending = true;
      for (let attempt = 0; client.queue.length && !client.isDisabled; on.change()) {
        const [{ clientKey, text }] = client.queue;
        try {
          const response = await post("messages", { clientKey, text, page: page() });
          const { conversationId, message } = await response.json();
          // Reopened: the state comes with the messages.
          if (client.state === "closed") await load().catch(() => {});
          client.queue.shift();
          attempt = 0;
          if (!client.state) client.state = "open";
          client.hasLoaded = true;
          receive(message, conversationId);
          continue;
        } catch (error) {
          if (error.status === 410) {
            client.failed.push(...client.queue.splice(0));
            disable();
          } else if (error.status === 429) {
            client.slowUntil = Date.now() + error.retryAfter;
            on.change();
            await new Promise((resolve) => setTimeout(resolve, error.retryAfter));
            client.slowUntil = 0;
            continue;
          } else if (error.status >= 400 && error.status < 500) {
            client.failed.push(client.queue.shift());
            continue;
          }
        }
        on.change();
        if (!navigator.onLine) {
          attempt = 0;
          await sleep(30_000);
        } else if (++attempt < MAX_ATTEMPTS) await sleep(backoff(attempt));
        else client.failed.push(...client.queue.splice(0));
      }
      isSending = false;
      on.change();
    };

    // --- The stream ---

    // After `end`, unless the webchat is disabled, the client connects again, and renews the session
    // if needed. An erased visitor has no conversation any more.
    const handle = (name, data, isShared) => {
      if (name === "message") receive(data, data.conversationId, isShared);
      else if (name === "state") setState(data);
      else if (name === "reply") receiveReply(data);
      else if (name === "typing" && data.author !== "visitor") on.typing(data.authorName);
      else if (name === "rating") setRating(data);
      else if (name === "end" && data.reason === "disabled") disable();
      else if (name === "end" && data.reason === "session_expired") load().catch(() => {});
    };

    const setRating = (rating) => {
      client.rating = rating;
      on.change();
    };

    const dispatch = (block) => {
      const fields = {};
      for (const line of block.split("\n")) {
        const [, field, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
        if (field) fields[field] = field in fields ? fields[field] + "\n" + value : value;
      }
      if (!fields.data) return;
      const data = JSON.parse(fields.data);
      handle(fields.event, data);
      if (fields.event !== "message") share(fields.event, data);
    };

    const readStream = async (signal, onFirstByte) => {
      const controller = new AbortController();
      const stop = () => controller.abort();
      signal.addEventListener("abort", stop);
      let timer = setTimeout(stop, FIRST_BYTE_TIMEOUT);
      try {
        const query = conversation ? `?conversation=${conversation}&after=${last}` : "";
        const response = await request(`/live/widget/${id}${query}`, { signal: controller.signal });
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let buffer = ""; ; ) {
          const { value, done } = await reader.read();
          if (done) return;
          clearTimeout(timer);
          timer = setTimeout(stop, MAX_SILENCE);
          onFirstByte();
          const blocks = (buffer + value).split("\n\n");
          buffer = blocks.pop();
          blocks.forEach(dispatch);
        }
      } finally {
        clearTimeout(timer);
        signal.removeEventListener("abort", stop);
        stop();
      }
    };

    const setConnected = (isConnected) => {
      if (client.isConnected === isConnected) return;
      client.isConnected = isConnected;
      // The service is back.
      if (isConnected) client.retry();
      on.change();
    };

    // Read the stream until the signal aborts. Where streams do not come through, poll.
    const follow = async (signal) => {
      isLeading = true;
      let nextStream = 0;
      let failures = 0;
      let refusals = 0;
      while (!signal.aborted) {
        const started = Date.now();
        try {
          if (failures < 3 || started > nextStream) {
            nextStream = started + 60_000;
            await readStream(signal, () => {
              refusals = 0;
              setConnected(true);
              // After the messages that the visitor missed.
              setTimeout(() => (client.hasLoaded = true), 1_000);
            });
          }
        } catch (error) {
          if (error.status === 410) return disable();
          // All return at once. Polling would be more work.
          if (error.status === 503 && ++refusals < 6) {
            await sleep(error.retryAfter + backoff(4));
            continue;
          }
          // Too many streams: those of former pages may not have ended yet.
          if (error.status === 429) {
            failures = 2;
            nextStream = Date.now() + error.retryAfter;
          }
        }
        if (signal.aborted) return;
        failures = Date.now() - started > STABLE_STREAM ? 1 : failures + 1;
        if (failures > 2) {
          try {
            await load();
            // The service is back, and so may be its streams.
            if (!client.isConnected) nextStream = 0;
            setConnected(true);
            await sleep(POLL_INTERVAL);
            continue;
          } catch (error) {
            if (error.status === 410) return disable();
          }
        }
        if (failures > 1) setConnected(false);
        await sleep(backoff(failures));
      }
    };

    // --- One stream for all tabs: the tab that holds the lock reads it ---

    let isOpen = false;
    let isFrozen = false;
    let isLeading = false;
    let following = null;

    // For a stream that was opened before the session was stored.
    const holdLock = (signal) =>
      navigator.locks
        ?.request(KEY, { signal }, () => new Promise((resolve) => signal.addEventListener("abort", resolve)))
        .catch(() => {});
    const lead = async (signal) => {
      // Without storage no other tab has this session.
      if (isStored && navigator.locks) {
        try {
          return await navigator.locks.request(KEY, { signal }, () => follow(signal));
        } catch {
          // Aborted while waiting, or the browser refuses locks.
        }
      }
      if (!signal.aborted) await follow(signal);
    };
    const isVisible = () => document.visibilityState === "visible" && !isFrozen;
    const update = () => {
      const isWanted = isOpen && isVisible() && !client.isDisabled;
      if (isWanted === Boolean(following)) return;
      if (!isWanted) {
        following.abort();
        following = null;
        isLeading = false;
        return;
      }
      const controller = (following = new AbortController());
      lead(controller.signal);
      // Another tab may hold the lock, and have received more messages.
      setTimeout(() => following === controller && !isLeading && load().catch(() => {}), 500);
    };
    const restart = () => {
      following?.abort();
      following = null;
      isLeading = false;
      update();
      wake();
    };

    let channel = null;
    const openChannel = () => {
      if (channel || !isStored || !window.BroadcastChannel) return;
      channel = new BroadcastChannel(KEY);
      channel.onmessage = ({ data: [name, data] }) => {
        if (name === "read") markRead(data, false);
        else handle(name, data, true);
      };
    };
    const share = (name, data) => channel?.postMessage([name, data]);

    let readTimer = 0;
    const markRead = (sequence, isOwn = true) => {
      if (!session || sequence <= (session.read ?? 0)) return;
      session.read = sequence;
      session.conversation = conversation;
      writeStorage();
      countUnread();
      if (!isOwn) return;
      channel?.postMessage(["read", sequence]);
      // Once for messages in quick succession.
      clearTimeout(readTimer);
      readTimer = setTimeout(() => post("read", { sequence }).catch(() => {}), READ_DELAY);
    };

    addEventListener("storage", ({ key, newValue }) => {
      const stored = key === KEY && newValue ? readStorage() : null;
      // Another tab has renewed the session, or started the conversation.
      if (!stored || (!isStored && (conversation || client.queue.length))) return;
      const isOther = !isStored;
      session = stored;
      if (!isOther) return;
      isStored = true;
      openChannel();
      load().catch(() => {});
      restart();
    });
    addEventListener("online", restart);
    document.addEventListener("visibilitychange", () => {
      update();
      if (isVisible()) wake();
    });
    // A page with an open stream, lock or channel cannot enter the back/forward cache.
    addEventListener("pagehide", () => {
      isFrozen = true;
      update();
      channel?.close();
      channel = null;
    });
    addEventListener("pageshow", ({ persisted }) => {
      isFrozen = false;
      if (!persisted) return;
      openChannel();
      if (isStored) load().catch(() => {});
      restart();
    });
    setInterval(() => {
      if (!isVisible() || isLeading) return;
      if (client.isDisabled) client.setOpen(isOpen);
      else if (isStored || conversation) load().catch(() => {});
    }, IDLE_INTERVAL);

    // --- Actions ---

    let typedAt = 0;
    Object.assign(client, {
      // Load a returning visitor's messages.
      start: async () => {
        if (!isStored) return;
        openChannel();
        try {
          await load();
        } catch (error) {
          if (error.status === 410) disable();
        }
      },
      setOpen: (value) => {
        isOpen = value;
        // The webchat may have been enabled again.
        if (isOpen) client.isDisabled = false;
        update();
      },
      send: (text) => {
        // In an insecure context there is no randomUUID.
        const clientKey = [...crypto.getRandomValues(new Uint8Array(16))]
          .map((byte) => byte.toString(16).padStart(2, "0")).join("");
        const message = { clientKey, text, author: "visitor", kind: "text", createdAt: new Date().toISOString() };
        // Messages stay in their order.
        client.queue.push(...client.failed.splice(0), message);
        remember();
        flush();
        return message;
      },
      retry: () => {
        client.queue.push(...client.failed.splice(0));
        flush();
        wake();
      },
      read: () => client.unread && isVisible() && markRead(last),
      typing: () => {
        if (client.state !== "open" || Date.now() - typedAt < TYPING_INTERVAL) return;
        typedAt = Date.now();
        post("typing").catch(() => {});
      },
      human: () => post("human").then(load),
      close: () => post("close").then(load),
      rate: async (score, comment) => {
        try {
          const response = await request(`/widget/${id}/rating`, { method: "PUT", body: { score, comment } });
          const { rating } = await response.json();
          setRating(rating);
          share("rating", rating);
        } catch (error) {
          if (error.status === 409) await load().catch(() => {});
          throw error;
        }
      },
      transcript: async () => (await request(`/widget/${id}/transcript`)).blob(),
      // Until when the loader prepares the frame, in milliseconds since the epoch; 0 without storage.
      rememberedUntil: () => (isStored && conversation ? Date.now() + REMEMBER_DAYS * 864e5 : 0),
    });
    return client;
  };
})();
