import * as http2 from "node:http2";
import * as net from "node:net";
import { afterEach, expect, test } from "vitest";
import { collect } from "./collect.ts";
import type { Route, Transport } from "@coterie/transport";
import { createH2Server, createH2Transport, type H2TransportOptions } from "@coterie/transport/h2";
import { backoffMs } from "../src/h2/connection.ts";

const path = "/t.T/Call";
const request = Uint8Array.of(1, 2, 3);
const answerFrame = Buffer.from([0, 0, 0, 0, 1, 42]);
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function connect(port: number, options: Partial<H2TransportOptions> = {}): Transport {
  const transport = createH2Transport({
    url: `http://127.0.0.1:${port}`,
    backoff: { baseMs: 2, capMs: 10 },
    ...options,
  });
  cleanups.push(() => transport.close());
  return transport;
}

async function listen(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket: net.Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}

/** A server that does as it likes with each request, in its own words of HTTP/2. */
async function rawServer(
  serve: (
    stream: http2.ServerHttp2Stream,
    session: http2.ServerHttp2Session,
    /** Breaks the connection. */
    cut: () => void,
  ) => void,
): Promise<number> {
  const server = http2.createServer();
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket: net.Socket) => sockets.add(socket));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  server.on("session", (session) => {
    session.on("error", () => {});
    session.on("stream", (stream) => {
      stream.on("error", () => {});
      stream.resume();
      serve(stream, session, cut);
    });
  });
  return listen(server as unknown as net.Server);
}

function answer(stream: http2.ServerHttp2Stream): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(answerFrame);
}

const failsAs = (code: string, sent: string) => ({ code, sent });

test("XIN-24: nobody listens: not sent", async () => {
  const port = await listen(net.createServer());
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const closedPort = (server.address() as net.AddressInfo).port;
  await new Promise((resolve) => server.close(resolve));
  expect(closedPort).not.toBe(port);
  await expect(connect(closedPort).unary(path, request)).rejects.toMatchObject(
    failsAs("transport/unavailable", "no"),
  );
});

test("XIN-24: a peer that hangs up, speaks something else or says nothing: not sent", async () => {
  const hangUp = await listen(net.createServer((socket) => socket.destroy()));
  const http1 = await listen(
    net.createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
  );
  const silent = await listen(net.createServer());
  for (const port of [hangUp, http1, silent]) {
    await expect(
      connect(port, { connectTimeoutMs: 100 }).unary(path, request),
    ).rejects.toMatchObject(failsAs("transport/unavailable", "no"));
  }
});

test("XIN-24: the connection is lost after the request: unknown", async () => {
  const port = await rawServer((_, __, cut) => cut());
  await expect(connect(port).unary(path, request)).rejects.toMatchObject(
    failsAs("transport/unavailable", "unknown"),
  );
});

test("XIN-24: the connection is lost between the answer and its trailers: unknown", async () => {
  const port = await rawServer((stream, _, cut) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.write(answerFrame, () => setTimeout(cut, 5));
  });
  await expect(connect(port).unary(path, request)).rejects.toMatchObject(
    failsAs("transport/unavailable", "unknown"),
  );
});

test("XIN-24: the stream is reset: unknown, unless it was refused unread", async () => {
  let code: number = http2.constants.NGHTTP2_INTERNAL_ERROR;
  let calls = 0;
  const port = await rawServer((stream) => {
    calls++;
    stream.close(code);
  });
  const transport = connect(port);
  await expect(transport.unary(path, request)).rejects.toMatchObject({ sent: "unknown" });
  expect(calls).toBe(1);
  code = http2.constants.NGHTTP2_REFUSED_STREAM;
  await expect(transport.unary(path, request)).rejects.toMatchObject(
    failsAs("transport/unavailable", "no"),
  );
  expect(calls).toBe(1 + 4);
});

test("a refused call is sent again", async () => {
  let calls = 0;
  const port = await rawServer((stream) => {
    if (++calls <= 2) stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    else answer(stream);
  });
  expect(await connect(port).unary(path, request)).toEqual(Uint8Array.of(42));
  expect(calls).toBe(3);
});

test("GOAWAY: calls above its last stream are sent again on a new connection, those below end", async () => {
  let sessions = 0;
  const port = await rawServer((stream, session) => {
    if (stream.id === 1) sessions++;
    if (sessions > 1) answer(stream);
    else if (stream.id === 1) setTimeout(() => answer(stream), 30);
    else if (stream.id === 3) session.goaway(http2.constants.NGHTTP2_NO_ERROR, 1);
  });
  const transport = connect(port);
  const first = transport.unary(path, request);
  await new Promise((resolve) => setTimeout(resolve, 10));
  const second = transport.unary(path, request);
  expect(await second).toEqual(Uint8Array.of(42));
  expect(await first).toEqual(Uint8Array.of(42));
  expect(sessions).toBe(2);
});

test("an answer that is no gRPC answer maps from its HTTP status", async () => {
  let status = 503;
  const port = await rawServer((stream) => {
    stream.respond({ ":status": status, "content-type": "text/html" });
    stream.end("<html>".repeat(100));
  });
  const transport = connect(port);
  const table = [
    [503, "transport/unavailable", "unknown"],
    [404, "transport/unimplemented", "answered"],
    [401, "transport/unauthenticated", "answered"],
    [200, "transport/unknown", "unknown"],
  ] as const;
  for (const [next, code, sent] of table) {
    status = next;
    await expect(transport.unary(path, request)).rejects.toMatchObject(failsAs(code, sent));
  }
});

test("malformed answers are typed errors", async () => {
  let body = Buffer.alloc(0);
  let trailers: http2.OutgoingHttpHeaders = { "grpc-status": "0" };
  const port = await rawServer((stream) => {
    stream.respond(
      { ":status": 200, "content-type": "application/grpc" },
      { waitForTrailers: true },
    );
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(body);
  });
  const transport = connect(port, { maxResponseBytes: 100 });
  const bodies = [
    ["", "transport/bad-frame"],
    ["0000000001", "transport/bad-frame"],
    ["000000000101000000000101", "transport/bad-frame"],
    ["010000000101", "transport/bad-frame"],
    ["00ffffffff01", "transport/too-large"],
    ["0000000065", "transport/too-large"],
  ] as const;
  for (const [hex, code] of bodies) {
    body = Buffer.from(hex, "hex");
    await expect(transport.unary(path, request)).rejects.toMatchObject({ code });
  }
  body = answerFrame;
  for (const [status, code] of [
    ["99", 2],
    ["-1", 2],
    ["x", 2],
    ["", 2],
    ["16", 16],
  ] as const) {
    trailers = { "grpc-status": status, "grpc-message": "%zz" };
    await expect(transport.unary(path, request)).rejects.toMatchObject({
      status: code,
      reason: "%zz",
    });
  }
  trailers = { "x-nothing": "1" };
  await expect(transport.unary(path, request)).rejects.toMatchObject({ sent: "unknown" });
});

test("F43: a peer that falls silent is noticed by ping; calls fail as unknown, later ones reconnect", async () => {
  const routes = new Map<string, Route>([
    [path, { kind: "unary", handle: (bytes) => bytes }],
    [
      "/t.T/Live",
      {
        kind: "server-stream",
        async *handle(_, { signal }) {
          yield Uint8Array.of(1);
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      },
    ],
  ]);
  const server = await createH2Server({ routes });
  cleanups.push(() => server.close({ graceMs: 0 }));
  let open = true;
  const relay = net.createServer((near) => {
    const far = net.connect(server.address.port, "127.0.0.1");
    near.on("data", (bytes) => open && far.write(bytes));
    far.on("data", (bytes) => open && near.write(bytes));
    near.on("error", () => {}).on("close", () => far.destroy());
    far.on("error", () => {});
  });
  const port = await listen(relay);
  const transport = connect(port, { keepaliveMs: 20, keepaliveTimeoutMs: 40 });
  const stream = transport.serverStream("/t.T/Live", request);
  await stream.opened;
  // Several pings are answered first.
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(await transport.unary(path, request)).toEqual(request);
  open = false;
  await expect(collect(stream)).rejects.toMatchObject(failsAs("transport/unavailable", "unknown"));
  open = true;
  expect(await transport.unary(path, request)).toEqual(request);
});

test("F45: waits before reconnecting grow, are capped and spread", () => {
  const half = (): number => 0.5;
  expect([0, 1, 2, 3, 50].map((n) => backoffMs(n, 100, 10_000, half))).toEqual([
    50, 100, 200, 400, 5000,
  ]);
  expect(backoffMs(3, 100, 10_000, () => 0)).toBe(0);
  expect(backoffMs(3, 100, 10_000, () => 0.999)).toBe(799);
});

test("calls that wait for a connection share one attempt and can be called off", async () => {
  let connections = 0;
  const port = await listen(net.createServer(() => connections++));
  const transport = connect(port, { connectTimeoutMs: 60 });
  const controller = new AbortController();
  const calls = [
    transport.unary(path, request),
    transport.unary(path, request, { timeoutMs: 10 }),
    transport.unary(path, request, { signal: controller.signal }),
    collect(transport.serverStream(path, request)),
  ];
  const codes = Promise.all(
    calls.map((call) =>
      call.then(
        () => "ok",
        (error: unknown) =>
          `${(error as { code: string }).code} ${(error as { sent: string }).sent}`,
      ),
    ),
  );
  controller.abort();
  expect(await codes).toEqual([
    "transport/unavailable no",
    "transport/deadline no",
    "transport/cancelled no",
    "transport/unavailable no",
  ]);
  expect(connections).toBe(1);
});

test("a url that is no http url is refused", () => {
  for (const url of ["", "localhost:5556", "ws://x", "http://"]) {
    expect(() => createH2Transport({ url })).toThrowError(
      expect.objectContaining({ code: "transport/bad-url" }),
    );
  }
});
