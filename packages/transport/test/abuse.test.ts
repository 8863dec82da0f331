import { afterEach, beforeEach, expect, test } from "vitest";
import type { Route, Transport } from "@coterie/transport";
import { createH2Server, createH2Transport } from "@coterie/transport/h2";
import type { H2Server, ServerLimits } from "@coterie/transport/h2";
import {
  dial,
  endHeaders,
  endStream,
  field,
  frame,
  newestIndexed,
  preface,
  requestFields,
  Type,
  unaryRequest,
  type RawClient,
} from "./raw-h2.ts";

const path = "/t.T/Call";
const opening = Buffer.concat([preface, frame(Type.settings, 0, 0)]);
const request = Uint8Array.of(7, 8, 9);

let server: H2Server;
let honest: Transport;
let calls: number;
let pulled: number;

async function serve(limits: Partial<ServerLimits> = {}): Promise<void> {
  const routes = new Map<string, Route>([
    [
      path,
      {
        kind: "unary",
        handle: async (message) => {
          calls++;
          return message;
        },
      },
    ],
    ["/t.T/Stuck", { kind: "unary", handle: () => (calls++, new Promise<never>(() => {})) }],
    [
      "/t.T/Endless",
      {
        kind: "server-stream",
        async *handle() {
          for (;;) {
            pulled++;
            yield new Uint8Array(16 * 1024);
          }
        },
      },
    ],
  ]);
  server = await createH2Server({ routes, limits });
  honest = createH2Transport({ url: server.url });
  await honest.unary(path, request);
  calls = 0;
}

beforeEach(() => {
  calls = 0;
  pulled = 0;
});

/** Whatever was done to the server: it serves others, and nothing of the abuser is left. */
async function withstood(abuse: () => Promise<void>): Promise<void> {
  await abuse();
  expect(await honest.unary(path, request)).toEqual(request);
  await honest.close();
  while (server.stats().sessions > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(server.stats()).toEqual({ sessions: 0, calls: 0, bufferedBytes: 0 });
}

afterEach(async () => {
  await honest.close();
  await server.close({ graceMs: 0 });
});

async function attack(...bytes: readonly Uint8Array[]): Promise<RawClient> {
  const client = await dial(server.address.port);
  client.socket.write(Buffer.concat(bytes));
  return client;
}

test("a unary request cut at any byte harms nobody and runs no handler", () =>
  withstood(async () => {
    await serve();
    const whole = unaryRequest(path);
    for (let length = 0; length < whole.length; length++) {
      const client = await attack(whole.subarray(0, length));
      if (length % 2 === 0) client.socket.destroy();
      else client.socket.end();
      if (length % 16 === 0) await client.closed;
      else client.socket.destroySoon();
    }
    expect(await honest.unary(path, request)).toEqual(request);
    expect(calls).toBe(1);
  }));

test("the same bytes uncut are answered", () =>
  withstood(async () => {
    await serve();
    const client = await attack(unaryRequest(path));
    const answer = await client.heard(({ type, stream }) => type === Type.data && stream === 1);
    expect([...answer.payload]).toEqual([0, 0, 0, 0, 3, 7, 8, 9]);
    await client.heard(({ type, flags }) => type === Type.headers && (flags & endStream) !== 0);
    client.socket.destroy();
  }));

test("1,000 random mutations of a request harm nobody", () =>
  withstood(async () => {
    await serve();
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const whole = unaryRequest(path);
    for (let run = 0; run < 1000; run++) {
      const bytes = Buffer.from(whole);
      for (let change = 0; change <= random(4); change++) {
        bytes[preface.length * (run % 5 === 0 ? 0 : 1) + random(bytes.length - preface.length)] =
          random(256);
      }
      const client = await attack(bytes);
      client.socket.end();
      if (run % 20 === 0) client.socket.destroy();
    }
    expect(await honest.unary(path, request)).toEqual(request);
  }));

test("A39: rapid reset ends the connection, and few handlers run", () =>
  withstood(async () => {
    await serve({ resetBurst: 100, resetsPerSecond: 10 });
    const client = await attack(opening);
    const cancel = Buffer.of(0, 0, 0, 8);
    for (let batch = 0; batch < 20; batch++) {
      const frames: Buffer[] = [];
      for (let i = 0; i < 500; i++) {
        const id = 2 * (batch * 500 + i) + 1;
        frames.push(frame(Type.headers, endHeaders, id, requestFields(path)));
        frames.push(frame(Type.data, endStream, id, Buffer.from([0, 0, 0, 0, 0])));
        frames.push(frame(Type.rst, 0, id, cancel));
      }
      client.socket.write(Buffer.concat(frames));
    }
    await client.closed;
    expect(calls).toBeLessThan(500);
  }));

test("A39: calls that were reset keep their place while their handlers run", () =>
  withstood(async () => {
    await serve({ maxConcurrentStreams: 20 });
    const client = await attack(opening);
    const frames: Buffer[] = [];
    for (let id = 1; id < 400; id += 2) {
      frames.push(frame(Type.headers, endHeaders, id, requestFields("/t.T/Stuck")));
      frames.push(frame(Type.data, endStream, id, Buffer.from([0, 0, 0, 0, 0])));
      frames.push(frame(Type.rst, 0, id, Buffer.of(0, 0, 0, 8)));
    }
    for (const one of frames) {
      client.socket.write(one);
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.socket.write(frame(Type.ping, 0, 0, Buffer.alloc(8)));
    await client.heard(({ type, flags }) => type === Type.ping && flags === 1);
    expect(calls).toBeLessThanOrEqual(20);
    client.socket.destroy();
  }));

test("A39: a flood of CONTINUATION ends the connection", () =>
  withstood(async () => {
    await serve();
    const client = await attack(opening, frame(Type.headers, 0, 1, requestFields(path)));
    const more = frame(Type.continuation, 0, 1, field("x-a", "b".repeat(1000)));
    for (let i = 0; i < 100; i++)
      client.socket.write(Buffer.concat(Array.from({ length: 10 }, () => more)));
    await client.closed;
    expect(calls).toBe(0);
  }));

test("A39: headers over the limit are refused, also when a few bytes stand for many", () =>
  withstood(async () => {
    await serve({ maxHeaderBytes: 8 * 1024 });
    const isRefusal = ({ type }: { type: number }): boolean =>
      type === Type.rst || type === Type.goaway;
    const long = Buffer.concat([requestFields(path), field("x-a", "b".repeat(9000))]);
    const plain = await attack(opening, frame(Type.headers, endHeaders | endStream, 1, long));
    const answer = await plain.heard(({ type, stream }) => type === Type.headers && stream === 1);
    expect(answer.payload.includes("431")).toBe(true);
    plain.socket.destroy();

    const many = Buffer.concat([
      requestFields(path),
      ...Array.from({ length: 500 }, (_, i) => field(`x-${i}`, "")),
    ]);
    const crowd = await attack(opening, frame(Type.headers, endHeaders | endStream, 1, many));
    await crowd.heard(isRefusal);
    crowd.socket.destroy();

    const bomb = Buffer.concat([
      requestFields(path),
      field("x-a", "b".repeat(3900), true),
      ...Array.from({ length: 10_000 }, () => newestIndexed),
    ]);
    const client = await attack(opening, frame(Type.headers, endHeaders | endStream, 1, bomb));
    await client.heard(isRefusal);
    client.socket.destroy();
    expect(calls).toBe(0);
  }));

test("A38: connections that never get to the point are closed, others are served meanwhile", () =>
  withstood(async () => {
    await serve({ handshakeTimeoutMs: 100 });
    const clients = await Promise.all(
      Array.from({ length: 60 }, (_, i) => attack(opening.subarray(0, i % opening.length))),
    );
    expect(await honest.unary(path, request)).toEqual(request);
    await Promise.all(clients.map(({ closed }) => closed));
  }));

test("A38: a request that never ends gets a verdict and its memory back", () =>
  withstood(async () => {
    await serve({ requestTimeoutMs: 100 });
    const part = Buffer.from([0, 0, 1, 0, 0, 1, 2, 3]);
    const client = await attack(
      opening,
      frame(Type.headers, endHeaders, 1, requestFields(path)),
      frame(Type.data, 0, 1, part),
      frame(Type.headers, endHeaders, 3, requestFields(path)),
    );
    for (const id of [1, 3]) {
      const verdict = await client.heard(
        ({ type, stream }) => type === Type.headers && stream === id,
      );
      expect(verdict.flags & endStream).toBe(endStream);
      await client.heard(({ type, stream }) => type === Type.rst && stream === id);
    }
    expect(server.stats().bufferedBytes).toBe(0);
    client.socket.destroy();
  }));

test("A38: a connection without calls and pings is closed", () =>
  withstood(async () => {
    await serve({ idleTimeoutMs: 100 });
    await (
      await attack(opening)
    ).closed;
  }));

test("A38: no address gets more than its connections", () =>
  withstood(async () => {
    await serve({ maxSessionsPerAddress: 5 });
    const clients = await Promise.all(Array.from({ length: 4 }, () => attack(opening)));
    for (const client of clients) await client.heard(({ type }) => type === Type.settings);
    const over = await attack(opening);
    await over.closed;
    expect(over.frames).toEqual([]);
    clients[0]?.socket.destroy();
    await clients[0]?.closed;
    let admitted = false;
    while (!admitted) {
      const again = await attack(opening);
      const heard = again.heard(({ type }) => type === Type.settings).then(() => true);
      admitted = await Promise.race([heard, again.closed.then(() => false)]);
      again.socket.destroy();
    }
    for (const client of clients) client.socket.destroy();
  }));

test("A41: large requests of one connection stay within their share of memory", () =>
  withstood(async () => {
    const mib = 1024 * 1024;
    await serve({ maxBufferedBytesPerSession: 2 * mib });
    const message = Buffer.alloc(16 * 1024);
    const head = Buffer.from([0, 3, 0, 0, 0]);
    const client = await attack(opening);
    client.socket.write(frame(Type.windowUpdate, 0, 0, Buffer.of(0x7f, 0, 0, 0)));
    for (let id = 1; id <= 41; id += 2) {
      client.socket.write(frame(Type.headers, endHeaders, id, requestFields(path)));
      client.socket.write(frame(Type.data, 0, id, head));
    }
    for (let round = 0; round < 20; round++) {
      for (let id = 1; id <= 41; id += 2) client.socket.write(frame(Type.data, 0, id, message));
      await new Promise((resolve) => setTimeout(resolve, 2));
      expect(server.stats().bufferedBytes).toBeLessThanOrEqual(2 * mib);
    }
    await client.heard(({ type, flags }) => type === Type.headers && (flags & endStream) !== 0);
    client.socket.destroy();
  }));

test("A41: a request that is whole and does not end counts until it ends or is reset", () =>
  withstood(async () => {
    const mib = 1024 * 1024;
    await serve({ maxBufferedBytesPerSession: 2 * mib });
    const client = await attack(opening);
    client.socket.write(frame(Type.windowUpdate, 0, 0, Buffer.of(0x7f, 0, 0, 0)));
    const send = (id: number): void => {
      client.socket.write(frame(Type.headers, endHeaders, id, requestFields(path)));
      client.socket.write(frame(Type.data, 0, id, Buffer.from([0, 0, 0x10, 0, 0])));
      for (let sent = 0; sent < mib; sent += 16 * 1024) {
        client.socket.write(frame(Type.data, 0, id, Buffer.alloc(16 * 1024)));
      }
    };
    const held = () => server.stats().bufferedBytes;
    const refused = (id: number) =>
      client.heard(({ type, stream }) => type === Type.headers && stream === id);
    send(1);
    send(3);
    await expect.poll(held).toBe(2 * mib);
    send(5);
    expect((await refused(5)).flags & endStream).toBe(endStream);
    expect([held(), calls]).toEqual([2 * mib, 0]);
    client.socket.write(frame(Type.rst, 0, 1, Buffer.of(0, 0, 0, 8)));
    await expect.poll(held).toBe(mib);
    client.socket.write(frame(Type.data, endStream, 3));
    await expect.poll(() => calls).toBe(1);
    client.socket.write(frame(Type.rst, 0, 3, Buffer.of(0, 0, 0, 8)));
    await expect.poll(held).toBe(0);
    send(7);
    await expect.poll(held).toBe(mib);
    const answered = client.frames.filter(({ type }) => type === Type.headers);
    expect(answered.map(({ stream }) => stream)).not.toContain(7);
    client.socket.destroy();
  }));

test("F42: a caller that never opens its window gets little, and is cut in the end", () =>
  withstood(async () => {
    await serve({ stallTimeoutMs: 150 });
    const client = await attack(
      opening,
      frame(Type.headers, endHeaders, 1, requestFields("/t.T/Endless")),
      frame(Type.data, endStream, 1, Buffer.from([0, 0, 0, 0, 0])),
    );
    await client.heard(({ type, stream }) => type === Type.rst && stream === 1);
    // 64 KiB of window, as much in the stream, one batch.
    expect(pulled).toBeLessThan(20);
    client.socket.destroy();
  }));

test("XND-03: pings are answered, also many, and floods of empty frames harm nobody", () =>
  withstood(async () => {
    await serve();
    const client = await attack(opening);
    for (let i = 0; i < 100; i++) {
      client.socket.write(frame(Type.ping, 0, 0, Buffer.from([0, 0, 0, 0, 0, 0, 0, i])));
      await client.heard(
        ({ type, flags, payload }) => type === Type.ping && flags === 1 && payload[7] === i,
      );
    }
    const flood = [
      frame(Type.settings, 0, 0),
      frame(Type.ping, 0, 0, Buffer.alloc(8)),
      frame(Type.windowUpdate, 0, 0, Buffer.of(0, 0, 0, 1)),
    ];
    for (let i = 0; i < 3000; i++) client.socket.write(Buffer.concat(flood));
    expect(await honest.unary(path, request)).toEqual(request);
    client.socket.destroy();
  }));
