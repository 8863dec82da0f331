import {
  cipherSuites,
  deriveKeyPair,
  hpkeOpen,
  hpkeSeal,
} from "../../../packages/crypto/dist/index.js";
import { createOpensslProvider } from "../../../packages/crypto/dist/openssl.js";
import { median, processorMs } from "./measure.mjs";

const suite = cipherSuites.get(3);
const none = new Uint8Array(0);

const maker = createOpensslProvider();

function stranger(message) {
  const signer = maker.generateSigner("ed25519");
  return {
    signer: signer.publicKey,
    signature: maker.sign("ed25519", signer.privateKey, message),
    target: maker.generateDh("x25519").publicKey,
  };
}

/** What one call of each primitive costs, in milliseconds: sampled again and again between the rows, so that both meet the same machine. */
export function createFloor(crypto, freshProvider) {
  const message = crypto.bytes(300);
  const large = crypto.bytes(100_000);
  const { privateKey, publicKey } = crypto.generateSigner("ed25519");
  const pair = crypto.generateDh("x25519");
  const info = crypto.bytes(200);
  const plaintext = crypto.bytes(32);
  const key = crypto.bytes(32);
  const nonce = crypto.bytes(12);
  const largeSignature = crypto.sign("ed25519", privateKey, large);
  let strangers;
  let provider;
  const ways = {
    // Members are many and seldom met: each verification imports its key, as each seal does.
    verify: [
      40,
      (i) => {
        const { signer, signature } = strangers[i];
        provider.verify("ed25519", signer, message, signature);
      },
    ],
    sign: [40, () => provider.sign("ed25519", privateKey, message)],
    seal: [
      40,
      (i) => {
        const { target } = strangers[i];
        hpkeSeal({ crypto: provider, suite, info, aad: none, publicKey: target, plaintext });
      },
    ],
    open: [
      40,
      (i) => hpkeOpen({ crypto: provider, suite, info, aad: none, ...pair, ...sealed[i] }),
    ],
    keyPair: [40, () => deriveKeyPair(provider, suite, provider.bytes(32))],
    hash: [2_000, () => provider.hash("sha256", message)],
    kdf: [1_000, () => provider.hkdfExpand("sha256", key, info.subarray(0, 60), 32)],
    aead: [300, () => provider.aeadSeal(suite.aead, key, nonce, info, message)],
    // Per kilobyte of what has to be signed, verified, hashed or sealed whole: a GroupInfo with its tree, a commit with its path.
    signKb: [3, () => provider.sign("ed25519", privateKey, large), 100],
    verifyKb: [3, () => provider.verify("ed25519", publicKey, large, largeSignature), 100],
    hashKb: [5, () => provider.hash("sha256", large), 100],
    aeadKb: [5, () => provider.aeadSeal(suite.aead, key, nonce, info, large), 100],
  };
  const sealed = Array.from({ length: 40 }, () =>
    hpkeSeal({ crypto, suite, info, aad: none, publicKey: pair.publicKey, plaintext }),
  );
  const samples = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  const pass = (keep) => {
    provider = freshProvider();
    strangers = Array.from({ length: 40 }, () => stranger(message));
    for (const [name, [count, run, per = 1]] of Object.entries(ways)) {
      const start = processorMs();
      for (let i = 0; i < count; i++) run(i);
      const ms = (processorMs() - start) / count / per;
      if (keep) samples[name].push(ms);
    }
  };
  pass(false);
  return {
    sample: () => pass(true),
    /** Medians of all samples so far. */
    cost: () =>
      Object.fromEntries(Object.entries(samples).map(([name, all]) => [name, median(all)])),
  };
}

/** The least that these calls cost. */
export function floorOf(cost, counts) {
  return Object.entries(counts).reduce((sum, [name, count]) => sum + count * cost[name], 0);
}

/** Without what the bytes of a tree or path add. */
export function callsOnly(counts) {
  return Object.fromEntries(Object.entries(counts).filter(([name]) => !name.endsWith("Kb")));
}
