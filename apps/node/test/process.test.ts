import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { Status } from "@coterie/transport";
import { createGrpcWebTransport } from "@coterie/transport/grpc-web";
import { createH2Transport } from "@coterie/transport/h2";
import { paths, SubscribeGroupMessagesRequest } from "@coterie/wire";
import { launch } from "./node-process.ts";
import type { Process } from "./node-process.ts";
import { bytes, query, send } from "./world.ts";

const folders: string[] = [];
const running: Process[] = [];
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), "coterie-node-"));
  folders.push(made);
  return made;
};
const start = (...args: string[]): Process => {
  const made = launch(...args);
  running.push(made);
  return made;
};
afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill("SIGKILL");
    await ended;
  }
  for (const made of folders.splice(0)) rmSync(made, { recursive: true });
});

const free = ["--xmtp", "127.0.0.1:0"] as const;

test("says where it serves in one line, and keeps what it has from one run to the next", async () => {
  const data = join(folder(), "made", "here");
  const first = start("--data", data, ...free);
  const { xmtp } = await first.ready;
  const client = createH2Transport({ url: xmtp });
  await send(client, { group: 1, content: 1 });
  await client.close();
  first.child.kill("SIGTERM");
  expect(await first.ended).toMatchObject({
    code: 0,
    stdout: [expect.stringContaining('"ready":true')],
  });
  const second = start("--data", data, ...free);
  const again = createH2Transport({ url: (await second.ready).xmtp });
  expect((await query(again, 1)).messages).toHaveLength(1);
  await again.close();
});

test("XND-06: pages of an origin that was given call on the same port as everybody", async () => {
  const origin = "http://localhost:5173";
  const node = start("--data", folder(), ...free, "--web-origin", origin);
  const { xmtp } = await node.ready;
  const plain = createH2Transport({ url: xmtp });
  await send(plain, { group: 1, content: 1 });
  const page = createGrpcWebTransport({
    url: xmtp,
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init?.headers, origin } }),
  });
  expect((await query(page, 1)).messages).toHaveLength(1);
  const request = SubscribeGroupMessagesRequest.encode({
    filters: [{ groupId: bytes(1), idCursor: 0n }],
  });
  const stream = page.serverStream(paths.mls.subscribeGroupMessages, request);
  const reader = stream[Symbol.asyncIterator]();
  expect((await reader.next()).done).toBe(false);
  await send(plain, { group: 1, content: 2 });
  expect((await reader.next()).done).toBe(false);
  const other = createGrpcWebTransport({
    url: xmtp,
    fetch: (url, init) =>
      fetch(url, { ...init, headers: { ...init?.headers, origin: "https://evil.example" } }),
  });
  await expect(query(other, 1)).rejects.toMatchObject({ code: "transport/permission-denied" });
  await Promise.all([plain, page, other].map((transport) => transport.close()));
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`XND-39: on ${signal} streams end UNAVAILABLE and the process ends with 0`, async () => {
    const node = start("--data", folder(), ...free);
    const client = createH2Transport({ url: (await node.ready).xmtp });
    const request = SubscribeGroupMessagesRequest.encode({
      filters: [{ groupId: bytes(1), idCursor: 0n }],
    });
    const stream = client.serverStream(paths.mls.subscribeGroupMessages, request);
    await stream.opened;
    const next = stream[Symbol.asyncIterator]().next();
    node.child.kill(signal);
    await expect(next).rejects.toMatchObject({ status: Status.unavailable });
    const { code, stderr } = await node.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stderr.at(-1) as string)).toMatchObject({ msg: "node.stopped" });
    await client.close();
  });
}

test("one request to stop that arrives twice at once is one request", async () => {
  const node = start("--data", folder(), ...free);
  await node.ready;
  for (const signal of ["SIGINT", "SIGTERM", "SIGINT"] as const) node.child.kill(signal);
  expect(await node.ended).toMatchObject({ code: 0, signal: null });
});

test("a folder in use is refused with its code, and the first node goes on", async () => {
  const data = folder();
  const first = start("--data", data, ...free);
  const { xmtp } = await first.ready;
  const second = await start("--data", data, ...free).ended;
  expect(second.code).toBe(1);
  expect(second.stdout).toEqual([]);
  expect(second.stderr.join()).toContain("node/data-in-use");
  const client = createH2Transport({ url: xmtp });
  await send(client, { group: 1, content: 1 });
  await client.close();
  first.child.kill("SIGKILL");
  await first.ended;
  // a killed node leaves no lock behind
  await start("--data", data, ...free).ready;
});

test("a port in use and a folder that cannot be one are told by their codes", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  const { port } = taken.address() as AddressInfo;
  const noPort = await start("--data", folder(), "--xmtp", `127.0.0.1:${port}`).ended;
  taken.close();
  expect([noPort.code, noPort.stderr.join()]).toEqual([
    1,
    expect.stringContaining("node/cannot-listen"),
  ]);
  const file = join(folder(), "file");
  writeFileSync(file, "");
  const noFolder = await start("--data", file, ...free).ended;
  expect([noFolder.code, noFolder.stderr.join()]).toEqual([
    1,
    expect.stringContaining("node/bad-data-folder"),
  ]);
});

const badArguments: [string, string[]][] = [
  ["no data folder", []],
  ["an unknown flag", ["--data", "x", "--nonsense"]],
  ["a word of its own", ["--data", "x", "word"]],
  ["an address without port", ["--data", "x", "--xmtp", "localhost"]],
  ["a port out of range", ["--data", "x", "--xmtp", "127.0.0.1:65536"]],
  ["an unknown level", ["--data", "x", "--log-level", "loud"]],
  ["a grace that is no number", ["--data", "x", "--grace", "soon"]],
  ["a port for SLIM out of range", ["--data", "x", "--slim", "127.0.0.1:65536"]],
];
for (const [what, args] of badArguments) {
  test(`${what}: exit code 2 and one line`, async () => {
    const { code, stdout, stderr } = await start(...args).ended;
    expect([code, stdout.length, stderr.length]).toEqual([2, 0, 1]);
  });
}

test("SCN-02: the data plane serves beside the XMTP interface when asked for, and only then", async () => {
  const node = start("--data", folder(), ...free, "--slim", "0");
  const { slim } = await node.ready;
  expect(slim).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const client = createH2Transport({ url: slim as string });
  const channel = client.duplex("/dataplane.proto.v1.DataPlaneService/OpenChannel");
  await channel.opened; // before anybody said anything
  await channel.send(Uint8Array.of(1, 2, 3));
  await expect(channel[Symbol.asyncIterator]().next()).rejects.toMatchObject({ status: 3 });
  await client.close();
  node.child.kill("SIGTERM");
  expect((await node.ended).code).toBe(0);
});

test("health and metrics over HTTP, on loopback unless told otherwise", async () => {
  const node = start("--data", folder(), ...free, "--admin", "0");
  const { xmtp, admin } = await node.ready;
  expect(admin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const client = createH2Transport({ url: xmtp });
  await send(client, { group: 1, content: 1 });
  await client.close();
  const health = await fetch(`${admin}/healthz`);
  expect(await health.json()).toMatchObject({ status: "serving" });
  const metrics = await (await fetch(`${admin}/metrics`)).text();
  expect(metrics).toContain('coterie_group_messages_total{outcome="stored"} 1\n');
  expect(metrics).toMatch(
    /^coterie_calls_total\{method="xmtp\.mls\.api\.v1\.MlsApi\/SendGroupMessages",status="0"\} 1$/m,
  );
  expect((await fetch(`${admin}/else`)).status).toBe(404);
  expect((await fetch(`${admin}/healthz`, { method: "POST" })).status).toBe(405);
});
