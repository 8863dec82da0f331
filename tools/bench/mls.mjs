// node tools/bench/mls.mjs [--json] [sizes…]    after a build of packages/mls; sizes 400 and 1000 by default
//
// Operations on groups of N members with the OpenSSL provider on one thread, and the least cryptography that each of them takes, out of
// primitives measured in the same run: read the multiple, not the milliseconds. Each row is the best of its repeats. Trees are flat unless
// a row says otherwise: nobody but the creator has committed.
import {
  cipherSuites,
  deriveKeyPair,
  hpkeOpen,
  hpkeSeal,
} from "../../packages/crypto/dist/index.js";
import { createOpensslProvider } from "../../packages/crypto/dist/openssl.js";
import * as mls from "../../packages/mls/dist/index.js";

const args = process.argv.slice(2);
const json = args.includes("--json");
const sizes = args.filter((arg) => /^\d+$/.test(arg)).map(Number);
const suite = cipherSuites.get(3);
const none = new Uint8Array(0);
const text = (value) => new TextEncoder().encode(value);
/** A provider of its own, so that nothing is remembered from the run before. */
const fresh = () => createOpensslProvider();
const crypto = fresh();

const capabilities = {
  versions: [1],
  cipherSuites: [3],
  extensions: [],
  proposals: [],
  credentials: [1],
};
const lifetime = { notBefore: 0n, notAfter: 2n ** 40n };
const nowSeconds = 1_700_000_000n;

/** Processor time of this thread, which other work on the machine does not add to. Node 22 knows it of the process only. */
const processorTime = () => {
  const { user, system } = process.threadCpuUsage?.() ?? process.cpuUsage();
  return (user + system) / 1000;
};

function milliseconds(run) {
  const start = processorTime();
  const value = run();
  return { ms: processorTime() - start, value };
}

/** Best mean of several rounds, in milliseconds. */
function primitive(count, run) {
  for (let i = 0; i < count; i++) run(i);
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const { ms } = milliseconds(() => {
      for (let i = 0; i < count; i++) run(i);
    });
    best = Math.min(best, ms / count);
  }
  return best;
}

function measurePrimitives() {
  const message = crypto.bytes(300);
  const signers = Array.from({ length: 2_000 }, () => {
    const { publicKey, privateKey } = crypto.generateSigner("ed25519");
    return { publicKey, privateKey, signature: crypto.sign("ed25519", privateKey, message) };
  });
  const pair = crypto.generateDh("x25519");
  const info = crypto.bytes(200);
  const sealing = { crypto, suite, info, aad: none };
  const plaintext = crypto.bytes(32);
  const sealed = hpkeSeal({ ...sealing, publicKey: pair.publicKey, plaintext });
  const targets = Array.from({ length: 300 }, () => crypto.generateDh("x25519").publicKey);
  const key = crypto.bytes(32);
  // Members are many and seldom met: each verification imports its key, as each seal does.
  const strangers = signers.map(({ publicKey, signature }) => ({ publicKey, signature }));
  let next = 0;
  return {
    verify: primitive(300, () => {
      if (next === strangers.length) next = 0;
      const { publicKey, signature } = strangers[next++];
      crypto.verify("ed25519", publicKey, message, signature);
    }),
    sign: primitive(300, () => crypto.sign("ed25519", signers[0].privateKey, message)),
    seal: primitive(300, (i) => hpkeSeal({ ...sealing, publicKey: targets[i], plaintext })),
    open: primitive(300, () => hpkeOpen({ ...sealing, ...pair, ...sealed })),
    keyPair: primitive(300, () => deriveKeyPair(crypto, suite, crypto.bytes(32))),
    hash: primitive(30_000, () => crypto.hash("sha256", message)),
    kdf: primitive(30_000, () => crypto.hkdfExpand("sha256", key, message.subarray(0, 60), 32)),
    aead: primitive(5_000, () =>
      crypto.aeadSeal(suite.aead, key, info.subarray(0, 12), info, message),
    ),
  };
}

const cost = measurePrimitives();
const floor = (counts) =>
  Object.entries(counts).reduce((sum, [name, count]) => sum + count * cost[name], 0);

function person(name) {
  return {
    crypto,
    cipherSuite: suite,
    signer: crypto.generateSigner("ed25519"),
    credential: { kind: "basic", identity: text(name) },
    capabilities,
    lifetime,
  };
}

const rows = [];
/** Best of three rounds, each of which repeats the operation until the clock, which may tick in steps of 4 ms, can tell. */
function row(size, operation, counts, run) {
  let value = run();
  let best = Infinity;
  for (let round = 0; round < 3; round++) {
    let times = 0;
    let total = 0;
    while (total < 60) {
      const each = milliseconds(run);
      total += each.ms;
      ({ value } = each);
      times++;
    }
    best = Math.min(best, total / times);
  }
  const least = floor(counts);
  rows.push({ size, operation, ms: best, floor: least, multiple: best / least });
  return value;
}

const required = (value, kind) => {
  if (value.kind !== kind) throw value.reason ?? new Error(value.kind);
  return value;
};

function run(size) {
  const depth = Math.ceil(Math.log2(size));
  const ada = person("ada");
  const members = Array.from({ length: size + 4 }, (_, i) => {
    const who = person(`member ${i}`);
    return { ...who, keys: mls.createKeyPackage(who) };
  });
  const { signer } = ada;
  const start = mls.createGroup({ ...ada, groupId: crypto.bytes(16) });
  const add = (of) => ({ kind: "add", keyPackage: mls.decodeKeyPackage(of.keys.bytes.slice()) });
  const commit = (group, choices, provider = crypto) =>
    mls.commit({ crypto: provider, group, signer, nowSeconds, ...choices });
  const process_ = (group, message) =>
    required(
      mls.process({
        crypto: fresh(),
        group,
        message: message.slice(),
        judge: mls.acceptAll,
        nowSeconds,
      }),
      "committed",
    );

  const created = row(
    size,
    "create in one commit",
    { verify: 2 * (size - 1), seal: size - 1, hash: 2 * size },
    () => {
      const proposals = members.slice(0, size - 1).map(add);
      return commit(start, { proposals, forcePath: false }, fresh());
    },
  );
  let group = mls.adopt({ group: created.group, pending: created.pending }).group;
  const [first] = members;
  const joined = row(size, "join by Welcome", { verify: size + 1, open: 1, hash: 2 * size }, () =>
    required(
      mls.join({
        crypto: fresh(),
        welcome: created.welcome.slice(),
        keyPackages: [first.keys],
        judge: mls.acceptAll,
      }),
      "joined",
    ),
  );
  let other = joined.group;

  const addOne = row(size, "add 1", { verify: 2, seal: 1, sign: 2, hash: 2 * depth, kdf: 40 }, () =>
    commit(group, { proposals: [add(members[size])], forcePath: false }, fresh()),
  );
  row(size, "process add 1", { verify: 3, hash: 2 * depth, kdf: 40 }, () =>
    process_(other, addOne.message),
  );

  const path = row(
    size,
    "self-update, blank tree",
    { seal: size - 1, keyPair: depth, sign: 2, hash: 4 * depth },
    () => commit(group, {}),
  );
  row(
    size,
    "process a path",
    { verify: 2, open: 1, keyPair: depth, hash: 4 * depth, kdf: 40 + 2 * depth },
    () => process_(other, path.message),
  );
  row(
    size,
    "remove 1, blank tree",
    { seal: size - 2, keyPair: depth, sign: 2, hash: 4 * depth },
    () => commit(group, { proposals: [{ kind: "remove", removed: 5 }] }),
  );
  other = process_(other, path.message).group;
  group = mls.adopt({ group: path.group, pending: path.pending }).group;

  const sent = [];
  const hundred = new Uint8Array(100);
  row(size, "100 × seal 100 B", { sign: 100, kdf: 500, aead: 200 }, () => {
    let at = group;
    sent.length = 0;
    for (let i = 0; i < 100; i++) {
      const each = mls.seal({ crypto, group: at, signer, plaintext: hundred });
      at = each.group;
      sent.push(each.message);
    }
  });
  row(size, "100 × open 100 B", { verify: 100, kdf: 500, aead: 200 }, () => {
    let at = other;
    for (const message of sent) {
      at = required(
        mls.process({ crypto, group: at, message, judge: mls.acceptAll }),
        "message",
      ).group;
    }
  });
}

for (const size of sizes.length > 0 ? sizes : [400, 1_000]) run(size);

if (json) console.log(JSON.stringify({ primitivesMs: cost, rows }, undefined, 2));
else {
  const micro = Object.entries(cost).map(([name, ms]) => `${name} ${(1000 * ms).toFixed(0)}`);
  console.log(`microseconds: ${micro.join(", ")}\n`);
  for (const { size, operation, ms, floor: least, multiple } of rows) {
    const cells = [
      String(size).padStart(5),
      operation.padEnd(26),
      `${ms.toFixed(2)} ms`.padStart(12),
    ];
    console.log(
      ...cells,
      `${least.toFixed(2)} ms`.padStart(12),
      `×${multiple.toFixed(2)}`.padStart(7),
    );
  }
}
