import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startNode } from "@coterie/node";
import type { RunningNode } from "@coterie/node";
import { buildProgram, runProgram, startProgram } from "./program.ts";
import type { Ran, RunOptions } from "./program.ts";

const root = mkdtempSync(join(tmpdir(), "coterie-cli-"));
let node: RunningNode;

beforeAll(async () => {
  await buildProgram("verbs");
  node = await startNode({ data: join(root, "node"), xmtp: { host: "127.0.0.1", port: 0 } });
});
afterAll(async () => {
  await node.close({ graceMs: 0 });
  rmSync(root, { recursive: true });
});

const inHome = (home: string | undefined, args: readonly string[]): readonly string[] =>
  home === undefined ? args : ["--home", join(root, home), ...args];
const start = (home: string | undefined, args: readonly string[]) =>
  startProgram(inHome(home, args));
const coterie = (home: string | undefined, args: readonly string[], options: RunOptions = {}) =>
  runProgram(inHome(home, args), options);

// oxlint-disable-next-line typescript/no-explicit-any
async function json(home: string, ...args: readonly string[]): Promise<any> {
  const { code, out, err } = await coterie(home, ["--json", ...args]);
  expect({ args, code, err }).toEqual({ args, code: 0, err: "" });
  return JSON.parse(out);
}

const errorOf = (ran: Ran): { code: number | null; error: unknown; lines: number } => ({
  code: ran.code,
  error: (JSON.parse(ran.err) as { error: { code: string } }).error.code,
  lines: ran.err.trim().split("\n").length,
});

test("two people: init, whoami, groups, members, send, read, dms, consent", async () => {
  const ada = await json("ada", "init", "--url", node.xmtp);
  const ben = await json("ben", "init", "--url", node.xmtp);
  expect(ada.inboxId).toMatch(/^[0-9a-f]{64}$/);
  expect(ada.identifier).toMatch(/^0x[0-9a-f]{40}$/);
  expect(await json("ada", "whoami")).toEqual({ ...ada, isRegistered: true });

  const group = await json("ada", "groups", "create", ben.identifier, "--name", "Stairs");
  expect(group).toMatchObject({
    kind: "group",
    name: "Stairs",
    isActive: true,
    consent: "allowed",
  });
  const [bens] = await json("ben", "groups");
  expect(bens).toMatchObject({ id: group.id, name: "Stairs", consent: "unknown" });

  const members = await json("ben", "members", group.id.slice(0, 8));
  expect(members.map(({ inboxId, role }: Record<string, string>) => [inboxId, role])).toEqual(
    expect.arrayContaining([
      [ada.inboxId, "super admin"],
      [ben.inboxId, "member"],
    ]),
  );

  const sent = await json("ada", "send", group.id, "hello", "stairs");
  await coterie("ben", ["send", group.id, "-"], { input: "two\nlines\n" });
  const read = await json("ada", "read", group.id);
  expect(read.map(({ kind }: { kind: string }) => kind)).toContain("membership-change");
  const texts = read.filter(
    ({ contentType }: Record<string, string>) => contentType === "xmtp.org/text:1.0",
  );
  expect(texts.map(({ content }: Record<string, string>) => content)).toEqual([
    "hello stairs",
    "two\nlines",
  ]);
  expect(texts[0]).toMatchObject({
    id: sent.id,
    senderInboxId: ada.inboxId,
    deliveryStatus: "published",
  });
  expect(await json("ada", "read", group.id, "--limit", "1", "--offline")).toEqual([texts[1]]);

  const dm = await json("ben", "dms", "open", ada.inboxId);
  expect(dm).toMatchObject({ kind: "dm", peerInboxId: ada.inboxId });
  await json("ben", "send", ada.identifier, "only for you");
  const [adas] = await json("ada", "dms");
  expect(adas.peerInboxId).toBe(ben.inboxId);
  expect((await json("ada", "read", ben.inboxId)).at(-1).content).toBe("only for you");

  expect(await json("ada", "consent", ben.inboxId)).toMatchObject({ consent: "unknown" });
  await json("ada", "consent", ben.inboxId, "denied");
  expect(await json("ada", "consent", ben.identifier)).toMatchObject({ consent: "denied" });
  expect(await json("ada", "consent", group.id)).toMatchObject({ consent: "allowed" });

  await json("ada", "members", "remove", group.id, ben.identifier);
  const after = await coterie("ben", ["--json", "send", group.id, "too late"]);
  expect(errorOf(after)).toEqual({ code: 1, error: "client/group-inactive", lines: 1 });
}, 120_000);

test("watch shows messages as they come, one a line, and ends with 0 when interrupted", async () => {
  const cleo = await json("cleo", "init", "--url", node.xmtp);
  const dan = await json("dan", "init", "--url", node.xmtp);
  const group = await json("dan", "groups", "create", cleo.inboxId);
  const child = start("cleo", ["--json", "watch"]);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise((resolve) => child.once("exit", resolve));
  // Who watches takes a while to start, and does not see what was said before.
  const sayUntil = async <T>(words: string, done: Promise<T>): Promise<T> => {
    const seen: T[] = [];
    done.then((value) => seen.push(value)).catch(() => {});
    while (seen.length === 0) await json("dan", "send", group.id, words);
    return done;
  };
  const next = async () =>
    JSON.parse((await lines.next()).value as string) as Record<string, string>;
  const hear = async () => {
    let heard = await next();
    while (heard["content"] !== "one") heard = await next();
    return heard;
  };
  const heard = await sayUntil("one", hear());
  expect(heard).toMatchObject({ conversationId: group.id, senderInboxId: dan.inboxId });
  // The database has one holder at a time.
  expect(errorOf(await coterie("cleo", ["--json", "whoami"]))).toEqual({
    code: 3,
    error: "storage/in-use",
    lines: 1,
  });
  child.kill("SIGINT");
  expect(await ended).toBe(0);
  const counted = coterie("cleo", ["watch", group.id, "--count", "1"]);
  const { code, out } = await sayUntil("two", counted);
  expect(code).toBe(0);
  expect(out).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}[0-9a-f]{8}…: two\n$/);
}, 120_000);

test("keys are readable by their owner alone, and nothing that was said is readable on the disk", async () => {
  const eve = await json("eve", "init", "--url", node.xmtp);
  const group = await json("eve", "groups", "create", "--name", "Attic of secrets");
  await json("eve", "send", group.id, "the password is swordfish");
  const folder = join(root, "eve");
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const name of ["db.key", "wallet.key", "config.json"]) {
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  }
  for (const name of readdirSync(folder)) {
    const content = readFileSync(join(folder, name), "latin1");
    for (const secret of ["swordfish", "Attic", eve.installationId]) {
      expect(content.includes(secret)).toBe(false);
    }
  }
  // A key that others could read is taken back from them.
  chmodSync(join(folder, "db.key"), 0o644);
  await json("eve", "whoami");
  expect(statSync(join(folder, "db.key")).mode & 0o777).toBe(0o600);
}, 60_000);

test("keys from the environment are used and not written down; another key is storage/wrong-key", async () => {
  const env = {
    COTERIE_KEY: "11".repeat(32),
    COTERIE_WALLET: "22".repeat(32),
    COTERIE_URL: node.xmtp,
  };
  const first = await coterie("fay", ["--json", "init"], { env });
  expect(first.code).toBe(0);
  expect(readdirSync(join(root, "fay")).filter((name) => name.endsWith(".key"))).toEqual([]);
  const again = await coterie("fay", ["--json", "whoami"], { env });
  expect(JSON.parse(again.out).inboxId).toBe(JSON.parse(first.out).inboxId);
  const wrong = { ...env, COTERIE_KEY: "33".repeat(32) };
  expect(errorOf(await coterie("fay", ["--json", "whoami"], { env: wrong }))).toEqual({
    code: 1,
    error: "storage/wrong-key",
    lines: 1,
  });
  const bad = { ...env, COTERIE_KEY: "key" };
  expect(errorOf(await coterie("fay", ["--json", "whoami"], { env: bad })).error).toBe(
    "cli/bad-home",
  );
}, 60_000);

test("failures are one line with their code", async () => {
  await json("gus", "init", "--url", node.xmtp);
  const cases: readonly [string, readonly string[], number, string][] = [
    ["nobody", ["whoami"], 1, "cli/not-initialized"],
    ["gus", ["init"], 1, "cli/already-initialized"],
    ["gus", ["read", "zz"], 2, "cli/bad-argument"],
    ["gus", ["read", "abcdef"], 1, "cli/no-such-conversation"],
    ["gus", ["groups", "create", `0x${"00".repeat(20)}`], 2, "cli/bad-argument"],
    ["gus", ["consent", "ab".repeat(32), "maybe"], 2, "cli/bad-argument"],
    ["gus", ["read", "abcdef", "--limit", "none"], 2, "cli/bad-argument"],
  ];
  const plain = await coterie("nobody", ["whoami"]);
  expect(plain.err).toMatch(/^coterie: cli\/not-initialized: [^\n]+\n$/);
  for (const [home, args, code, error] of cases) {
    const ran = await coterie(home, ["--json", ...args]);
    expect({ args, ...errorOf(ran), out: ran.out }).toEqual({
      args,
      code,
      error,
      lines: 1,
      out: "",
    });
  }
}, 120_000);

test("a node that is not there: exit code 3, and the identity goes on where it stopped", async () => {
  const away = await coterie("hal", ["--json", "init", "--url", "http://127.0.0.1:9"]);
  expect(errorOf(away)).toEqual({ code: 3, error: "transport/unavailable", lines: 1 });
  expect(existsSync(join(root, "hal", "config.json"))).toBe(true);
  const there = await coterie("hal", ["--json", "--url", node.xmtp, "whoami"]);
  expect(JSON.parse(there.out)).toMatchObject({ isRegistered: true, url: node.xmtp });
}, 60_000);

test("--help and --version are no failures, unknown words are", async () => {
  const helps = [["--version"], ["groups", "--help"], ["watch", "--help"]];
  const helped = await Promise.all(helps.map((args) => coterie(undefined, args)));
  expect(helped.map(({ code }) => code)).toEqual([0, 0, 0]);
  const { out } = await coterie(undefined, ["--help"]);
  for (const verb of [
    "init",
    "whoami",
    "groups",
    "dms",
    "members",
    "send",
    "read",
    "watch",
    "consent",
  ]) {
    expect(out).toContain(`  ${verb}`);
  }
  const wrong = [["fly"], ["send"], ["read", "--nope"], []];
  const refused = await Promise.all(wrong.map((args) => coterie(undefined, args)));
  expect(refused.map(({ code }) => code)).toEqual([2, 2, 2, 2]);
}, 60_000);
