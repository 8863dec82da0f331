import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildProgram, runProgram, startProgram } from "./program.ts";

const root = mkdtempSync(join(tmpdir(), "coterie-slim-app-"));
const env = { HOME: root, COTERIE_SLIM_SECRET: "0123456789abcdef0123456789abcdef" };
const stops: (() => Promise<unknown>)[] = [];

beforeAll(() => buildProgram("slim-app"), 60_000);
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
  rmSync(root, { recursive: true });
});

/** The program, and its lines as they come. */
function open(...args: readonly string[]) {
  const child = startProgram(args, env);
  const gone = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const stop = (): Promise<number | null> => {
    child.kill("SIGTERM");
    return gone;
  };
  stops.push(stop);
  return {
    stop,
    gone,
    line: async () => (await lines.next()).value as string,
    type: (text: string) => child.stdin.write(`${text}\n`),
  };
}

test("SND-08: a node and two apps at the terminal talk, without a line of code", async () => {
  const node = open("slim", "start", "--endpoint", "127.0.0.1:0");
  const [, url = ""] =
    /^SLIM node listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(await node.line()) ?? [];
  expect(url).not.toBe("");

  const two = open("--server", url, "slim", "app", "--local", "agntcy/ns/client-2");
  expect(await two.line()).toMatch(
    /^agntcy\/ns\/client-2\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  );
  expect(await two.line()).toMatch(/^agntcy\/ns\/client-2\/\d+$/);
  expect(await two.line()).toBe("Waiting for session...");

  const founding = ["--channel", "agntcy/ns/chat", "--invite", "agntcy/ns/client-2"];
  const one = open(
    "--json",
    "--server",
    url,
    "slim",
    "app",
    "--local",
    "agntcy/ns/client-1",
    ...founding,
  );
  const event = async (): Promise<Record<string, unknown>> => JSON.parse(await one.line());
  expect(await event()).toMatchObject({
    event: "ready",
    decimalName: expect.stringMatching(/^agntcy\/ns\/client-1\/\d+$/),
  });
  expect(await event()).toMatchObject({ event: "created", channel: "agntcy/ns/chat", mls: true });
  expect(await event()).toMatchObject({ event: "invited", participant: "agntcy/ns/client-2" });
  expect(await two.line()).toBe("Joined agntcy/ns/chat");

  one.type("hello");
  expect(await two.line()).toBe("agntcy/ns/client-1 > hello");
  expect(await event()).toMatchObject({ event: "sent", text: "hello", acked: 1 });
  // What somebody writes does not move the cursor of who reads it.
  two.type("\u001b[2Jhello yourself");
  expect(await event()).toMatchObject({
    event: "message",
    from: "agntcy/ns/client-2",
    text: "\u001b[2Jhello yourself",
  });
  expect(await two.line()).toContain("agntcy/ns/client-2 > ");
  two.type("/members");
  expect(await two.line()).toBe("Members of agntcy/ns/chat (2):");
  expect((await two.line()).startsWith("  - agntcy/ns/client-")).toBe(true);
  await two.line();

  one.type("/quit");
  expect(await one.gone).toBe(0);
  expect(await two.line()).toMatch(/^Session agntcy\/ns\/chat is over: /);
  expect(await two.stop()).toBe(0);
  expect(await node.stop()).toBe(0);
}, 90_000);

test("SND-08: what is wrong before anything runs is `Error: …`", async () => {
  const file = join(root, "node.yaml");
  writeFileSync(file, "listen: [nowhere]\n");
  const cases: readonly [readonly string[], string][] = [
    [
      ["slim", "start", "-c", file],
      "listen[0].endpoint must be HOST:PORT, ws://HOST:PORT or unix:///PATH",
    ],
    [
      ["--config", file, "slim", "start"],
      "listen[0].endpoint must be HOST:PORT, ws://HOST:PORT or unix:///PATH",
    ],
    [
      ["slim", "start", "-c", file, "--endpoint", "a:1"],
      "a file says everything: no other options with it",
    ],
    [["slim", "app", "--local", "a/b/c", "--count", "none"], "not a number of messages: none"],
    [["slim", "app", "--local", "a/b/c", "--secret", "short"], "a secret has at least 32 bytes"],
    [
      ["--server", "127.0.0.1:9", "--timeout", "1s", "slim", "app", "--local", "a/b/c"],
      "no answer from http://127.0.0.1:9 (transport/unavailable)",
    ],
  ];
  const ran = await Promise.all(cases.map(([args]) => runProgram(args, { env })));
  for (const [at, { code, err }] of ran.entries()) {
    expect([cases[at]?.[0], code, err.startsWith("Error: ")]).toEqual([cases[at]?.[0], 1, true]);
    expect(err).toContain(cases[at]?.[1]);
  }
}, 60_000);
