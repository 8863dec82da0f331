import { request as httpRequest } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import * as http2 from "node:http2";
import { request as httpsRequest } from "node:https";
import * as net from "node:net";
import { afterEach, expect, test } from "vitest";
import { Status, StatusError, type Route } from "@coterie/transport";
import type { TransportError } from "@coterie/transport";
import { createGrpcWebTransport } from "@coterie/transport/grpc-web";
import { createH2Server, createH2Transport } from "@coterie/transport/h2";
import type { H2Server, H2ServerOptions } from "@coterie/transport/h2";
import { selfSigned } from "./self-signed.ts";

const path = "/t.T/Echo";
const origin = "https://chat.example";
const web = { origins: [origin, "http://localhost:5173"] };
const frame = Buffer.from([0, 0, 0, 0, 1, 5]);
const okTrailers = Buffer.concat([
  Buffer.from([0x80, 0, 0, 0, 16]),
  Buffer.from("grpc-status: 0\r\n"),
]);
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const routes = new Map<string, Route>([
  [path, { kind: "unary", handle: (request) => request }],
  ["/t.T/Both", { kind: "duplex", handle: (requests) => requests }],
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
  [
    "/t.T/Refuse",
    {
      kind: "unary",
      handle: () => {
        throw new StatusError(Status.notFound, "kein Wort: ü");
      },
    },
  ],
]);

async function serve(options: Partial<H2ServerOptions> = {}): Promise<H2Server> {
  const server = await createH2Server({ routes, web, ...options });
  cleanups.push(() => server.close({ graceMs: 0 }));
  return server;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request in HTTP/1.1, as a browser would send it. */
function ask(
  server: H2Server,
  headers: Record<string, string>,
  { method = "POST", url = path, body = frame, tls = false } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { port, host } = server.address;
    const start = tls ? httpsRequest : httpRequest;
    const request = start(
      { port, host, method, path: url, headers, rejectUnauthorized: false, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode as number,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    request.on("error", reject);
    request.end(method === "POST" ? body : undefined);
  });
}
const type = { "content-type": "application/grpc-web+proto" };

test("XND-06: an answer is its message and a frame of trailers, readable by the page that asked", async () => {
  const server = await serve();
  for (const contentType of [
    "application/grpc-web+proto",
    "application/grpc-web",
    "application/grpc-web+proto; charset=utf-8",
  ]) {
    const { status, headers, body } = await ask(server, { "content-type": contentType, origin });
    expect(status).toBe(200);
    expect(headers["access-control-allow-origin"]).toBe(origin);
    expect(headers.vary).toBe("origin");
    expect(headers["content-type"]).toBe("application/grpc-web+proto");
    expect(body).toEqual(Buffer.concat([frame, okTrailers]));
  }
});

test("XND-06: a verdict comes as trailers in the body, percent-encoded", async () => {
  const server = await serve();
  const { status, body } = await ask(server, type, { url: "/t.T/Refuse" });
  expect(status).toBe(200);
  expect(body[0]).toBe(0x80);
  expect(body.subarray(5).toString()).toBe("grpc-status: 5\r\ngrpc-message: kein Wort: %C3%BC\r\n");
});

test("XND-06: pages of other origins are refused before a handler hears of them", async () => {
  let heard = 0;
  const counted = new Map<string, Route>([
    [path, { kind: "unary", handle: (request) => (heard++, request) }],
  ]);
  const server = await serve({ routes: counted });
  for (const other of [
    "https://evil.example",
    "null",
    "http://chat.example",
    "https://chat.example:444",
    "https://chat.example.evil.example",
    `${origin}/`,
  ]) {
    for (const method of ["POST", "OPTIONS"]) {
      const { status, headers } = await ask(server, { ...type, origin: other }, { method });
      expect(status).toBe(403);
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
  }
  expect(heard).toBe(0);
  expect((await ask(server, { ...type, origin })).status).toBe(200);
  expect(heard).toBe(1);
});

test("XND-06: a preflight lets through the names that it asks for", async () => {
  const server = await serve();
  const { status, headers } = await ask(
    server,
    {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type,x-grpc-web, X-App-Version,grpc-timeout",
    },
    { method: "OPTIONS" },
  );
  expect(status).toBe(204);
  expect(headers["access-control-allow-origin"]).toBe(origin);
  expect(headers["access-control-allow-methods"]).toBe("POST");
  expect(headers["access-control-allow-headers"]).toBe(
    "content-type, x-grpc-web, x-app-version, grpc-timeout",
  );
  expect(headers["access-control-allow-credentials"]).toBeUndefined();
});

test("origins are exact, or * for all, or the server does not start", async () => {
  for (const bad of ["chat.example", "https://chat.example/", "https://*.example", ""]) {
    await expect(createH2Server({ routes, web: { origins: [bad] } })).rejects.toMatchObject({
      code: "transport/bad-origin",
    });
  }
  const server = await serve({ web: { origins: ["*"] } });
  const { headers } = await ask(server, { ...type, origin: "https://any.example" });
  expect(headers["access-control-allow-origin"]).toBe("https://any.example");
});

test("what is no call is answered as HTTP: 405, 415", async () => {
  const server = await serve();
  expect((await ask(server, type, { method: "GET" })).status).toBe(405);
  for (const other of ["application/json", "application/grpc", "application/grpc-web-text"]) {
    expect((await ask(server, { "content-type": other })).status).toBe(415);
  }
  expect((await ask(server, {})).status).toBe(415);
});

test("XND-05: unknown paths, duplex paths, compression and requests too large are refused with a status", async () => {
  const server = await serve({ limits: { maxRequestBytes: 100 } });
  const statusOf = async (
    headers: Record<string, string>,
    options: { url?: string; body?: Buffer<ArrayBuffer> } = {},
  ): Promise<unknown> =>
    (await ask(server, { ...type, ...headers }, options)).headers["grpc-status"];
  expect(await statusOf({}, { url: "/t.T/Nope" })).toBe("12");
  expect(await statusOf({}, { url: "/t.T/Both" })).toBe("12");
  expect(await statusOf({ "grpc-encoding": "gzip" })).toBe("12");
  expect(await statusOf({ "grpc-timeout": "soon" })).toBe("3");
  const large = Buffer.alloc(106);
  large.writeUInt32BE(101, 1);
  expect(await statusOf({}, { body: large })).toBe("8");
  expect(await statusOf({ "transfer-encoding": "chunked" }, { body: large })).toBe("8");
  expect(await statusOf({}, { body: Buffer.alloc(0) })).toBe("13");
  expect(await statusOf({}, { body: Buffer.concat([frame, frame]) })).toBe("13");
});

test("without the option a server speaks HTTP/2 and nothing else", async () => {
  const server = await serve({ web: undefined });
  await expect(ask(server, type)).rejects.toThrow();
});

test("XND-06: gRPC-web goes over HTTP/2 as well, beside gRPC on one connection", async () => {
  const server = await serve();
  const session = http2.connect(server.url);
  cleanups.push(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    ...type,
    origin,
  });
  stream.end(frame);
  const headers = await new Promise<http2.IncomingHttpHeaders>((resolve) =>
    stream.on("response", resolve),
  );
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  expect(headers[":status"]).toBe(200);
  expect(headers["access-control-allow-origin"]).toBe(origin);
  expect(Buffer.concat(chunks)).toEqual(Buffer.concat([frame, okTrailers]));
  expect(server.stats().calls).toBe(0);
});

test("XND-06: TLS: HTTP/1.1 and HTTP/2 are told apart by the handshake", async () => {
  const tls = selfSigned();
  const server = await serve({ tls });
  const { body } = await ask(server, { ...type, origin }, { tls: true });
  expect(body).toEqual(Buffer.concat([frame, okTrailers]));
  const transport = createH2Transport({ url: server.url, tls: { ca: tls.cert } });
  expect(await transport.unary(path, Uint8Array.of(5))).toEqual(Uint8Array.of(5));
  await transport.close();
});

test("a preface that comes byte by byte is a preface", async () => {
  const server = await serve();
  const socket = net.connect(server.address);
  cleanups.push(() => socket.destroy());
  const text = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc-web\r\ncontent-length: 6\r\nconnection: close\r\n\r\n`;
  for (const byte of Buffer.concat([Buffer.from(text), frame])) {
    socket.write(Uint8Array.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString("latin1")).toMatch(/^HTTP\/1\.1 200 .*grpc-status: 0/s);
});

test("A38: who connects and says nothing, or stops inside the headers, loses its place", async () => {
  const server = await serve({ limits: { handshakeTimeoutMs: 50 } });
  for (const said of ["", "PO", `POST ${path} HTTP/1.1\r\nhost: `]) {
    const socket = net.connect(server.address);
    socket.on("error", () => {});
    if (said) socket.write(said);
    await new Promise((resolve) => socket.on("close", resolve));
  }
  await expect.poll(() => server.stats().sessions).toBe(0);
});

test("A39: connections of pages count against the same limit per address", async () => {
  const server = await serve({ limits: { maxSessionsPerAddress: 2 } });
  const transport = createGrpcWebTransport({ url: server.url });
  const streams = [1, 2].map(() => transport.serverStream("/t.T/Live", new Uint8Array()));
  await Promise.all(streams.map(({ opened }) => opened));
  expect(server.stats()).toMatchObject({ sessions: 2, calls: 2 });
  const third = transport.serverStream("/t.T/Live", new Uint8Array());
  await expect(third.opened).rejects.toMatchObject({ code: "transport/unavailable" });
  await transport.close();
});

test("XND-06: a duplex call is unimplemented and never sent", async () => {
  const transport = createGrpcWebTransport({ url: "http://127.0.0.1:9" });
  const call = transport.duplex("/t.T/Both");
  await expect(call.opened).rejects.toMatchObject({ code: "transport/unimplemented", sent: "no" });
  await expect(call.send(new Uint8Array())).rejects.toMatchObject({ sent: "no" });
  await transport.close();
});

const errorOf = (call: Promise<unknown>): Promise<TransportError> =>
  call.then(
    () => {
      throw new Error("did not fail");
    },
    (error: unknown) => error as TransportError,
  );

/** A transport whose node answers as told. */
function answered(body: Uint8Array | string, init: ResponseInit = { headers: type }) {
  return createGrpcWebTransport({
    url: "http://node.example",
    fetch: async () => new Response(body as Uint8Array<ArrayBuffer>, init),
  });
}

test("XND-06: answers that are cut, malformed or no answers of a node fail with a code", async () => {
  const bytes = (text: string): Buffer => Buffer.from(text);
  const trailers = (text: string): Buffer => {
    const head = Buffer.from([0x80, 0, 0, 0, 0]);
    head.writeUInt32BE(text.length, 1);
    return Buffer.concat([head, bytes(text)]);
  };
  const cases: readonly [Uint8Array, string][] = [
    [Buffer.alloc(0), "transport/unavailable"],
    [frame, "transport/unavailable"],
    [frame.subarray(0, 3), "transport/bad-frame"],
    [Buffer.concat([frame, okTrailers.subarray(0, 9)]), "transport/bad-frame"],
    [trailers(""), "transport/bad-frame"],
    [trailers("grpc-message: x"), "transport/bad-frame"],
    [trailers("grpc-status: 99"), "transport/unknown"],
    [trailers("GRPC-STATUS:5\nGrpc-Message:%zz"), "transport/not-found"],
    [okTrailers, "transport/bad-frame"],
    [Buffer.concat([frame, frame, okTrailers]), "transport/bad-frame"],
    [Buffer.from([1, 0, 0, 0, 1, 5]), "transport/bad-frame"],
    [Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 5]), "transport/too-large"],
    [
      Buffer.concat([Buffer.from([0x80, 0, 0, 0, 2]), Buffer.from([0xff, 0xfe])]),
      "transport/bad-frame",
    ],
  ];
  for (const [body, code] of cases) {
    const error = await errorOf(answered(body).unary(path, frame));
    expect({ body: body.toString(), code: error.code }).toEqual({ body: body.toString(), code });
  }
  const html = { headers: { "content-type": "text/html" } };
  expect((await errorOf(answered("<p>", html).unary(path, frame))).code).toBe("transport/unknown");
  for (const [status, code] of [
    [403, "transport/permission-denied"],
    [404, "transport/unimplemented"],
    [503, "transport/unavailable"],
  ] as const) {
    const error = await errorOf(answered("no", { status }).unary(path, frame));
    expect(error.code).toBe(code);
  }
});

test("what comes after the trailers is nothing", async () => {
  const transport = answered(Buffer.concat([frame, okTrailers, frame, okTrailers]));
  expect(await transport.unary(path, frame)).toEqual(Uint8Array.of(5));
});

test("XND-06: a network that fails is unavailable, and who knows whether it was sent", async () => {
  const transport = createGrpcWebTransport({
    url: "http://node.example",
    fetch: () => Promise.reject(new TypeError("Failed to fetch")),
  });
  const error = await errorOf(transport.unary(path, frame));
  expect(error).toMatchObject({ code: "transport/unavailable", sent: "unknown" });
});

test("F43: streams of a node that no longer answers are given up", async () => {
  let dead = false;
  const server = await serve();
  const transport = createGrpcWebTransport({
    url: server.url,
    keepaliveMs: 20,
    keepaliveTimeoutMs: 1000,
    fetch: (url, init) => {
      if (!dead) return fetch(url, init);
      return new Promise((_, reject) =>
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason as Error)),
      );
    },
  });
  const stream = transport.serverStream("/t.T/Live", new Uint8Array());
  await stream.opened;
  const reader = stream[Symbol.asyncIterator]();
  await reader.next();
  dead = true;
  await expect(reader.next()).rejects.toMatchObject({
    code: "transport/unavailable",
    sent: "unknown",
  });
  await transport.close();
});

test("addresses: a path goes in front, what is no address is refused", async () => {
  let asked = "";
  const transport = createGrpcWebTransport({
    url: "https://node.example/api/",
    fetch: async (url) => {
      asked = String(url);
      return new Response(Buffer.concat([frame, okTrailers]), { headers: type });
    },
  });
  await transport.unary(path, frame);
  expect(asked).toBe(`https://node.example/api${path}`);
  for (const url of ["node.example", "ftp://node.example", ""]) {
    expect(() => createGrpcWebTransport({ url })).toThrow(
      expect.objectContaining({ code: "transport/bad-url" }),
    );
  }
});
