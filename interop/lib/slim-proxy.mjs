// Between apps and a node: every message of the data plane passes by, and can be lost, late, doubled or out of order; connections can be cut.
// Headers' MACs stay right, as links are negotiated through it and no message is changed.
import http2 from "node:http2";
import net from "node:net";
import { Message, SessionMessageType } from "../../packages/wire/dist/slim/index.js";

const typeNames = new Map(
  Object.entries(SessionMessageType).map(([name, value]) => [
    value,
    name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
  ]),
);
const textOf = (name) => {
  const strings = name?.strName;
  return strings && [strings.strComponent0, strings.strComponent1, strings.strComponent2].join("/");
};

/** What a rule is asked about. `app` is whose connection it is, once it has subscribed. */
function describe(bytes, connection, toNode) {
  const { messageType, metadata } = Message.decode(bytes);
  const { value } = messageType;
  const known = {
    kind: messageType.kind,
    toNode,
    app: connection.app,
    metadata: Object.fromEntries(metadata),
    size: bytes.length,
    message: messageType,
  };
  if (value.header === undefined) return { ...known, type: messageType.kind };
  const { source, destination, fanout } = value.header;
  return {
    ...known,
    type: typeNames.get(value.session?.sessionMessageType) ?? messageType.kind,
    from: textOf(source),
    to: textOf(destination),
    fanout,
    sessionId: value.session?.sessionId,
    messageId: value.session?.messageId,
  };
}

/** Calls back with each gRPC message, the five bytes before it included. */
function deframe(stream, onFrame) {
  let rest = Buffer.alloc(0);
  stream.on("data", (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 5) {
      const end = 5 + rest.readUInt32BE(1);
      if (rest.length < end) return;
      onFrame(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  });
}

const plain = (headers) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(":")));

/**
 * A proxy before `target()`. Its `rule` is asked about each message and answers nothing, to let it pass; "drop"; "hold", until `release`;
 * `{ after: ms }`, while others overtake it; or `{ copies: n }`.
 */
export async function openProxy(target) {
  const connections = new Set();
  const waiting = new Set();
  let held = [];
  const proxy = {
    rule: undefined,
    /** The latest messages, each with what became of it. */
    log: [],
    passed: 0,
    /** Lets go of what was held, the last first where told so. */
    release({ reversed = false } = {}) {
      const all = reversed ? held.toReversed() : held;
      held = [];
      for (const pass of all) pass();
    },
    /** Ends when a message has come by that the predicate is true of; those before do not count. */
    seen(what, predicate, timeoutMs = 15_000) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(one);
          reject(new Error(`waited ${timeoutMs} ms for ${what}`));
        }, timeoutMs);
        const one = (message) => {
          if (!predicate(message)) return;
          clearTimeout(timer);
          waiting.delete(one);
          resolve(message);
        };
        waiting.add(one);
      });
    },
    /** Drops the first `count` that the predicate is true of; all others pass by. Gives what was lost. */
    lose(predicate, count = 1) {
      const lost = [];
      proxy.rule = (message) => {
        if (lost.length >= count || !predicate(message)) return undefined;
        lost.push(message);
        return "drop";
      };
      return lost;
    },
    /** Cuts the connections of an app, or all, without a word. */
    cut(app) {
      for (const connection of connections) {
        if (app === undefined || connection.app === app) connection.cut();
      }
    },
    async close() {
      proxy.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  const pass = (connection, toNode, stream, frame) => {
    const message = describe(frame.subarray(5), connection, toNode);
    if (toNode && message.kind === "subscribe") connection.app ??= message.from;
    const verdict = proxy.rule?.(message);
    proxy.log.push({ ...message, verdict, at: performance.now() });
    if (proxy.log.length > 5000) proxy.log.splice(0, 1000);
    const write = () => {
      proxy.passed += 1;
      if (!stream.destroyed && !stream.writableEnded) stream.write(frame);
    };
    if (verdict === "hold") held.push(write);
    else if (verdict?.after !== undefined) setTimeout(write, verdict.after);
    else if (verdict !== "drop") {
      for (let copy = 0; copy < (verdict?.copies ?? 1); copy += 1) write();
    }
    for (const one of [...waiting]) one(message);
  };

  const server = http2.createServer({ settings: { initialWindowSize: 1 << 22 } });
  server.on("connection", (socket) => socket.setNoDelay(true));
  server.on("session", (session) => {
    session.setLocalWindowSize(1 << 24);
    session.on("error", () => {});
  });
  server.on("stream", (down, headers) => {
    const { hostname, port } = new URL(target());
    const client = http2.connect(target(), {
      createConnection: () => net.connect({ host: hostname, port: Number(port), noDelay: true }),
      settings: { initialWindowSize: 1 << 22 },
    });
    client.once("connect", () => client.setLocalWindowSize(1 << 24));
    const connection = {
      app: undefined,
      cut() {
        connections.delete(connection);
        down.session?.destroy();
        client.destroy();
      },
    };
    connections.add(connection);
    client.on("error", connection.cut);
    const up = client.request({
      ...plain(headers),
      ":method": headers[":method"],
      ":path": headers[":path"],
    });
    let trailers = { "grpc-status": "14" };
    for (const stream of [up, down]) stream.on("error", () => {});
    up.on("response", (answer) => {
      if (!down.destroyed) {
        down.respond({ ":status": answer[":status"], ...plain(answer) }, { waitForTrailers: true });
      }
    });
    up.on("trailers", (fields) => (trailers = plain(fields)));
    down.on("wantTrailers", () => down.sendTrailers(trailers));
    deframe(down, (frame) => pass(connection, true, up, frame));
    deframe(up, (frame) => pass(connection, false, down, frame));
    down.on("end", () => up.end());
    up.on("end", () => down.end());
    up.on("close", () => {
      connections.delete(connection);
      client.close();
      if (!down.destroyed && !down.writableEnded) down.close();
    });
    down.on("close", () => {
      if (!up.destroyed) up.close();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy.url = `http://127.0.0.1:${server.address().port}`;
  return proxy;
}
