// A reconnect storm: all streams end at once, and the clients connect again, in virtual time.
//
//     node tests/benchmarks/storm.mjs [--clients 10000] [--rate 500] [--down 5]
//
// The clients run the loop and the delays of webchats/static/webchats/chat_client.js itself, whose
// source is read here; only the network and the clock are replaced. The process `live` begins
// `rate` streams per second, one after the other, and is down for `down` seconds, in which the proxy
// holds requests for up to ten seconds. Prints the highest number of requests in a second, and when
// 50, 99 and 100 % of the clients had a stream again.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    clients: { type: "string", default: "10000" },
    rate: { type: "string", default: "500" },
    down: { type: "string", default: "5" },
  },
});
const [clients, rate, down] = ["clients", "rate", "down"].map((name) => Number(options[name]));
const PROXY_SECONDS = 10;
// MAX_OPENING of webchats/conversations/live/application.py.
const OPENING = 200;
const LIMIT = 600;

const source = readFileSync(
  new URL("../../webchats/static/webchats/chat_client.js", import.meta.url),
  "utf8",
);
const cut = (begin, end) => {
  const from = source.indexOf(begin);
  if (from < 0) throw Error(`${begin} is not in chat_client.js`);
  return source.slice(from, source.indexOf(end, from) + end.length);
};
const constants = source.match(/^ {2}const [A-Z_]+ = [\d_]+;$/gm).join("\n");
const FIRST_BYTE_TIMEOUT = eval(`${constants}; FIRST_BYTE_TIMEOUT`) / 1000;
const makeFollow = new Function(
  ...["readStream", "load", "sleep", "setConnected", "disable", "client", "Date", "setTimeout"],
  `${constants}
  ${cut("  const backoff = ", ";\n")}
  let isLeading;
  ${cut("    const follow = async", "\n    };\n")}
  return follow;`,
);

// --- Virtual time ---

let now = 0;
const queue = [];
const at = (time, action) => {
  let low = queue.length;
  queue.push(null);
  for (let parent; low > 0 && queue[(parent = (low - 1) >> 1)].time > time; low = parent)
    queue[low] = queue[parent];
  queue[low] = { time, action };
};
const pop = () => {
  const [first] = queue;
  const last = queue.pop();
  if (queue.length) {
    let index = 0;
    for (let child; (child = 2 * index + 1) < queue.length; index = child) {
      if (child + 1 < queue.length && queue[child + 1].time < queue[child].time) child++;
      if (queue[child].time >= last.time) break;
      queue[index] = queue[child];
    }
    queue[index] = last;
  }
  return first;
};
const wait = (seconds) => new Promise((resolve) => at(now + seconds, resolve));

// --- The service ---

let freeAt = down;
let refused = 0;
const streams = new Map();
const polls = new Map();
const count = (counts) => counts.set(Math.floor(now), (counts.get(Math.floor(now)) ?? 0) + 1);

// Resolves at the first byte, or rejects: the client gives up, or the proxy does.
const connect = async () => {
  count(streams);
  const gaveUpAt = now + FIRST_BYTE_TIMEOUT;
  if (now < down) {
    const heldUntil = Math.min(down, now + PROXY_SECONDS, gaveUpAt);
    await wait(heldUntil - now);
    if (now >= gaveUpAt) throw Error("no first byte");
    if (now < down) throw Object.assign(Error("503"), { status: 503, retryAfter: 5_000 });
  }
  // The service refuses what would wait for too long, in a tenth of the time.
  if (freeAt - now > OPENING / rate) {
    freeAt += 0.1 / rate;
    refused++;
    throw Object.assign(Error("503"), { status: 503, retryAfter: 5_000 });
  }
  // A request of a client that gave up is still answered.
  freeAt = Math.max(freeAt, now) + 1 / rate;
  if (freeAt > gaveUpAt) {
    await wait(gaveUpAt - now);
    throw Error("no first byte");
  }
  await wait(freeAt - now);
};

// --- The clients ---

const connectedAt = [];
const start = () => {
  let isFirst = true;
  let isConnected = false;
  const readStream = async (signal, onFirstByte) => {
    if (isFirst) {
      // The stream that ends at the beginning, and was stable before.
      isFirst = false;
      return;
    }
    await connect();
    if (!isConnected) connectedAt.push(now);
    isConnected = true;
    onFirstByte();
    await new Promise(() => {});
  };
  const load = async () => count(polls);
  const ended = { now: () => (isFirst ? 0 : (now + 3600) * 1000) };
  const signal = { aborted: false };
  makeFollow(
    readStream,
    load,
    (milliseconds) => wait(milliseconds / 1000),
    () => {},
    () => {},
    {},
    ended,
    () => {},
  )(signal);
};
for (let number = 0; number < clients; number++) start();
const settle = () => new Promise((resolve) => setImmediate(resolve));
await settle();
while (queue.length && connectedAt.length < clients && queue[0].time < LIMIT) {
  const { time, action } = pop();
  now = time;
  action();
  if (!queue.length || queue[0].time > now) await settle();
}

const highest = (counts) => Math.max(0, ...counts.values());
const share = (part) => {
  const time = connectedAt[Math.ceil(part * clients) - 1];
  return time === undefined ? `not within ${LIMIT} s` : `${time.toFixed(1)} s`;
};
console.log(
  JSON.stringify({
    clients,
    rate,
    down,
    "peak of connects per second": highest(streams),
    "connects in all": [...streams.values()].reduce((sum, number) => sum + number, 0),
    refused,
    "peak of polls per second": highest(polls),
    "50 %": share(0.5),
    "99 %": share(0.99),
    all: share(1),
  }),
);
