import { cipherSuites } from "../../../packages/crypto/dist/index.js";
import { createOpensslProvider } from "../../../packages/crypto/dist/openssl.js";
import * as mls from "../../../packages/mls/dist/index.js";

export const suite = cipherSuites.get(3);
export const nowSeconds = 1_700_000_000n;
const lifetime = { notBefore: 0n, notAfter: 2n ** 40n };
/** As an XMTP client lists them. */
const capabilities = {
  versions: [1],
  cipherSuites: [3],
  extensions: [],
  proposals: [],
  credentials: [1],
};
/** Keys are the same whoever makes them, and this is the quickest. */
export const maker = createOpensslProvider();

export function person(name) {
  return {
    crypto: maker,
    cipherSuite: suite,
    signer: maker.generateSigner("ed25519"),
    credential: { kind: "basic", identity: new TextEncoder().encode(name) },
    capabilities,
    lifetime,
  };
}

const made = [];

/** The first so many of one crowd, each with a key package. */
export function crowd(count) {
  while (made.length < count) {
    const who = person(`member ${made.length}`);
    made.push({ ...who, keys: mls.createKeyPackage(who) });
  }
  return made.slice(0, count);
}

export function required(value, kind) {
  if (value.kind !== kind) throw value.reason ?? new Error(value.kind);
  return value;
}
