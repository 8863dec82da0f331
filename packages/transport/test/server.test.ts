import * as http2 from "node:http2";
import * as net from "node:net";
import * as tls from "node:tls";
import { afterEach, expect, test, vi } from "vitest";
import { Status, type CallContext, type Route } from "@coterie/transport";
import { createH2Server, createH2Transport } from "@coterie/transport/h2";
import type { H2Server, H2ServerOptions } from "@coterie/transport/h2";
import { collect } from "./collect.ts";
import { selfSigned } from "./self-signed.ts";

const path = "/t.T/Echo";
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const wait: Route = {
  kind: "unary",
  handle: (_, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error()))),
};

async function serve(options: Partial<H2ServerOptions> = {}): Promise<H2Server> {
  const routes = new Map<string, Route>([
    [path, { kind: "unary", handle: (request) => request }],
    ["/t.T/Wait", wait],
    ["/t.T/Never", { kind: "unary", handle: () => new Promise(() => {}) }],
    [
      "/t.T/NeverStream",
      {
        kind: "server-stream",
        async *handle() {
          yield await new Promise<Uint8Array>(() => {});
        },
      },
    ],
    ["/t.T/Both", { kind: "duplex", handle: (requests) => requests }],
  ]);
  const server = await createH2Server({ routes, ...options });
  cleanups.push(() => server.close({ graceMs: 0 }));
  return server;
}

interface Answer {
  readonly headers: http2.IncomingHttpHeaders;
  readonly trailers: http2.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly code: number;
}

/** One request in plain HTTP/2. */
async function ask(
  server: H2Server,
  headers: http2.OutgoingHttpHeaders,
  body: Uint8Array | undefined = Buffer.from([0, 0, 0, 0, 1, 5]),
): Promise<Answer> {
  const session = http2.connect(server.url);
  cleanups.push(() => session.destroy());
  session.on("error", () => {});
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  const chunks: Buffer[] = [];
  let answer: http2.IncomingHttpHeaders = {};
  let trailers: http2.IncomingHttpHeaders = {};
  stream.on("response", (got) => (answer = got));
  stream.on("trailers", (got) => (trailers = got));
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", () => {});
  stream.end(body);
  await new Promise<void>((resolve) => stream.on("close", () => resolve()));
  return { headers: answer, trailers, body: Buffer.concat(chunks), code: stream.rstCode };
}

test("XND-01: only POST of application/grpc is served", async () => {
  const server = await serve();
  for (const type of ["application/grpc", "application/grpc+proto", "application/grpc;charset=x"]) {
    const { headers, trailers, body } = await ask(server, { "content-type": type });
    expect(headers[":status"]).toBe(200);
    expect(headers["content-type"]).toBe("application/grpc");
    expect([...body]).toEqual([0, 0, 0, 0, 1, 5]);
    expect(trailers["grpc-status"]).toBe("0");
  }
  for (const type of ["", "text/plain", "application/grpc-web+proto", "application/grpcx"]) {
    const { headers, body } = await ask(server, { "content-type": type });
    expect(headers[":status"]).toBe(415);
    expect(body.length).toBe(0);
  }
  expect((await ask(server, { ":method": "PUT" })).headers[":status"]).toBe(405);
});

test("XND-05, SCN-03: other encodings than identity are UNIMPLEMENTED", async () => {
  const server = await serve();
  const named = await ask(server, { "grpc-encoding": "gzip" });
  expect(named.headers).toMatchObject({ "grpc-status": "12", "grpc-accept-encoding": "identity" });
  const flagged = await ask(server, {}, Buffer.from([1, 0, 0, 0, 1, 5]));
  expect(flagged.headers["grpc-status"]).toBe("12");
  const identity = await ask(server, { "grpc-encoding": "identity" });
  expect(identity.trailers["grpc-status"]).toBe("0");
});

test("malformed requests get a status, never a hang", async () => {
  const server = await serve();
  const table: readonly (readonly [string, Status])[] = [
    ["", Status.internal],
    ["00", Status.internal],
    ["000000000201", Status.internal],
    ["000000000101000000000102", Status.internal],
    ["ff0000000101", Status.internal],
    ["00ffffffff", Status.resourceExhausted],
  ];
  type Status = number;
  for (const [hex, status] of table) {
    const { headers } = await ask(server, {}, Buffer.from(hex, "hex"));
    expect(headers["grpc-status"]).toBe(String(status));
  }
  const timeout = await ask(server, { "grpc-timeout": "soon" });
  expect(timeout.headers["grpc-status"]).toBe("3");
});

test("A41: an oversize request is refused at its frame header and its sender told to stop", async () => {
  const server = await serve({ limits: { maxRequestBytes: 1000 } });
  const session = http2.connect(server.url);
  cleanups.push(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
  });
  stream.on("error", () => {});
  stream.resume();
  stream.write(Buffer.from([0, 0, 0, 3, 0xe9]));
  const headers = await new Promise<http2.IncomingHttpHeaders>((resolve) =>
    stream.on("response", resolve),
  );
  expect(headers["grpc-status"]).toBe("8");
  await new Promise<void>((resolve) => stream.on("close", () => resolve()));
  expect(stream.rstCode).toBe(http2.constants.NGHTTP2_NO_ERROR);
  expect(server.stats().bufferedBytes).toBe(0);
});

test("SCN-04: the rest of a message is not held back by its sender: a part of it is answered at once, by a byte of window", async () => {
  const server = await serve();
  const session = http2.connect(server.url);
  cleanups.push(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": "/t.T/Both",
    "content-type": "application/grpc",
  });
  stream.on("error", () => {});
  const echo = (): Promise<Buffer> => new Promise((resolve) => stream.once("data", resolve));
  const whole = echo();
  stream.write(Buffer.from([0, 0, 0, 0, 2, 7, 8]));
  expect([...(await whole)]).toEqual([0, 0, 0, 0, 2, 7, 8]);
  const window = (): number => session.state.remoteWindowSize ?? 0;
  const before = window();
  stream.write(Buffer.from([0, 0, 0, 0, 2, 7]));
  await vi.waitFor(() => expect(window()).toBe(before - 6 + 1));
  const rest = echo();
  stream.write(Buffer.from([8]));
  expect([...(await rest)]).toEqual([0, 0, 0, 0, 2, 7, 8]);
});

test("the server holds deadlines itself", async () => {
  const server = await serve();
  const { headers } = await ask(server, { ":path": "/t.T/Wait", "grpc-timeout": "20m" });
  expect(headers["grpc-status"]).toBe("4");
  const stream = await ask(server, { ":path": "/t.T/NeverStream", "grpc-timeout": "20m" });
  expect(stream.trailers["grpc-status"]).toBe("4");
});

test("a handler that ends before its caller does tells it to stop", async () => {
  const routes = new Map<string, Route>([
    [
      "/t.T/Early",
      {
        kind: "duplex",
        async *handle() {
          yield Uint8Array.of(1);
        },
      },
    ],
  ]);
  const server = await serve({ routes });
  const session = http2.connect(server.url);
  cleanups.push(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": "/t.T/Early",
    "content-type": "application/grpc",
  });
  let status: string | undefined;
  stream.on("trailers", (trailers) => (status = trailers["grpc-status"] as string));
  stream.resume();
  stream.write(Buffer.from([0, 0, 0, 0, 1, 5]));
  await new Promise<void>((resolve) => stream.on("close", () => resolve()));
  expect(status).toBe("0");
});

test("stopping is bounded: handlers that never end are cut after the grace", async () => {
  const server = await serve();
  const transport = createH2Transport({ url: server.url });
  cleanups.push(() => transport.close());
  const calls = ["/t.T/Never", "/t.T/Wait"].map((one) => transport.unary(one, new Uint8Array()));
  const stream = transport.serverStream("/t.T/NeverStream", new Uint8Array());
  await stream.opened;
  while (server.stats().calls < 3) await new Promise((resolve) => setTimeout(resolve, 2));
  const outcomes = Promise.allSettled([...calls, collect(stream)]);
  await Promise.all([server.close({ graceMs: 50 }), server.close()]);
  for (const outcome of await outcomes) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { status: Status.unavailable } });
  }
  expect(server.stats()).toEqual({ sessions: 0, calls: 0, bufferedBytes: 0 });
});

test("stopping does not wait for callers that are merely connected", async () => {
  const server = await serve();
  const transport = createH2Transport({ url: server.url });
  cleanups.push(() => transport.close());
  await transport.unary(path, new Uint8Array());
  const silent = net.connect(server.address.port, server.address.host);
  silent.on("error", () => {});
  await new Promise((resolve) => silent.once("connect", resolve));
  await server.close({ graceMs: 30 });
});

test("handlers learn the caller's address", async () => {
  let context: CallContext | undefined;
  const routes = new Map<string, Route>([
    [path, { kind: "unary", handle: (request, given) => ((context = given), request) }],
  ]);
  const server = await serve({ routes });
  await ask(server, {});
  expect(context?.peer).toBe("127.0.0.1");
});

test("XND-01: TLS with ALPN; an unknown issuer and a peer without h2 are refused, unsent", async () => {
  const { key, cert } = selfSigned();
  const server = await serve({ tls: { key, cert } });
  expect(server.url).toMatch(/^https:/);
  const transport = createH2Transport({ url: server.url, tls: { ca: cert } });
  cleanups.push(() => transport.close());
  const message = new Uint8Array(100_000).fill(3);
  expect(await transport.unary(path, message)).toEqual(message);
  const both = transport.duplex("/t.T/Both");
  await both.send(message);
  both.end();
  expect(await collect(both)).toEqual([message]);

  const distrustful = createH2Transport({ url: server.url });
  cleanups.push(() => distrustful.close());
  await expect(distrustful.unary(path, message)).rejects.toMatchObject({ sent: "no" });

  const careless = createH2Transport({ url: server.url, tls: { insecureSkipVerify: true } });
  cleanups.push(() => careless.close());
  expect(await careless.unary(path, message)).toEqual(message);

  const other = tls.createServer({ key, cert, ALPNProtocols: ["http/1.1"] });
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => other.close());
  const { port } = other.address() as net.AddressInfo;
  const wrong = createH2Transport({ url: `https://localhost:${port}`, tls: { ca: cert } });
  cleanups.push(() => wrong.close());
  await expect(wrong.unary(path, message)).rejects.toMatchObject({ sent: "no" });
});

test("A38: a TLS client that does not finish its handshake is closed", async () => {
  const { key, cert } = selfSigned();
  const server = await serve({ tls: { key, cert }, limits: { handshakeTimeoutMs: 50 } });
  const socket = net.connect(server.address.port, server.address.host);
  socket.on("error", () => {});
  await new Promise<void>((resolve) => socket.on("close", () => resolve()));
  expect(server.stats().sessions).toBe(0);
});

test("a port in use fails the server, not the process", async () => {
  const { address } = await serve();
  await expect(serve({ port: address.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
});
