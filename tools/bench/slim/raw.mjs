// Raw routing: plain connections that stamp once and send the same bytes again, so that the node is what is measured.
import { cpuOf, memoryOf } from "./nodes.mjs";
import { connect, frame, headerOf, uuid } from "./wire.mjs";

/**
 * Every message to every receiver, by a channel name. `tokens`: how many identities a sender takes turns with. Ours keep a token for a minute; a
 * released app mints one for each message, so that no header comes twice.
 */
export const shapes = [
  [1, 1],
  [1, 8],
  [8, 8],
].flatMap(([senders, receivers]) =>
  [64, 1024, 16_384].map((bytes) => ({ senders, receivers, bytes, tokens: 1 })),
);
shapes.push({ senders: 1, receivers: 1, bytes: 64, tokens: 1000 });
shapes.push({ senders: 1, receivers: 8, bytes: 64, tokens: 1000 });

/** `senders` publish `count` messages each to a name that `receivers` hold; ends when all arrived. */
export async function route(node, { senders, receivers, bytes, tokens = 1, count }) {
  const channel = `agntcy/ns/chat/${uuid(99)}`;
  const all = senders * receivers * count;
  let arrived = 0;
  let finish;
  const finished = new Promise((resolve) => (finish = resolve));
  const inn = await Promise.all(
    Array.from({ length: receivers }, (_, n) => connect(node.url, `in-${n}`)),
  );
  for (const [n, one] of inn.entries()) {
    await one.subscribe(`agntcy/ns/in/${uuid(n)}`);
    await one.subscribe(channel);
    one.hear(() => {
      arrived += 1;
      if (arrived === all) finish();
    });
  }
  const out = await Promise.all(
    Array.from({ length: senders }, (_, n) => connect(node.url, `out-${n}`)),
  );
  const memory = [memoryOf(node.pid)];
  const watching = setInterval(() => memory.push(memoryOf(node.pid)), 100);
  const cpu = cpuOf(node.pid);
  const started = performance.now();
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`${arrived} of ${all} arrived`)), 180_000).unref();
  });
  const sending = out.map(async (one, n) => {
    const messages = Array.from({ length: tokens }, (_, at) =>
      frame(
        one.stamped({
          kind: "publish",
          value: {
            header: headerOf(`agntcy/ns/out/${uuid(n)}`, channel, 256, at),
            session: { sessionType: 2, sessionMessageType: 1, sessionId: 7, messageId: 1 },
            msg: { kind: "appPayload", value: { payloadType: "msg", blob: new Uint8Array(bytes) } },
          },
        }),
      ),
    );
    const batch = Math.max(1, Math.floor(65_536 / messages[0].length));
    for (let sent = 0; sent < count; sent += batch) {
      const size = Math.min(batch, count - sent);
      const chunk = Buffer.concat(
        Array.from({ length: size }, (_, at) => messages[(sent + at) % tokens]),
      );
      if (!one.stream.write(chunk)) {
        await new Promise((resolve) => one.stream.once("drain", resolve));
      }
    }
  });
  try {
    await Promise.race([Promise.all([...sending, finished]), late]);
  } finally {
    clearInterval(watching);
    for (const { session } of [...inn, ...out]) session.destroy();
  }
  const seconds = (performance.now() - started) / 1000;
  const busy = cpuOf(node.pid) - cpu;
  // the second half against the first: what is still growing then would go on growing
  const half = memory.length >> 1;
  const highest = (values) => Math.max(...values, memory[0]);
  return {
    messages: all,
    perSecond: all / seconds,
    cpuMicros: (busy * 1e6) / all,
    perCore: all / busy,
    memoryMB: highest(memory) / 1e6,
    growthMB: (highest(memory.slice(half)) - highest(memory.slice(0, half))) / 1e6,
  };
}

/** Memory that `count` connections take in the node, each with a name it answers to. */
export async function connections(node, count) {
  const before = memoryOf(node.pid);
  const open = [];
  for (let at = 0; at < count; at += 50) {
    const some = Array.from({ length: Math.min(50, count - at) }, async (_, n) => {
      const one = await connect(node.url, `link-${at + n}`);
      await one.subscribe(`agntcy/ns/app-${at + n}/${uuid(at + n)}`);
      return one;
    });
    open.push(...(await Promise.all(some)));
  }
  // memory that is free again by itself soon is not what a connection takes
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const bytes = memoryOf(node.pid) - before;
  for (const { session } of open) session.destroy();
  return { connections: count, memoryMB: bytes / 1e6, kBEach: bytes / count / 1000 };
}
