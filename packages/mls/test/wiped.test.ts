import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { fromHex, toHex } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { opensslProvider } from "@coterie/crypto/openssl";
import { expect, test } from "vitest";
import { deterministicProvider } from "./deterministic.ts";
import { createBob, tellStory } from "./wiped-scenario.ts";
import type { Order } from "./wiped-scenario.ts";

const text = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);

/** Notes every secret that a provider hands out, by what made it. */
function recording(base: CryptoProvider): {
  crypto: CryptoProvider;
  secrets: Map<string, string>;
  imported: Set<string>;
  buffers: readonly { readonly value: string; readonly bytes: Uint8Array }[];
} {
  const secrets = new Map<string, string>();
  const buffers: { value: string; bytes: Uint8Array }[] = [];
  const imported = new Set<string>();
  const note = (what: string, bytes: Uint8Array): Uint8Array => {
    const hex = toHex(bytes);
    if (bytes.length < 12 || !/[^0]/.test(hex)) return bytes;
    if (!secrets.has(hex)) secrets.set(hex, what);
    buffers.push({ value: hex, bytes });
    return bytes;
  };
  const crypto: CryptoProvider = {
    ...base,
    hkdfExtract(hash, salt, ikm) {
      const made = base.hkdfExtract(hash, salt, ikm);
      // HPKE hashes its public parameters with the same function.
      const isPublic = /(info|psk_id)_hash/.test(text(ikm));
      return isPublic ? made : note("extracted", made);
    },
    hkdfExpand(hash, prk, info, length) {
      const made = base.hkdfExpand(hash, prk, info, length);
      // The epoch authenticator is made to be shown to others (RFC 9420 §8.7).
      return text(info).includes("MLS 1.0 authentication") ? made : note("expanded", made);
    },
    dh(name, privateKey, publicKey) {
      imported.add(toHex(privateKey));
      return note("exchange", base.dh(name, privateKey, publicKey));
    },
    dhPublicKey(name, privateKey) {
      imported.add(toHex(privateKey));
      return base.dhPublicKey(name, privateKey);
    },
    dhEphemeral(...args) {
      const made = base.dhEphemeral(...args);
      note("exchange", made.shared);
      return made;
    },
    generateDh(...args) {
      const made = base.generateDh(...args);
      note("private key", made.privateKey);
      imported.add(toHex(made.privateKey));
      return made;
    },
    aeadOpen(...args) {
      const plaintext = base.aeadOpen(...args);
      // A path secret; GroupSecrets, which begin with the length of the joiner secret.
      if (plaintext.length === 32) note("path secret", plaintext);
      else if (plaintext[0] === 32) note("joiner secret", plaintext.subarray(1, 33));
      return plaintext;
    },
  };
  return { crypto, secrets, imported, buffers };
}

/** Which of these values stand in a buffer, by their first three bytes. */
function createScanner(values: Iterable<string>): (bytes: Uint8Array, found: Set<string>) => void {
  const starts = new Uint8Array(2 ** 24);
  const byStart = new Map<number, Uint8Array[]>();
  for (const value of values) {
    const bytes = fromHex(value);
    const start = ((bytes[0] as number) << 16) | ((bytes[1] as number) << 8) | (bytes[2] as number);
    starts[start] = 1;
    byStart.set(start, [...(byStart.get(start) ?? []), bytes]);
  }
  return (bytes, found) => {
    let start = 0;
    for (let at = 0; at < bytes.length; at++) {
      start = ((start << 8) | (bytes[at] as number)) & 0xffffff;
      if (starts[start] === 0) continue;
      for (const value of byStart.get(start) ?? []) {
        const from = at - 2;
        if (value.every((byte, i) => bytes[from + i] === byte)) found.add(toHex(value));
      }
    }
  };
}

/** Everything that a process can write to, as it is now. */
function scanProcess(pid: number, values: Iterable<string>): Set<string> {
  const found = new Set<string>();
  const scan = createScanner(values);
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const chunk = 1 << 22;
  const overlap = 64;
  const buffer = new Uint8Array(chunk + overlap);
  for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
    if (!range) continue;
    const end = Number.parseInt(range[2] as string, 16);
    for (let at = Number.parseInt(range[1] as string, 16); at < end; at += chunk) {
      const length = Math.min(buffer.length, end - at);
      try {
        const read = readSync(memory, buffer, 0, length, at);
        scan(buffer.subarray(0, read), found);
      } catch {
        // A page that was never touched, or went away.
      }
    }
  }
  closeSync(memory);
  return found;
}

async function inOtherProcess(
  orders: readonly Order[],
  flags: readonly string[],
  look: (pid: number, ask: (order: object) => Promise<string>) => Promise<void>,
): Promise<void> {
  const script = fileURLToPath(new URL("wiped-child.mjs", import.meta.url));
  const node = ["--conditions=@coterie/source", "--experimental-strip-types", "--no-warnings"];
  const child = spawn(process.execPath, [...node, "--expose-gc", script, ...flags], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: process.env["PATH"] },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const tell = (order: object): void => void child.stdin.write(`${JSON.stringify(order)}\n`);
  const ask = async (order: object): Promise<string> => {
    tell(order);
    return String((await lines.next()).value);
  };
  try {
    for (const order of orders) tell(order);
    expect(await ask({ kind: "look" })).toBe("still");
    await look(child.pid as number, ask);
    tell({ kind: "end" });
  } finally {
    child.kill();
  }
}

/** All text in a heap snapshot that could be a secret in hex or base64. */
function textsOf(file: string): string {
  return (readFileSync(file, "utf8").match(/[A-Za-z0-9+/_-]{16,}/g) ?? []).join(" ");
}

/** A secret as text: in hex, and in base64 wherever in a longer text it may begin, without the ends that depend on its neighbours. */
function spellings(value: string): string[] {
  const bytes = fromHex(value);
  const base64 = [0, 1, 2].flatMap((shift) => {
    const buffer = Buffer.concat([Buffer.alloc(shift), bytes]);
    return (["base64", "base64url"] as const).map((form) =>
      buffer
        .toString(form)
        .replace(/=+$/, "")
        .slice(shift === 0 ? 0 : 4, -2),
    );
  });
  return [value, ...base64];
}

const { crypto, secrets, imported, buffers } = recording(
  deterministicProvider(opensslProvider, "bob"),
);
const bob = createBob(crypto);
const orders = tellStory(bob);
const inUse = bob.secretsInUse();
const live = [...secrets.keys()].filter((value) => inUse.includes(value));
const consumed = [...secrets.keys()].filter((value) => !inUse.includes(value));
const onLinux = existsSync("/proc/self/maps");
if (!onLinux) console.log("skipped: the memory of a process is read by Linux's /proc");

/** Node before 24 leaves what it decodes of a private JWK in memory that it has freed: out of anybody's reach, until it is used again. */
const leavesImports = Number(globalThis.process.versions.node.split(".")[0]) < 24;
const leftOver = (memory: Set<string>): string[] =>
  consumed.filter((value) => memory.has(value) && !(leavesImports && imported.has(value)));

async function examine(flags: readonly string[]): Promise<{ memory: Set<string>; texts: string }> {
  const folder = mkdtempSync(joinPath(tmpdir(), "coterie-wiped-"));
  const file = joinPath(folder, "bob.heapsnapshot");
  let memory = new Set<string>();
  try {
    await inOtherProcess(orders, flags, async (pid, ask) => {
      if (onLinux) memory = scanProcess(pid, secrets.keys());
      expect(await ask({ kind: "snapshot", file })).toBe("written");
    });
    return { memory, texts: textsOf(file) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("RFC 9420 §9.2: what was consumed is in no stored byte, and what was given out as spent is all there is", () => {
  expect(consumed.length).toBeGreaterThan(300);
  expect(live.length).toBeGreaterThan(20);
  const stored = [...bob.store.values()].map(toHex).join(" ");
  for (const value of consumed) expect(stored).not.toContain(value);
  const kinds = new Set(consumed.map((value) => secrets.get(value)));
  expect([...kinds].toSorted()).toEqual([
    "exchange",
    "expanded",
    "extracted",
    "joiner secret",
    "path secret",
    "private key",
  ]);
});

test("RFC 9420 §9.2: every buffer in which a consumed secret was handed out has been wiped", () => {
  const gone = new Set(consumed);
  const left = buffers.filter(({ value, bytes }) => gone.has(value) && bytes.some((b) => b !== 0));
  expect(buffers.length).toBeGreaterThan(consumed.length);
  expect(left.map(({ value }) => secrets.get(value))).toEqual([]);
});

test("RFC 9420 §9.2: once stored and wiped, consumed secrets are neither in the process's memory nor in its heap snapshot", async () => {
  const { memory, texts } = await examine([]);
  // What is in use is found: so would be what should not be there.
  if (onLinux) expect(live.filter((value) => !memory.has(value))).toEqual([]);
  const left = leftOver(memory);
  expect(left.map((value) => secrets.get(value))).toEqual([]);
  for (const value of consumed) {
    for (const text of spellings(value)) expect(texts.includes(text)).toBe(false);
  }
}, 400_000);

test("a secret that one place forgot to wipe is found in memory, and as text in the heap snapshot", async () => {
  const { memory, texts } = await examine(["--keep"]);
  const kept = consumed.filter((value) => texts.includes(value));
  expect(kept).toHaveLength(1);
  if (onLinux) expect(leftOver(memory)).toEqual(kept);
}, 400_000);
