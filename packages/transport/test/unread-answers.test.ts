import * as http2 from "node:http2";
import { expect, onTestFinished, test, vi } from "vitest";
import { Status } from "@coterie/transport";
import type { Route } from "@coterie/transport";
import { createGrpcWebTransport } from "@coterie/transport/grpc-web";
import { createH2Server, createH2Transport } from "@coterie/transport/h2";
import type { ServerLimits } from "@coterie/transport/h2";
import { dial, endHeaders, endStream, field, frame, preface, Type } from "./raw-h2.ts";

const mib = 1024 * 1024;
const half = mib / 2;
const origin = "https://chat.example";
const emptyRequest = Buffer.from([0, 0, 0, 0, 0]);
const compressedRequest = Buffer.from([1, 0, 0, 0, 0]);

/** A server that gives each connection 2 MiB for answers; its streams are of eight messages of half a MiB. */
async function serve(limits: Partial<ServerLimits> = {}) {
  let streams = 0;
  const halves = async function* () {
    streams += 1;
    try {
      for (let n = 0; n < 8; n += 1) yield new Uint8Array(half);
    } finally {
      streams -= 1;
    }
  };
  const routes = new Map<string, Route>([
    ["/t.T/Stream", { kind: "server-stream", handle: halves }],
    ["/t.T/Both", { kind: "duplex", handle: halves }],
    ["/t.T/None", { kind: "server-stream", async *handle() {} }],
    ["/t.T/One", { kind: "unary", handle: () => new Uint8Array(half) }],
  ]);
  const server = await createH2Server({
    routes,
    web: { origins: [origin] },
    limits: { maxBufferedBytesPerSession: 2 * mib, ...limits },
  });
  onTestFinished(() => server.close({ graceMs: 0 }));
  return { server, streams: () => streams, held: () => server.stats().bufferedBytes };
}

/** A connection that takes no message; @NOTE without any window the end of a call would wait, too. */
async function readsNothing(url: string, initialWindowSize = 1) {
  const session = http2.connect(url, { settings: { initialWindowSize } });
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  return (path: string) => {
    const call = session.request(
      { ":method": "POST", ":path": path, "content-type": "application/grpc" },
      { endStream: false },
    );
    call.on("error", () => {});
    const verdict = { status: undefined as string | undefined };
    call.on("trailers", (trailers) => (verdict.status = String(trailers["grpc-status"])));
    return { call, verdict };
  };
}

test("F42: streams that nobody reads share what a connection may hold, the others are refused", async () => {
  const { server, streams, held } = await serve();
  const open = await readsNothing(server.url);
  const calls = Array.from({ length: 10 }, () => open("/t.T/Stream"));
  for (const { call } of calls) call.end(emptyRequest);
  const refused = () => calls.filter(({ verdict }) => verdict.status !== undefined);
  await vi.waitFor(() => expect(refused()).toHaveLength(6));
  for (const { verdict } of refused()) {
    expect(verdict.status).toBe(String(Status.resourceExhausted));
  }
  expect([held(), streams()]).toEqual([2 * mib, 4]);
  // an answer that comes whole has no place beside them, and has one after them
  const late = open("/t.T/One");
  late.call.end(emptyRequest);
  await new Promise((resolve) => late.call.on("close", resolve).resume());
  expect(held()).toBe(2 * mib);
  for (const { call } of calls) call.close(http2.constants.NGHTTP2_CANCEL);
  await vi.waitFor(() => expect([held(), streams()]).toEqual([0, 0]));
  const again = Array.from({ length: 4 }, () => open("/t.T/Stream"));
  for (const { call } of again) call.end(emptyRequest);
  await vi.waitFor(() => expect(held()).toBe(2 * mib));
  expect(again.map(({ verdict }) => verdict.status)).toEqual(again.map(() => undefined));
});

test("F42: what waits counts until its stream is gone, also where the call has ended", async () => {
  const { server, streams, held } = await serve();
  const open = await readsNothing(server.url);
  const { call } = open("/t.T/Both");
  await vi.waitFor(() => expect(held()).toBe(half));
  call.write(compressedRequest);
  await vi.waitFor(() => expect(streams()).toBe(0));
  expect(held()).toBe(half);
  call.close(http2.constants.NGHTTP2_CANCEL);
  await vi.waitFor(() => expect(held()).toBe(0));
});

test("F42: a call whose end nobody lets through is cut, too", async () => {
  const { server } = await serve({ stallTimeoutMs: 50 });
  const open = await readsNothing(server.url, 0);
  const { call } = open("/t.T/None");
  call.end(emptyRequest);
  await new Promise((resolve) => call.on("close", resolve).resume());
  expect(call.rstCode).toBe(http2.constants.NGHTTP2_CANCEL);
});

test("F42, XND-06: the same for streams of gRPC-web", async () => {
  const { server, streams, held } = await serve();
  const client = await dial(server.address.port);
  // enough of a window for a refusal, which is no header there
  const smallWindow = Buffer.of(0, 4, 0, 0, 0, 200);
  client.socket.write(Buffer.concat([preface, frame(Type.settings, 0, 0, smallWindow)]));
  const fields = Buffer.concat([
    field(":method", "POST"),
    field(":scheme", "http"),
    field(":path", "/t.T/Stream"),
    field(":authority", "x"),
    field("content-type", "application/grpc-web+proto"),
    field("origin", origin),
  ]);
  const ids = Array.from({ length: 10 }, (_, n) => 2 * n + 1);
  for (const id of ids) {
    client.socket.write(frame(Type.headers, endHeaders, id, fields));
    client.socket.write(frame(Type.data, endStream, id, emptyRequest));
  }
  const refused = () =>
    client.frames.filter(
      ({ type, payload }) => type === Type.data && payload.includes("grpc-status: 8"),
    );
  await vi.waitFor(() => expect(refused()).toHaveLength(6));
  expect([held(), streams()]).toEqual([2 * mib, 4]);
  for (const id of ids) client.socket.write(frame(Type.rst, 0, id, Buffer.of(0, 0, 0, 8)));
  await vi.waitFor(() => expect([held(), streams()]).toEqual([0, 0]));
  client.socket.destroy();
});

test.each([
  ["gRPC", createH2Transport],
  ["gRPC-web", createGrpcWebTransport],
] as const)("F42: who reads gets everything, over %s", async (_, create) => {
  const { server, held } = await serve();
  const transport = create({ url: server.url });
  onTestFinished(() => transport.close());
  const read = async (): Promise<number> => {
    let bytes = 0;
    for await (const message of transport.serverStream("/t.T/Stream", new Uint8Array(0))) {
      bytes += message.length;
    }
    return bytes;
  };
  expect(await Promise.all([read(), read(), read()])).toEqual([8, 8, 8].map((n) => n * half));
  await vi.waitFor(() => expect(held()).toBe(0));
});
