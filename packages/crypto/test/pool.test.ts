import { equal, toHex } from "@coterie/base";
import { expect, onTestFinished, test } from "vitest";
import type { CryptoProvider, SignatureClaim } from "../src/index.ts";
import { createOpensslProvider } from "../src/openssl.ts";
import { openPool } from "../src/pool.ts";
import { answerOf, openBatch, states, tagLength } from "../src/pool/batch.ts";
import type { BatchMessage } from "../src/pool/batch.ts";
import { openPoolWith } from "../src/pool/pool.ts";
import type { Pool, PoolWorker } from "../src/pool/pool.ts";
import { work } from "../src/pool/work.ts";

const openssl = createOpensslProvider();
const count = 64;

/** What a thread does with a batch; here in the caller's own, at once, so that every answer is there before the first question. */
type Conduct = (message: BatchMessage, key: Uint8Array) => void;

interface Staged {
  readonly pool: Pool;
  /** Calls that the pool did not save. */
  readonly calls: { verify: number; dhEphemeral: number };
  readonly batches: BatchMessage[];
  readonly terminated: () => number;
  readonly die: () => void;
}

async function staged(conduct: Conduct): Promise<Staged> {
  const calls = { verify: 0, dhEphemeral: 0 };
  const crypto: CryptoProvider = {
    ...openssl,
    verify(...args) {
      calls.verify++;
      return openssl.verify(...args);
    },
    dhEphemeral(...args) {
      calls.dhEphemeral++;
      return openssl.dhEphemeral(...args);
    },
  };
  const batches: BatchMessage[] = [];
  let terminated = 0;
  let die = (): void => {};
  const start = ({ key }: { readonly key: Uint8Array }): PoolWorker => ({
    ready: Promise.resolve(),
    gone: new Promise((resolve) => {
      die = resolve;
    }),
    take(message) {
      batches.push(message);
      conduct(message, key);
    },
    async terminate() {
      terminated++;
      die();
    },
  });
  const pool = await openPoolWith(start, { crypto, workers: 1 });
  return { pool, calls, batches, terminated: () => terminated, die: () => die() };
}

const honest: Conduct = (message, key) => work(openssl, key, message);

function claims(): SignatureClaim[] {
  return Array.from({ length: count }, (_, i) => {
    const { publicKey, privateKey } = openssl.generateSigner("ed25519");
    const message = openssl.bytes(100 + i);
    return { publicKey, message, signature: openssl.sign("ed25519", privateKey, message) };
  });
}

/** The same, with one that nobody signed. */
function withForgery(at: number): SignatureClaim[] {
  const all = claims();
  const { publicKey, message, signature } = all[at] as SignatureClaim;
  return all.with(at, { publicKey, message, signature: flipped(signature) });
}

function flipped(signature: Uint8Array): Uint8Array {
  return signature.with(40, (signature[40] as number) ^ 1);
}

function ask(crypto: CryptoProvider, all: readonly SignatureClaim[]): boolean[] {
  crypto.ahead?.verify("ed25519", all);
  return all.map(({ publicKey, message, signature }) =>
    crypto.verify("ed25519", publicKey, message, signature),
  );
}

const forged = 17;
const expected = Array.from({ length: count }, (_, i) => i !== forged);

test("a pool's provider gives the answers of the one it stands for, and leaves it only what was forged and spot checks", async () => {
  const { pool, calls } = await staged(honest);
  expect(pool.state).toBe("open");
  expect(ask(pool.crypto, withForgery(forged))).toEqual(expected);
  expect(calls.verify).toBeLessThanOrEqual(5);
  expect(pool.state).toBe("open");
  // What was not announced is nobody else's affair.
  const [claim] = claims();
  const before = calls.verify;
  expect(pool.crypto.verify("ed25519", claim!.publicKey, claim!.message, claim!.signature)).toBe(
    true,
  );
  expect(calls.verify).toBe(before + 1);
});

test("a few signatures are done before a thread has looked at them: they are not handed out", async () => {
  const { pool, batches } = await staged(honest);
  ask(pool.crypto, claims().slice(0, 8));
  expect(batches).toEqual([]);
});

/** Conducts of threads, or of whoever writes into their memory, that must not make a forged signature valid. */
const poisoned: readonly (readonly [string, Conduct])[] = [
  [
    "says done without a tag",
    (message) => openBatch(message).states.fill(states.done, 0, message.count),
  ],
  [
    "calls everything valid, under the pool's key",
    (message, key) => work({ ...openssl, verify: () => true }, key, message),
  ],
  [
    "gives one item's tag to another",
    (message, key) => {
      honest(message, key);
      const batch = openBatch(message);
      for (let i = 1; i < message.count; i++) {
        if (batch.states[i] === states.done) continue;
        answerOf(batch, i).set(answerOf(batch, i - 1));
        batch.states[i] = states.done;
      }
    },
  ],
  [
    "was given other bytes to look at",
    (message, key) => {
      // The signature is put right behind the caller's back.
      const bytes = new Uint8Array(message.shared);
      const signature = flipped(forgery.signature);
      const at = bytes.findIndex((_, i) => equal(bytes.slice(i, i + 64), forgery.signature));
      bytes.set(signature, at);
      honest(message, key);
    },
  ],
  ["never answers", () => {}],
  [
    "stops in the middle",
    (message) => openBatch(message).states.fill(states.working, 0, message.count),
  ],
  [
    "calls everything invalid",
    (message) => openBatch(message).states.fill(states.failed, 0, message.count),
  ],
  [
    "throws",
    () => {
      throw new Error("cannot be cloned");
    },
  ],
];

let forgery: SignatureClaim;

test.each(poisoned)(
  "a thread that %s makes no forged signature valid, and no valid one invalid",
  async (_, conduct) => {
    const { pool } = await staged(conduct);
    const all = withForgery(forged);
    forgery = all[forged] as SignatureClaim;
    expect(ask(pool.crypto, all)).toEqual(expected);
  },
);

test("a thread that lies about every other one is found out, though not at once", async () => {
  const { pool } = await staged((message, key) => {
    let item = 0;
    const verify: CryptoProvider["verify"] = (...args) =>
      item++ % 2 === 0 || openssl.verify(...args);
    work({ ...openssl, verify }, key, message);
  });
  // each batch has four traps: it gets past all of them once in sixteen times
  for (let round = 0; round < 50 && pool.state === "open"; round++) {
    ask(pool.crypto, claims().slice(0, 24));
  }
  expect(pool.state).toBe("distrusted");
});

test("a thread that calls traps valid is stopped for good, with all it said", async () => {
  const { pool, batches, terminated } = await staged((message, key) =>
    work({ ...openssl, verify: () => true }, key, message),
  );
  expect(ask(pool.crypto, withForgery(forged))).toEqual(expected);
  expect(pool.state).toBe("distrusted");
  expect(terminated()).toBe(1);
  ask(pool.crypto, claims());
  expect(batches).toHaveLength(1);
});

test("a thread that knows the traps and lies about all else is caught by verifying a few of its answers", async () => {
  const keys = new Set<string>();
  const { pool } = await staged((message, key) => {
    const verify: CryptoProvider["verify"] = (_, publicKey) => keys.has(toHex(publicKey));
    work({ ...openssl, verify }, key, message);
  });
  const all = claims().map(({ publicKey, signature }) => ({
    publicKey,
    signature,
    message: openssl.bytes(9),
  }));
  for (const { publicKey } of all) keys.add(toHex(publicKey));
  expect(ask(pool.crypto, all)).toEqual(expected.map(() => false));
  expect(pool.state).toBe("distrusted");
});

test("an answer from an earlier batch answers nothing in a later one", async () => {
  let first: Uint8Array | undefined;
  const { pool, calls } = await staged((message, key) => {
    const batch = openBatch(message);
    if (first === undefined) {
      honest(message, key);
      first = answerOf(batch, 0).slice();
      return;
    }
    for (let i = 0; i < message.count; i++) {
      answerOf(batch, i).set(first);
      batch.states[i] = states.done;
    }
  });
  expect(ask(pool.crypto, claims())).toEqual(expected.map(() => true));
  await new Promise(setImmediate);
  calls.verify = 0;
  expect(ask(pool.crypto, withForgery(forged))).toEqual(expected);
  expect(calls.verify).toBeGreaterThanOrEqual(count);
});

test("an ephemeral key is given once, opens what it sealed, and leaves nothing in the memory that was shared", async () => {
  const { pool, calls, batches } = await staged(honest);
  const pairs = Array.from({ length: count }, () => openssl.generateDh("x25519"));
  const keys = pairs.map(({ publicKey }) => publicKey);
  pool.crypto.ahead?.dhEphemeral("x25519", keys);
  for (const { publicKey, privateKey } of pairs.slice(0, 40)) {
    const made = pool.crypto.dhEphemeral("x25519", publicKey);
    expect(openssl.dh("x25519", privateKey, made.publicKey)).toEqual(made.shared);
  }
  expect(calls.dhEphemeral).toBe(0);
  const [key] = keys as [Uint8Array];
  const again = pool.crypto.dhEphemeral("x25519", key);
  expect(calls.dhEphemeral).toBe(1);
  expect(openssl.dh("x25519", pairs[0]!.privateKey, again.publicKey)).toEqual(again.shared);
  const batch = openBatch(batches[0] as BatchMessage);
  expect(answerOf(batch, 0).every((byte) => byte === 0)).toBe(true);
  expect(answerOf(batch, count - 1).some((byte) => byte !== 0)).toBe(true);
  await new Promise(setImmediate);
  expect(answerOf(batch, count - 1).every((byte) => byte === 0)).toBe(true);
});

test("a shared secret that was put there by somebody else, or is for another key, is not used", async () => {
  const { pool, calls } = await staged((message, key) => {
    honest(message, key);
    const batch = openBatch(message);
    const slot = answerOf(batch, 1);
    slot[tagLength + 40] = slot[tagLength + 40]! ^ 1;
    answerOf(batch, 2).set(answerOf(batch, 3));
  });
  const pairs = Array.from({ length: count }, () => openssl.generateDh("x25519"));
  pool.crypto.ahead?.dhEphemeral(
    "x25519",
    pairs.map(({ publicKey }) => publicKey),
  );
  for (const { publicKey, privateKey } of pairs) {
    const made = pool.crypto.dhEphemeral("x25519", publicKey);
    expect(openssl.dh("x25519", privateKey, made.publicKey)).toEqual(made.shared);
  }
  expect(calls.dhEphemeral).toBe(2);
});

test("keys that nobody can own meet the error they meet without a pool", async () => {
  const { pool } = await staged(honest);
  const keys = Array.from({ length: count }, () => new Uint8Array(32));
  pool.crypto.ahead?.dhEphemeral("x25519", [...keys, new Uint8Array(5)]);
  for (const key of [keys[0]!, new Uint8Array(5)]) {
    const code = key.length === 5 ? "crypto/bad-length" : "crypto/bad-key";
    expect(() => pool.crypto.dhEphemeral("x25519", key)).toThrowError(
      expect.objectContaining({ code }),
    );
  }
});

test("hints are good until the caller returns to the event loop", async () => {
  const { pool, calls, batches } = await staged(honest);
  const all = claims();
  pool.crypto.ahead?.verify("ed25519", all);
  await new Promise(setImmediate);
  for (const { publicKey, message, signature } of all) {
    expect(pool.crypto.verify("ed25519", publicKey, message, signature)).toBe(true);
  }
  expect(calls.verify).toBe(count);
  const batch = openBatch(batches[0] as BatchMessage);
  expect(batch.states[batch.count]).toBe(1);
});

test("where no thread starts, or all are gone, the provider works alone", async () => {
  const never = (): PoolWorker => ({
    ready: new Promise(() => {}),
    gone: Promise.resolve(),
    take() {},
    async terminate() {},
  });
  const without = await openPoolWith(never, { workers: 2 });
  expect(without.state).toBe("alone");
  expect(ask(without.crypto, withForgery(forged))).toEqual(expected);

  const { pool, die, batches } = await staged(honest);
  die();
  await new Promise(setImmediate);
  expect(pool.state).toBe("alone");
  expect(ask(pool.crypto, withForgery(forged))).toEqual(expected);
  expect(batches).toEqual([]);
});

test("a pool helps the providers that its threads have", async () => {
  await expect(openPool({ crypto: { ...openssl, name: "other" } })).rejects.toMatchObject({
    code: "crypto/unsupported",
  });
});

test("threads answer, and closing ends them", async () => {
  let calls = 0;
  const crypto: CryptoProvider = {
    ...openssl,
    verify(...args) {
      calls++;
      return openssl.verify(...args);
    },
  };
  const pool = await openPool({ crypto, workers: 1 });
  onTestFinished(() => pool.close());
  expect(pool.state).toBe("open");
  const all = withForgery(forged);
  const sleep = new Int32Array(new SharedArrayBuffer(4));
  // A busy machine may give the thread no time at once.
  for (let attempt = 0; attempt < 50; attempt++) {
    calls = 0;
    pool.crypto.ahead?.verify("ed25519", all);
    Atomics.wait(sleep, 0, 0, 20 * (attempt + 1));
    const answers = all.map(({ publicKey, message, signature }) =>
      pool.crypto.verify("ed25519", publicKey, message, signature),
    );
    expect(answers).toEqual(expected);
    if (calls < count) break;
    await new Promise(setImmediate);
  }
  expect(calls).toBeLessThan(count);
  await pool.close();
  await pool.close();
  expect(pool.state).toBe("closed");
  expect(ask(pool.crypto, all)).toEqual(expected);
});
