// node tools/bench/slim.mjs [--json] [--native]    after a build
//
// Raw routing: messages through a node between plain connections that stamp once and send the same bytes again, so that the node is what is
// measured: messages a second that arrive, and processor time of the node for each. `--native` runs the released native node beside ours, where
// interop/ is installed.
import { spawn } from "node:child_process";
import http2 from "node:http2";
import net from "node:net";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createOpensslProvider } from "../../packages/crypto/dist/openssl.js";
import {
  encodeSlimName,
  headerMacPreimage,
  LinkConnectionType,
  Message,
  parseSlimName,
  peekSlimHeader,
  peekSlimMessage,
  slimPaths,
} from "../../packages/wire/dist/slim/index.js";

const args = new Set(process.argv.slice(2));
const json = args.has("--json");
const crypto = createOpensslProvider();
const text = (words) => new TextEncoder().encode(words);
const uuid = (n) => `${String(n).padStart(8, "0")}-0000-4000-8000-000000000000`;
const frame = (bytes) => {
  const out = Buffer.alloc(5 + bytes.length);
  out.writeUInt32BE(bytes.length, 1);
  out.set(bytes, 5);
  return out;
};

/** A connection of its own socket: negotiated, and told of every message that comes. */
async function connect(url, linkId) {
  const { hostname, port } = new URL(url);
  const session = http2.connect(url, {
    createConnection: () => net.connect({ host: hostname, port: Number(port), noDelay: true }),
    settings: { initialWindowSize: 16 * 1024 * 1024 },
  });
  session.on("error", () => {});
  await new Promise((resolve) => session.once("connect", resolve));
  session.setLocalWindowSize(64 * 1024 * 1024);
  const stream = session.request({
    ":method": "POST",
    ":path": slimPaths.openChannel,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  let onMessage = () => {};
  let rest = Buffer.alloc(0);
  stream.on("data", (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= 5) {
      const length = rest.readUInt32BE(at + 1);
      if (rest.length - at < 5 + length) break;
      onMessage(rest.subarray(at + 5, at + 5 + length));
      at += 5 + length;
    }
    rest = rest.subarray(at);
  });
  const once = () => new Promise((resolve) => (onMessage = resolve));
  const privateKey = new Uint8Array(32).fill(1);
  let subscriptions = 0n;
  const reply = once();
  stream.write(
    frame(
      Message.encode({
        metadata: new Map(),
        messageType: {
          kind: "link",
          value: {
            kind: "linkNegotiation",
            value: {
              linkId,
              slimVersion: "2.2.0",
              isReply: false,
              linkEcdhPublicKey: crypto.dhPublicKey("x25519", privateKey),
              connectionType: LinkConnectionType.edge,
              nodeId: "bench",
              deploymentName: "",
            },
          },
        },
      }),
    ),
  );
  const { linkEcdhPublicKey } = Message.decode(await reply).messageType.value.value;
  const prk = crypto.hkdfExtract(
    "sha256",
    text(linkId),
    crypto.dh("x25519", privateKey, linkEcdhPublicKey),
  );
  const key = crypto.hkdfExpand("sha256", prk, text("SLIM-DP-inter-node-hmac-v1"), 32);
  const stamped = (messageType) => {
    const bytes = Message.encode({ metadata: new Map(), messageType });
    const peeked = peekSlimMessage(bytes);
    const head = bytes.subarray(peeked.header.start, peeked.header.end);
    const fields = peekSlimHeader(head);
    const headerMac = crypto.hmac("sha256", key, headerMacPreimage(linkId, head, fields, fields));
    const { value } = messageType;
    return Message.encode({
      metadata: new Map(),
      messageType: { ...messageType, value: { ...value, header: { ...value.header, headerMac } } },
    });
  };
  return {
    stream,
    session,
    stamped,
    hear: (listener) => (onMessage = listener),
    async subscribe(name) {
      const acknowledged = once();
      subscriptions += 1n;
      const header = headerOf(name, name, 1);
      stream.write(
        frame(stamped({ kind: "subscribe", value: { header, subscriptionId: subscriptions } })),
      );
      const { value } = Message.decode(await acknowledged).messageType;
      if (!value.success) throw new Error(value.error);
    },
  };
}

function headerOf(source, destination, fanout) {
  return {
    source: encodeSlimName(parseSlimName(source)),
    destination: encodeSlimName(parseSlimName(destination)),
    identity: "x".repeat(232), // as long as a token is
    fanout,
    version: "2.2.0",
    ttl: 8,
  };
}

/** `senders` publish `count` messages each to a name that `receivers` hold; ends when all arrived. */
async function run(url, pid, { senders, receivers, bytes, count }) {
  const channel = `agntcy/ns/chat/${uuid(99)}`;
  const all = senders * receivers * count;
  let arrived = 0;
  let finish;
  const finished = new Promise((resolve) => (finish = resolve));
  const inn = await Promise.all(
    Array.from({ length: receivers }, (_, n) => connect(url, `in-${n}`)),
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
    Array.from({ length: senders }, (_, n) => connect(url, `out-${n}`)),
  );
  const cpu = cpuOf(pid);
  const started = performance.now();
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`${arrived} of ${all} arrived`)), 120_000).unref();
  });
  const sending = out.map(async (one, n) => {
    const message = frame(
      one.stamped({
        kind: "publish",
        value: {
          header: headerOf(`agntcy/ns/out/${uuid(n)}`, channel, 256),
          session: { sessionType: 2, sessionMessageType: 1, sessionId: 7, messageId: 1 },
          msg: {
            kind: "appPayload",
            value: { payloadType: "msg", blob: new Uint8Array(bytes) },
          },
        },
      }),
    );
    const batch = Math.max(1, Math.floor(65_536 / message.length));
    for (let sent = 0; sent < count; sent += batch) {
      const size = Math.min(batch, count - sent);
      const chunk = Buffer.concat(Array.from({ length: size }, () => message));
      if (!one.stream.write(chunk))
        await new Promise((resolve) => one.stream.once("drain", resolve));
    }
  });
  await Promise.race([Promise.all([...sending, finished]), late]);
  const seconds = (performance.now() - started) / 1000;
  const busy = cpuOf(pid) - cpu;
  for (const { session } of [...inn, ...out]) session.destroy();
  return { perSecond: all / seconds, cpuMicros: (busy * 1e6) / all };
}

/** Seconds of processor time that a process has had; Linux only. */
function cpuOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
}

async function startOurs() {
  const data = mkdtempSync(join(tmpdir(), "coterie-bench-"));
  const main = fileURLToPath(new URL("../../apps/node/dist/main.js", import.meta.url));
  const child = spawn(
    process.execPath,
    [main, "--data", data, "--xmtp", "0", "--slim", "0", "--log-level", "silent"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const [line] = await new Promise((resolve) =>
    createInterface({ input: child.stdout }).once("line", (first) => resolve([first])),
  );
  const stop = () => {
    child.kill("SIGKILL");
    rmSync(data, { recursive: true, force: true });
  };
  return { url: JSON.parse(line).slim, pid: child.pid, stop };
}

async function startNative() {
  const program = fileURLToPath(new URL("slim-native-node.mjs", import.meta.url));
  const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] });
  const url = await new Promise((resolve) =>
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("http")) resolve(line);
    }),
  );
  return { url, pid: child.pid, stop: () => child.kill("SIGKILL") };
}

const shapes = [
  { senders: 1, receivers: 1, bytes: 64, count: 100_000 },
  { senders: 1, receivers: 8, bytes: 64, count: 20_000 },
  { senders: 8, receivers: 8, bytes: 64, count: 2_500 },
  { senders: 1, receivers: 1, bytes: 1024, count: 50_000 },
  { senders: 1, receivers: 1, bytes: 16_384, count: 10_000 },
];
const nodes = [["ours", startOurs]];
if (args.has("--native")) nodes.push(["native", startNative]);
const rows = [];
for (const shape of shapes) {
  const row = { ...shape };
  for (const [name, start] of nodes) {
    const node = await start();
    try {
      await run(node.url, node.pid, { ...shape, count: Math.ceil(shape.count / 10) });
      const runs = [];
      for (let n = 0; n < 3; n += 1) runs.push(await run(node.url, node.pid, shape));
      row[name] = runs.toSorted((a, b) => b.perSecond - a.perSecond)[1];
    } catch (error) {
      row[name] = { error: error.message };
    } finally {
      node.stop();
    }
  }
  if (row.native?.perSecond) row.ratio = row.ours.perSecond / row.native.perSecond;
  rows.push(row);
  if (!json) {
    const shown = nodes.map(([name]) => {
      const { perSecond, cpuMicros, error } = row[name];
      if (error) return `${name}: ${error}`;
      return `${name} ${Math.round(perSecond).toLocaleString("en")}/s, ${cpuMicros.toFixed(1)} µs`;
    });
    const ratio = row.ratio ? `   ×${row.ratio.toFixed(2)}` : "";
    const title = `${shape.senders}→${shape.receivers}, ${shape.bytes} B`;
    console.log(`${title.padEnd(16)} ${shown.join("   ")}${ratio}`);
  }
}
if (json) console.log(JSON.stringify({ node: process.version, rows }, null, 2));
process.exit(0);
