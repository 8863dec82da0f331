import { nobleEngine } from "../noble/engine.ts";
import type { Engine } from "../engine.ts";
import type { AeadName } from "../provider.ts";
import { aeadTagLength } from "../strict/sizes.ts";
import { nodeCrypto } from "./node-crypto.ts";

const ciphers = {
  aes128gcm: "aes-128-gcm",
  aes256gcm: "aes-256-gcm",
  chacha20poly1305: "chacha20-poly1305",
} as const satisfies Record<AeadName, string>;

const options = { authTagLength: aeadTagLength };

/**
 * Bytes below which noble's ChaCha20-Poly1305 beats createCipheriv, whose fixed cost grew with OpenSSL 3.5 (Node 24). Measured by
 * tools/bench/crypto.mjs; both give the same bytes, so only time depends on it. AES stays with OpenSSL at every size: noble gains little
 * there and looks secrets up in tables.
 */
const nobleBelow = Number(process.versions.node.split(".")[0]) >= 24 ? 3072 : 0;

export const opensslAead: Pick<Engine, "aeadSeal" | "aeadOpen"> = {
  aeadSeal(name, key, nonce, aad, plaintext) {
    if (name === "chacha20poly1305" && plaintext.length < nobleBelow) {
      return nobleEngine.aeadSeal(name, key, nonce, aad, plaintext);
    }
    // The names differ in type only: Node overloads by cipher.
    const cipher = nodeCrypto.createCipheriv(ciphers[name] as "aes-128-gcm", key, nonce, options);
    cipher.setAAD(aad);
    const body = cipher.update(plaintext);
    const last = cipher.final();
    const out = new Uint8Array(plaintext.length + aeadTagLength);
    out.set(body);
    out.set(last, body.length);
    out.set(cipher.getAuthTag(), plaintext.length);
    return out;
  },

  aeadOpen(name, key, nonce, aad, ciphertext) {
    const length = ciphertext.length - aeadTagLength;
    if (name === "chacha20poly1305" && length < nobleBelow) {
      return nobleEngine.aeadOpen(name, key, nonce, aad, ciphertext);
    }
    const cipher = nodeCrypto.createDecipheriv(ciphers[name] as "aes-128-gcm", key, nonce, options);
    cipher.setAAD(aad);
    cipher.setAuthTag(ciphertext.subarray(length));
    const body = cipher.update(ciphertext.subarray(0, length));
    try {
      const last = cipher.final();
      const out = new Uint8Array(length);
      out.set(body);
      out.set(last, body.length);
      return out;
    } catch {
      body.fill(0);
      return undefined;
    }
  },
};
