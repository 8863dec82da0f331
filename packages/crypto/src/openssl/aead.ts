import type { Engine } from "../engine.ts";
import type { AeadName } from "../provider.ts";
import { aeadTagLength } from "../strict/sizes.ts";
import { nodeCrypto } from "./node-crypto.ts";
import type { KeyObject } from "./node-crypto.ts";

const ciphers = {
  aes128gcm: "aes-128-gcm",
  aes256gcm: "aes-256-gcm",
  chacha20poly1305: "chacha20-poly1305",
} as const satisfies Record<AeadName, string>;

const options = { authTagLength: aeadTagLength };

/**
 * Node asks of whatever is given as a key whether it is a key object, and since Node 24 no is an answer that costs 20 µs: making one first takes
 * a tenth of that. Measured by tools/bench/crypto.mjs.
 */
const secretOf = (key: Uint8Array): KeyObject => nodeCrypto.createSecretKey(key);

export const opensslAead: Pick<Engine, "aeadSeal" | "aeadOpen"> = {
  aeadSeal(name, key, nonce, aad, plaintext) {
    // The names differ in type only: Node overloads by cipher.
    const cipher = nodeCrypto.createCipheriv(
      ciphers[name] as "aes-128-gcm",
      secretOf(key),
      nonce,
      options,
    );
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
    const cipher = nodeCrypto.createDecipheriv(
      ciphers[name] as "aes-128-gcm",
      secretOf(key),
      nonce,
      options,
    );
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
