import { cipherSuites } from "@coterie/crypto";
import type { CipherSuite, CryptoProvider, KeyPair } from "@coterie/crypto";

/**
 * A provider whose randomness follows from a seed, for the X25519 suites: what one process does another can do again. For tests alone:
 * whoever knows the seed knows every secret.
 */
export function deterministicProvider(base: CryptoProvider, seed: string): CryptoProvider {
  let count = 0;
  const bytes = (length: number): Uint8Array<ArrayBuffer> => {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      const block = base.hash("sha256", new TextEncoder().encode(`${seed} ${count++}`));
      out.set(block.subarray(0, Math.min(32, length - at)), at);
    }
    return out;
  };
  const generateDh: CryptoProvider["generateDh"] = (name): KeyPair => {
    const privateKey = bytes(32);
    return { privateKey, publicKey: base.dhPublicKey(name, privateKey) };
  };
  return {
    ...base,
    bytes,
    generateDh,
    dhEphemeral(name, publicKey) {
      const ours = generateDh(name);
      return { publicKey: ours.publicKey, shared: base.dh(name, ours.privateKey, publicKey) };
    },
    generateSigner(name) {
      const privateKey = bytes(32);
      return { privateKey, publicKey: base.signaturePublicKey(name, privateKey) };
    },
  };
}

/** XMTP's suite. */
export const suite3: CipherSuite = cipherSuites.get(3) as CipherSuite;
