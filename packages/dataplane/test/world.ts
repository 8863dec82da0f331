import { concat, toUtf8 } from "@coterie/base";
import { opensslProvider as crypto } from "@coterie/crypto/openssl";
import { createMemoryTransport } from "@coterie/transport";
import type { Duplex } from "@coterie/transport";
import {
  encodeSlimName,
  headerMacPreimage,
  LinkConnectionType,
  Message,
  parseSlimName,
  peekSlimHeader,
  peekSlimMessage,
  slimPaths,
} from "@coterie/wire/slim";
import type { LinkNegotiationPayload, SLIMHeader } from "@coterie/wire/slim";
import { createMetrics } from "./metrics.ts";
import { createDataPlane } from "../src/data-plane.ts";
import type { DataPlaneLimits } from "../src/data-plane.ts";

export function plane(limits: Partial<DataPlaneLimits> = {}) {
  const metrics = createMetrics();
  const dataPlane = createDataPlane({
    crypto,
    nodeId: "n",
    version: "2.2.0+ts.1",
    metrics,
    limits,
  });
  const gauge = (name: string): number => {
    let sum = 0;
    for (const [, value] of metrics
      .render()
      .matchAll(new RegExp(`^${name}(?:{.*})? (\\d+)$`, "gm"))) {
      sum += Number(value);
    }
    return sum;
  };
  return {
    dataPlane,
    metrics,
    transport: createMemoryTransport(dataPlane.routes),
    stats: () => ({
      connections: gauge("coterie_slim_connections"),
      names: gauge("coterie_slim_names"),
    }),
  };
}
export type Plane = ReturnType<typeof plane>;

export const header = (from: string, to: string, more: Partial<SLIMHeader> = {}): SLIMHeader => ({
  source: encodeSlimName(parseSlimName(from)),
  destination: encodeSlimName(parseSlimName(to)),
  identity: "token",
  fanout: 1,
  version: "2.0.0",
  ttl: 8,
  ...more,
});

const message = (messageType: Message["messageType"]): Uint8Array =>
  Message.encode({ metadata: new Map([["k", "v"]]), messageType });

export const publish = (head: SLIMHeader, text = "hi"): Uint8Array =>
  message({
    kind: "publish",
    value: {
      header: head,
      session: { sessionType: 2, sessionMessageType: 1, sessionId: 7, messageId: 1 },
      msg: { kind: "appPayload", value: { payloadType: "msg", blob: toUtf8(text) } },
    },
  });
export const subscribe = (head: SLIMHeader, subscriptionId: bigint): Uint8Array =>
  message({ kind: "subscribe", value: { header: head, subscriptionId } });
export const unsubscribe = (head: SLIMHeader, subscriptionId: bigint): Uint8Array =>
  message({ kind: "unsubscribe", value: { header: head, subscriptionId } });

export const offer = (more: Partial<LinkNegotiationPayload> = {}): Uint8Array =>
  message({
    kind: "link",
    value: {
      kind: "linkNegotiation",
      value: {
        linkId: "link-1",
        slimVersion: "2.2.0",
        isReply: false,
        linkEcdhPublicKey: crypto.dhPublicKey("x25519", new Uint8Array(32).fill(1)),
        connectionType: LinkConnectionType.edge,
        nodeId: "node-app",
        deploymentName: "",
        ...more,
      },
    },
  });

/** An app's side of a connection, written for these tests: it stamps what it sends and checks what it gets. */
export interface App {
  readonly duplex: Duplex;
  /** With the right MAC, or the one given. */
  send(bytes: Uint8Array, mac?: Uint8Array): Promise<void>;
  next(): Promise<Message>;
}

let links = 1;

export async function connect(
  { transport }: Plane,
  more: Partial<LinkNegotiationPayload> = {},
): Promise<App> {
  const duplex = transport.duplex(slimPaths.openChannel);
  const { linkId = `link-${++links}` } = more;
  await duplex.send(offer({ ...more, linkId }));
  const incoming = duplex[Symbol.asyncIterator]();
  const reply = Message.decode((await incoming.next()).value as Uint8Array).messageType;
  if (reply.kind !== "link" || reply.value.kind !== "linkNegotiation") throw new Error(reply.kind);
  const { linkEcdhPublicKey } = reply.value.value;
  const shared = crypto.dh("x25519", new Uint8Array(32).fill(1), linkEcdhPublicKey);
  const prk = crypto.hkdfExtract("sha256", toUtf8(linkId), shared);
  const key = crypto.hkdfExpand("sha256", prk, toUtf8("SLIM-DP-inter-node-hmac-v1"), 32);
  const macOf = (bytes: Uint8Array): Uint8Array => {
    const peeked = peekSlimMessage(bytes);
    if (!("header" in peeked)) throw new Error(peeked.kind);
    const head = bytes.subarray(peeked.header.start, peeked.header.end);
    const fields = peekSlimHeader(head);
    return crypto.hmac("sha256", key, headerMacPreimage(linkId, head, fields, fields));
  };
  return {
    duplex,
    async send(bytes, mac) {
      const peeked = peekSlimMessage(bytes);
      if (!("header" in peeked)) return duplex.send(bytes);
      const decoded = Message.decode(bytes);
      const { messageType } = decoded;
      if (messageType.kind === "unset" || !("header" in messageType.value))
        throw new Error(messageType.kind);
      const { header: head } = messageType.value;
      const signed = { ...head, headerMac: mac ?? macOf(bytes) };
      await duplex.send(
        Message.encode({
          ...decoded,
          messageType: { ...messageType, value: { ...messageType.value, header: signed } } as never,
        }),
      );
    },
    async next() {
      const { value, done } = await incoming.next();
      if (done === true) throw new Error("ended");
      const decoded = Message.decode(value as Uint8Array);
      const { messageType } = decoded;
      if (messageType.kind === "publish") {
        const mac = messageType.value.header?.headerMac ?? new Uint8Array(0);
        const expected = macOf(value as Uint8Array);
        if (concat(mac).toString() !== expected.toString()) throw new Error("wrong MAC");
      }
      return decoded;
    },
  };
}

export async function subscribed(world: Plane, name: string, id = 1n): Promise<App> {
  const app = await connect(world);
  await app.send(subscribe(header(name, name), id));
  const { messageType } = await app.next();
  if (messageType.kind !== "subscriptionAck" || !messageType.value.success) {
    throw new Error("not subscribed");
  }
  return app;
}

export function textOf({ messageType }: Message): string {
  if (messageType.kind !== "publish") throw new Error(messageType.kind);
  const { msg } = messageType.value;
  if (msg?.kind !== "appPayload") throw new Error("no payload");
  return new TextDecoder().decode(msg.value.blob);
}
