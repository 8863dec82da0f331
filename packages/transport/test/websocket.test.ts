import { afterEach, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { acceptBearer, Status, StatusError } from "@coterie/transport";
import type { DuplexHandler } from "@coterie/transport";
import { createWebSocketTransport } from "@coterie/transport/websocket";
import type { WebSocketTransportOptions } from "@coterie/transport/websocket";
import { createWebSocketServer, nodeWebSocket } from "@coterie/transport/websocket-node";
import type { WebSocketServerOptions } from "@coterie/transport/websocket-node";
import { collect } from "./collect.ts";
import { selfSigned } from "./self-signed.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const echo: DuplexHandler = (requests) => requests;

async function serve(options: Partial<WebSocketServerOptions> = {}) {
  const server = await createWebSocketServer({ handle: echo, ...options });
  cleanups.push(() => server.close({ graceMs: 0 }));
  return server;
}

/** One message there and back, or why not. */
async function exchange(
  url: string,
  more: Partial<WebSocketTransportOptions> = {},
): Promise<unknown> {
  const transport = createWebSocketTransport({ url, ...more });
  cleanups.push(() => transport.close());
  const call = transport.duplex("/any");
  try {
    await call.send(Uint8Array.of(1, 2));
    const { value } = await call[Symbol.asyncIterator]().next();
    call.end();
    return value;
  } catch (error) {
    return (error as { status?: number }).status ?? error;
  }
}

/** A socket as it is, and how it ended. */
async function raw(url: string) {
  const socket = new WebSocket(url, { perMessageDeflate: true });
  cleanups.push(() => socket.terminate());
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return { socket, closed };
}

test("SCN-07: only the path asked for is answered, and a page that only asks gets nothing", async () => {
  const server = await serve({ path: "/slim" });
  expect(server.url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/slim$/);
  const elsewhere = server.url.replace("/slim", "/other");
  expect(await exchange(server.url)).toEqual(Uint8Array.of(1, 2));
  expect(await exchange(elsewhere)).toBe(Status.unavailable);
  expect(await exchange(elsewhere, { open: nodeWebSocket() })).toBe(Status.unimplemented);
  expect((await fetch(server.url.replace("ws:", "http:"))).status).toBe(404);
});

test("SCN-07: a text frame closes with 1003, one that is no message with 1007, one that is too long with 1009", async () => {
  const server = await serve({
    isMessage: ([first]) => first !== 9,
    limits: { maxMessageBytes: 1000 },
  });
  for (const [frame, code] of [
    ["text", 1003],
    [Uint8Array.of(9), 1007],
    [new Uint8Array(1001), 1009],
  ] as const) {
    const { socket, closed } = await raw(server.url);
    socket.send(frame);
    expect(await closed).toBe(code);
  }
});

test("SCN-07: pings are answered, fragments put together, compression is not agreed to", async () => {
  const server = await serve();
  const { socket } = await raw(server.url);
  expect(socket.extensions).toBe("");
  const ponged = new Promise((resolve) => socket.once("pong", resolve));
  socket.ping();
  await ponged;
  const answer = new Promise((resolve) => socket.once("message", resolve));
  socket.send(Uint8Array.of(1), { fin: false });
  socket.send(Uint8Array.of(2), { fin: false });
  socket.send(Uint8Array.of(3), { fin: true });
  expect(await answer).toEqual(Buffer.from([1, 2, 3]));
});

test("SCN-08: a token in the query or a header in the upgrade, and 401 for everybody else", async () => {
  const server = await serve({ authorize: acceptBearer((token) => token === "right") });
  expect(await exchange(server.url, { token: () => "right" })).toEqual(Uint8Array.of(1, 2));
  const header = nodeWebSocket({ authorization: () => "Bearer right" });
  expect(await exchange(server.url, { open: header })).toEqual(Uint8Array.of(1, 2));
  expect(await exchange(server.url, { token: () => "wrong" })).toBe(Status.unavailable);
  const told = nodeWebSocket({ authorization: () => "Bearer wrong" });
  expect(await exchange(server.url, { open: told })).toBe(Status.unauthenticated);
  expect(await exchange(server.url, { open: nodeWebSocket() })).toBe(Status.unauthenticated);
});

test("SCN-09: over TLS, with certificates on both sides where asked for", async () => {
  const [mine, theirs] = [selfSigned(), selfSigned()];
  const server = await serve({ tls: { ...mine, clientCa: theirs.cert, minVersion: "TLSv1.3" } });
  expect(server.url).toMatch(/^wss:/);
  const known = nodeWebSocket({ tls: { ca: mine.cert, ...theirs } });
  expect(await exchange(server.url, { open: known })).toEqual(Uint8Array.of(1, 2));
  const nobody = nodeWebSocket({ tls: { ca: mine.cert } });
  expect(await exchange(server.url, { open: nobody })).toBe(Status.unavailable);
});

test("how a call ends reaches the caller with its status and its words", async () => {
  const words = "no: ä".repeat(60);
  const server = await serve({
    // oxlint-disable-next-line require-yield
    async *handle() {
      throw new StatusError(Status.alreadyExists, words);
    },
  });
  const transport = createWebSocketTransport({ url: server.url });
  await expect(collect(transport.duplex("/any"))).rejects.toMatchObject({
    status: Status.alreadyExists,
    reason: expect.stringMatching(/^no: äno: ä/),
  });
  const broken = await serve({
    handle() {
      throw new Error("secret");
    },
  });
  const other = createWebSocketTransport({ url: broken.url });
  await expect(collect(other.duplex("/any"))).rejects.toMatchObject({
    status: Status.internal,
    reason: "internal error",
  });
});

test("SCN-10: who does not answer pings is cut, and who is too old is asked to go", async () => {
  const limits = { keepaliveMs: 20, keepaliveTimeoutMs: 20 };
  const silent = await raw((await serve({ limits })).url);
  silent.socket.pause();
  const server = await serve({
    limits: { maxAgeMs: 30, maxAgeGraceMs: 1000 },
    async *handle(_, { signal }) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      yield Uint8Array.of(3);
    },
  });
  const old = createWebSocketTransport({ url: server.url });
  expect(await collect(old.duplex("/any"))).toEqual([Uint8Array.of(3)]);
  await vi.waitFor(() => expect(server.stats().sessions).toBe(0));
});

test("SCN-05: a page that is behind by more than allowed is cut, and so is a caller that takes nothing", async () => {
  const flood: DuplexHandler = async function* () {
    for (;;) yield new Uint8Array(64 * 1024);
  };
  const server = await serve({ handle: flood, limits: { stallTimeoutMs: 50 } });
  const page = createWebSocketTransport({ url: server.url, maxQueuedBytes: 1024 * 1024 });
  const call = page.duplex("/any");
  await call.opened;
  await vi.waitFor(() => expect(server.stats().sessions).toBe(0), { timeout: 5000 });
  const { socket } = await raw(server.url);
  socket.pause();
  await vi.waitFor(() => expect(server.stats().sessions).toBe(0), { timeout: 5000 });
});

test("connections of one address have a limit, and a stopping server ends those that run", async () => {
  const server = await serve({ limits: { maxSessionsPerAddress: 1 } });
  const transport = createWebSocketTransport({ url: server.url });
  const call = transport.duplex("/any");
  await call.opened;
  expect(await exchange(server.url)).toBe(Status.unavailable);
  await server.close({ graceMs: 20 });
  await expect(collect(call)).rejects.toMatchObject({ status: Status.unavailable });
});

test("calls of one direction are not carried", async () => {
  const transport = createWebSocketTransport({ url: "ws://127.0.0.1:1" });
  await expect(transport.unary("/a", Uint8Array.of())).rejects.toMatchObject({ status: 12 });
  await expect(collect(transport.serverStream("/a", Uint8Array.of()))).rejects.toMatchObject({
    status: 12,
  });
  expect(() => createWebSocketTransport({ url: "http://127.0.0.1:1" })).toThrow(
    expect.objectContaining({ code: "transport/bad-url" }),
  );
  await transport.close();
});

/** A server whose peers do what `greet` says and get no answer to their pings. */
async function mute(greet: (socket: WebSocket) => void): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", autoPong: false });
  cleanups.push(() => server.close());
  server.on("connection", (socket) => {
    cleanups.push(() => socket.terminate());
    greet(socket);
  });
  await new Promise((resolve) => server.once("listening", resolve));
  return `ws://127.0.0.1:${(server.address() as { port: number }).port}`;
}

test("SCN-10: a server that answers no pings is given up, and one of which anything comes is not", async () => {
  const open = nodeWebSocket({ keepaliveMs: 250 });
  const silent = createWebSocketTransport({ url: await mute(() => {}), open });
  cleanups.push(() => silent.close());
  await expect(collect(silent.duplex("/any"))).rejects.toMatchObject({
    status: Status.unavailable,
  });
  // one long message that comes bit by bit
  const slowly = (socket: WebSocket): void => {
    let parts = 0;
    const timer = setInterval(() => {
      parts += 1;
      socket.send(Uint8Array.of(parts), { fin: parts === 20 });
      if (parts === 20) clearInterval(timer);
    }, 40);
  };
  const slow = createWebSocketTransport({ url: await mute(slowly), open });
  cleanups.push(() => slow.close());
  const { value } = await slow.duplex("/any")[Symbol.asyncIterator]().next();
  expect(value).toHaveLength(20);
});

test("SCN-10: a server that is not read is not taken for one that is gone", async () => {
  const large = new Uint8Array(64 * 1024);
  const server = await serve({
    async *handle(requests) {
      for (let n = 0; n < 4; n += 1) yield large;
      yield* requests;
    },
  });
  let socket: WebSocket | undefined;
  const transport = createWebSocketTransport({
    url: server.url,
    open: (url) => {
      const opened = nodeWebSocket({ keepaliveMs: 250 })(url);
      socket = opened as unknown as WebSocket;
      return opened;
    },
  });
  cleanups.push(() => transport.close());
  const call = transport.duplex("/any");
  await vi.waitFor(() => expect(socket?.isPaused).toBe(true));
  await new Promise((resolve) => setTimeout(resolve, 800));
  const incoming = call[Symbol.asyncIterator]();
  for (let n = 0; n < 4; n += 1) expect((await incoming.next()).value).toHaveLength(large.length);
  await call.send(Uint8Array.of(1));
  expect((await incoming.next()).value).toEqual(Uint8Array.of(1));
});

test("SCN-10: a caller that is not read is not taken for one that is gone", async () => {
  const server = await serve({
    limits: { keepaliveMs: 100, keepaliveTimeoutMs: 100 },
    async *handle(requests) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      let bytes = 0;
      for await (const request of requests) {
        bytes += request.length;
        if (bytes === 1024 * 1024) break;
      }
      yield Uint8Array.of(7);
    },
  });
  const { socket, closed } = await raw(server.url);
  const answer = new Promise((resolve) => socket.once("message", resolve));
  for (let n = 0; n < 16; n += 1) socket.send(new Uint8Array(64 * 1024));
  expect(await Promise.race([answer, closed])).toEqual(Buffer.of(7));
});

test("SCN-10: a server that is read again just before it is asked after has time to be heard", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  cleanups.push(() => vi.useRealTimers());
  const server = await serve();
  const socket = nodeWebSocket({ keepaliveMs: 250 })(server.url) as unknown as WebSocket;
  cleanups.push(() => socket.terminate());
  await new Promise((resolve) => socket.once("open", resolve));
  vi.advanceTimersByTime(250);
  socket.pause();
  await new Promise((resolve) => setTimeout(resolve, 20));
  socket.resume();
  vi.advanceTimersByTime(250);
  expect(socket.readyState).toBe(WebSocket.OPEN);
  vi.advanceTimersByTime(250);
  expect(socket.readyState).toBe(WebSocket.CLOSING);
});

test("a call that cannot begin fails as any other, and nothing is thrown", async () => {
  const server = await serve();
  const transport = createWebSocketTransport({ url: server.url });
  const refused = { status: Status.cancelled, sent: "no" };
  const aborted = transport.duplex("/any", { signal: AbortSignal.abort() });
  await expect(aborted.send(Uint8Array.of(1))).rejects.toMatchObject(refused);
  await expect(collect(aborted)).rejects.toMatchObject(refused);
  await transport.close();
  const late = transport.duplex("/any");
  late.end();
  await expect(late.opened).rejects.toMatchObject(refused);
  await expect(collect(late)).rejects.toMatchObject(refused);
  expect(server.stats().sessions).toBe(0);
});
