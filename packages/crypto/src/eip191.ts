import { concat, toHex, toUtf8 } from "@coterie/base";
import { requireLength } from "./errors.ts";
import { labels } from "./labels.ts";
import type { CryptoProvider } from "./provider.ts";

/** What a wallet signs for a text (`personal_sign`): the 32-byte digest of XID-10. The length counts bytes of UTF-8. */
export function eip191Digest(crypto: CryptoProvider, text: string | Uint8Array): Uint8Array {
  const bytes = typeof text === "string" ? toUtf8(text) : text;
  return crypto.keccak256(concat(toUtf8(`${labels.eip191Prefix}${bytes.length}`), bytes));
}

/** R‖S‖V of 65 bytes, V 27 or 28, S in the lower half, as a wallet answers to a text. */
export function eip191Sign(
  crypto: CryptoProvider,
  privateKey: Uint8Array,
  text: string | Uint8Array,
): Uint8Array {
  return crypto.secp256k1Sign(privateKey, eip191Digest(crypto, text));
}

/**
 * The lower-case address that signed a digest, or undefined where no key did. The signature is normalised first (XID-10); V may be 0 or 1,
 * 27 or 28, or the last byte of an EIP-155 form.
 */
export function eip191Recover(
  crypto: CryptoProvider,
  digest: Uint8Array,
  signature: Uint8Array,
): string | undefined {
  requireLength("digest", digest, 32);
  const normalized = normalizeEip191Signature(signature);
  if (normalized === undefined) return undefined;
  const recovery = recoveryBit(normalized[64] as number);
  if (recovery === undefined) return undefined;
  const publicKey = crypto.secp256k1Recover(digest, normalized.subarray(0, 64), recovery);
  return publicKey && ethereumAddress(crypto, publicKey);
}

/** `0x` and 40 lower-case digits for an uncompressed secp256k1 key of 65 bytes (XID-02: addresses are lower case everywhere). */
export function ethereumAddress(crypto: CryptoProvider, publicKey: Uint8Array): string {
  requireLength("public key", publicKey, 65);
  return `0x${toHex(crypto.keccak256(publicKey.subarray(1)).subarray(12))}`;
}

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/**
 * The replay bytes of a wallet signature (XID-10): S moved to the lower half, V kept as it is. Undefined where it is not 65 bytes or S is
 * not below the order.
 */
export function normalizeEip191Signature(signature: Uint8Array): Uint8Array | undefined {
  if (signature.length !== 65) return undefined;
  const s = BigInt(`0x${toHex(signature.subarray(32, 64))}`);
  if (s === 0n || s >= order) return undefined;
  const out = signature.slice();
  if (s <= order / 2n) return out;
  let low = order - s;
  for (let i = 63; i >= 32; i--, low >>= 8n) out[i] = Number(low & 255n);
  return out;
}

function recoveryBit(v: number): 0 | 1 | undefined {
  if (v >= 35) return v % 2 === 1 ? 0 : 1;
  if (v === 0 || v === 27) return 0;
  if (v === 1 || v === 28) return 1;
  return undefined;
}
