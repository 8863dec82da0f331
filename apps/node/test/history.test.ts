import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { silentLog } from "@coterie/base";
import { startHistory } from "../src/history.ts";
import type { HistoryOptions, HistoryServer } from "../src/history.ts";

const running: HistoryServer[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

let nowMs = Date.now();
async function start(
  more: Partial<HistoryOptions> = {},
): Promise<HistoryServer & { folder: string }> {
  const folder = more.folder ?? mkdtempSync(join(tmpdir(), "coterie-history-"));
  if (!more.folder) folders.push(folder);
  const server = await startHistory({
    host: "127.0.0.1",
    port: 0,
    folder,
    maxBytes: 10_000,
    maxTotalBytes: 25_000,
    keepMs: 3_600_000,
    webOrigins: ["https://chat.example"],
    clock: { nowNs: () => BigInt(nowMs) * 1_000_000n },
    logger: silentLog,
    ...more,
  });
  running.push(server);
  return { ...server, folder };
}
const upload = (url: string, body: Uint8Array<ArrayBuffer>): Promise<Response> =>
  fetch(`${url}/upload`, { method: "POST", body });

test("XHS-06: what is uploaded is given back under an id that nobody guesses, after a restart too", async () => {
  nowMs = Date.now();
  const first = await start();
  const body = new Uint8Array(9_000).map((_, i) => i);
  const id = await (await upload(first.url, body)).text();
  expect(id).toMatch(/^[0-9a-f]{48}$/);
  expect(await (await upload(first.url, body)).text()).not.toBe(id);
  await first.close();
  writeFileSync(join(first.folder, `${"ab".repeat(24)}.part`), "unfinished");
  const second = await start({ folder: first.folder });
  expect(readdirSync(first.folder).length).toBe(2);
  const answer = await fetch(`${second.url}/files/${id}`);
  expect(new Uint8Array(await answer.arrayBuffer())).toEqual(body);
});

test("XHS-06: too large, too much of all, too old, unknown, another method: a status", async () => {
  nowMs = Date.now();
  const { url, folder } = await start();
  expect((await upload(url, new Uint8Array(10_001))).status).toBe(413);
  const id = await (await upload(url, new Uint8Array(10_000))).text();
  await upload(url, new Uint8Array(10_000));
  expect((await upload(url, new Uint8Array(10_000))).status).toBe(507);
  expect(readdirSync(folder).length).toBe(2);
  expect((await fetch(`${url}/files/${"00".repeat(24)}`)).status).toBe(404);
  expect((await fetch(`${url}/files/..%2f..%2fetc%2fpasswd`)).status).toBe(404);
  expect((await fetch(`${url}/upload`)).status).toBe(405);
  expect((await fetch(`${url}/files/${id}`, { method: "DELETE" })).status).toBe(405);
  expect((await fetch(`${url}/files/${id}`, { method: "HEAD" })).status).toBe(200);
  nowMs += 3_700_000;
  expect((await fetch(`${url}/files/${id}`)).status).toBe(404);
  const again = await start({ folder });
  expect(readdirSync(folder)).toEqual([]);
  expect((await upload(again.url, new Uint8Array(10_000))).status).toBe(200);
});

test("XHS-06: an upload without a length is counted as it comes, and one that breaks off leaves nothing", async () => {
  nowMs = Date.now();
  const { url, folder } = await start();
  let left = 1_000;
  const long = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (left-- > 0) controller.enqueue(new Uint8Array(1_000));
      else controller.close();
    },
  });
  const init = { method: "POST", body: long, duplex: "half" } as RequestInit;
  const status = await fetch(`${url}/upload`, init).then(
    (response) => response.status,
    () => 413,
  );
  expect(status).toBe(413);
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.write("POST /upload HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\nabc");
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.destroy();
  await expect.poll(() => readdirSync(folder)).toEqual([]);
  expect((await upload(url, new Uint8Array(10_000))).status).toBe(200);
});

test("XHS-06: pages of named origins may call, others get no leave", async () => {
  const { url } = await start();
  const ask = (origin: string): Promise<Response> =>
    fetch(`${url}/upload`, { method: "OPTIONS", headers: { origin } });
  const allowed = await ask("https://chat.example");
  expect(allowed.status).toBe(204);
  expect(allowed.headers.get("access-control-allow-origin")).toBe("https://chat.example");
  const other = await ask("https://other.example");
  expect(other.headers.get("access-control-allow-origin")).toBeNull();
});
