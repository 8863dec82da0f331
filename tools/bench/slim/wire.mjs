// A connection to a node that knows the data plane's wire and nothing of sessions.
import http2 from "node:http2";
import net from "node:net";
import { createOpensslProvider } from "../../../packages/crypto/dist/openssl.js";
import {
  encodeSlimName,
  headerMacPreimage,
  LinkConnectionType,
  Message,
  parseSlimName,
  peekSlimHeader,
  peekSlimMessage,
  slimPaths,
} from "../../../packages/wire/dist/slim/index.js";

const crypto = createOpensslProvider();
const text = (words) => new TextEncoder().encode(words);
export const uuid = (n) => `${String(n).padStart(8, "0")}-0000-4000-8000-000000000000`;
export const frame = (bytes) => {
  const out = Buffer.alloc(5 + bytes.length);
  out.writeUInt32BE(bytes.length, 1);
  out.set(bytes, 5);
  return out;
};

/** A connection with a socket of its own: negotiated, and told of every message that comes. */
export async function connect(url, linkId) {
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

export function headerOf(source, destination, fanout, token = 0) {
  return {
    source: encodeSlimName(parseSlimName(source)),
    destination: encodeSlimName(parseSlimName(destination)),
    identity: String(token).padEnd(232, "x"), // as long as a token is
    fanout,
    version: "2.2.0",
    ttl: 8,
  };
}
