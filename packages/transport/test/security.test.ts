import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { performServerHandshake } from "node:http2";
import * as net from "node:net";
import type { AddressInfo } from "node:net";
import { connect as connectTls, createServer } from "node:tls";
import type { Server } from "node:tls";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import {
  acceptBasic,
  acceptBearer,
  basicAuthorization,
  createMemoryTransport,
  guardRoutes,
} from "@coterie/transport";
import type { Route, Routes } from "@coterie/transport";
import { createH2Server, createH2Transport } from "@coterie/transport/h2";
import type { H2ServerOptions, H2TransportOptions } from "@coterie/transport/h2";
import { collect } from "./collect.ts";
import { selfSigned } from "./self-signed.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const routes: Routes = new Map<string, Route>([
  ["/t.T/Echo", { kind: "unary", handle: (request) => request }],
  ["/t.T/Both", { kind: "duplex", handle: (requests) => requests }],
  [
    "/t.T/Two",
    {
      kind: "server-stream",
      handle: async function* (one) {
        yield one;
        yield one;
      },
    },
  ],
  [
    "/t.T/Wind",
    {
      kind: "duplex",
      async *handle(_requests, { signal }) {
        yield Uint8Array.of(1);
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        yield Uint8Array.of(2);
      },
    },
  ],
]);

async function pair(server: Partial<H2ServerOptions>, client: Partial<H2TransportOptions> = {}) {
  const serving = await createH2Server({ routes, ...server });
  cleanups.push(() => serving.close({ graceMs: 0 }));
  const transport = createH2Transport({ url: serving.url, ...client });
  cleanups.push(() => transport.close());
  return { serving, transport, echo: () => transport.unary("/t.T/Echo", Uint8Array.of(7)) };
}

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), "coterie-"));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

test("SCN-06: the same calls over a socket in the file system", async () => {
  const path = join(folder(), "slim node.sock");
  const { serving, transport, echo } = await pair({ path });
  expect(serving.url).toBe(`unix://${encodeURI(path)}`);
  expect(await echo()).toEqual(Uint8Array.of(7));
  const duplex = transport.duplex("/t.T/Both");
  await duplex.send(Uint8Array.of(1));
  duplex.end();
  expect(await collect(duplex)).toEqual([Uint8Array.of(1)]);
});

test("SCN-06: a socket left behind is replaced; one that is listened to, and a file that is none, stay", async () => {
  const path = join(folder(), "left.sock");
  const dead = net.createServer();
  await new Promise<void>((resolve) => dead.listen({ path }, resolve));
  await expect(createH2Server({ routes, path })).rejects.toMatchObject({ code: "EADDRINUSE" });
  const script = `require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, 9))`;
  const other = join(folder(), "killed.sock");
  spawnSync(process.execPath, ["-e", script, other]);
  expect(existsSync(other)).toBe(true);
  const { echo } = await pair({ path: other });
  expect(await echo()).toEqual(Uint8Array.of(7));
  const file = join(folder(), "file");
  writeFileSync(file, "mine");
  await expect(createH2Server({ routes, path: file })).rejects.toMatchObject({
    code: "EADDRINUSE",
  });
  expect(readFileSync(file, "utf8")).toBe("mine");
  await new Promise<void>((resolve) => dead.close(() => resolve()));
});

test("SCN-09: with a client authority, a client without a certificate of it is not served", async () => {
  const server = selfSigned();
  const client = selfSigned();
  const tls = { ...server, clientCa: client.cert, minVersion: "TLSv1.3" } as const;
  const known = await pair({ tls }, { tls: { ca: server.cert, ...client } });
  expect(await known.echo()).toEqual(Uint8Array.of(7));
  for (const wrong of [{}, selfSigned()]) {
    const { echo } = await pair({ tls }, { tls: { ca: server.cert, ...wrong } });
    await expect(echo()).rejects.toMatchObject({ status: 14 });
  }
});

test("SCN-09: versions below the lowest are refused; whom nobody vouches for is trusted only when asked to", async () => {
  const server = selfSigned();
  const old = await pair({ tls: { ...server, minVersion: "TLSv1.3" } });
  await expect(
    new Promise((resolve, reject) => {
      const socket = connectTls({
        port: old.serving.address.port,
        maxVersion: "TLSv1.2",
        rejectUnauthorized: false,
        ALPNProtocols: ["h2"],
      });
      cleanups.push(() => socket.destroy());
      socket.once("secureConnect", resolve);
      socket.once("error", reject);
    }),
  ).rejects.toThrow(/version/i);
  await expect(old.echo()).rejects.toMatchObject({ status: 14 });
  const trusting = await pair({ tls: server }, { tls: { insecureSkipVerify: true } });
  expect(await trusting.echo()).toEqual(Uint8Array.of(7));
  const named = await pair({ tls: server }, { tls: { ca: server.cert, servername: "elsewhere" } });
  await expect(named.echo()).rejects.toMatchObject({ status: 14 });
});

test("SCN-09: a server that speaks HTTP/2 over TLS and chooses no protocol is spoken to; one that speaks something else is left", async () => {
  const server = selfSigned();
  const listen = async (listening: Server): Promise<string> => {
    await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => void listening.close());
    return `https://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  };
  const silent = createServer(server, (socket) => {
    const session = performServerHandshake(socket);
    session.on("error", () => {});
    session.on("stream", (stream) => {
      stream.respond({ "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.from([0, 0, 0, 0, 1, 9]));
    });
  });
  const call = async (url: string): Promise<Uint8Array> => {
    const transport = createH2Transport({ url, tls: { ca: server.cert } });
    cleanups.push(() => transport.close());
    return transport.unary("/t.T/Echo", Uint8Array.of(1));
  };
  expect(await call(await listen(silent))).toEqual(Uint8Array.of(9));
  const pages = createServer(server, (socket) => {
    socket.on("error", () => {});
    socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  await expect(call(await listen(pages))).rejects.toMatchObject({ status: 14 });
});

test("SCN-08: calls of every kind with the right name and password, or token, and no others", async () => {
  const credentials = { username: "ada", password: "grün:1" };
  const basic = guardRoutes(routes, acceptBasic(credentials));
  const bearer = guardRoutes(
    routes,
    acceptBearer((token) => {
      if (token === "broken") throw new Error();
      return token === "right";
    }),
  );
  const ada = basicAuthorization(credentials);
  for (const [guarded, authorization, accepted] of [
    [basic, ada, true],
    [basic, basicAuthorization({ ...credentials, password: "grün:2" }), false],
    [basic, "Basic ****", false],
    [basic, undefined, false],
    [bearer, "Bearer right", true],
    [bearer, "bearer right", true],
    [bearer, "Bearer wrong", false],
    [bearer, "Bearer broken", false],
    [bearer, ada, false],
  ] as const) {
    const { transport, echo } = await pair(
      { routes: guarded },
      { authorization: authorization === undefined ? undefined : () => authorization },
    );
    const duplex = transport.duplex("/t.T/Both");
    duplex.end();
    const calls = [
      echo(),
      collect(transport.serverStream("/t.T/Two", Uint8Array.of(1))),
      collect(duplex),
    ];
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject(
        accepted ? { status: "fulfilled" } : { reason: { status: 16 } },
      );
    }
  }
  const memory = createMemoryTransport(basic, { metadata: { authorization: ada } });
  expect(await memory.unary("/t.T/Echo", Uint8Array.of(1))).toEqual(Uint8Array.of(1));
});

test("SCN-10: a connection that is old is asked to go, its streams may finish, and callers come back on another", async () => {
  const { serving, transport, echo } = await pair({
    limits: { maxAgeMs: 40, maxAgeGraceMs: 2_000 },
  });
  const duplex = transport.duplex("/t.T/Wind");
  expect(await collect(duplex)).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
  expect(await echo()).toEqual(Uint8Array.of(7));
  // one that does not finish by itself is ended
  const stubborn = await pair({ limits: { maxAgeMs: 40, maxAgeGraceMs: 40 } });
  const both = stubborn.transport.duplex("/t.T/Both");
  await expect(collect(both)).rejects.toMatchObject({ status: 14 });
  expect(serving.stats().sessions).toBeLessThan(3);
});
