import type { HashName } from "../provider.ts";
import { nodeCrypto, plain } from "./node-crypto.ts";

/** Node 22 has a one-shot hash that costs half of createHash. */
const isOneShot = typeof nodeCrypto.hash === "function";

function oneShot(name: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return plain(
    isOneShot
      ? nodeCrypto.hash(name, data, "buffer")
      : nodeCrypto.createHash(name).update(data).digest(),
  );
}

/**
 * Half the cost of {@link oneShot}: a Buffer is dearer than hashing a block. For digests that are no secrets: text cannot be wiped.
 */
function openOneShot(name: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return isOneShot ? bytesOf(nodeCrypto.hash(name, data, "binary")) : oneShot(name, data);
}

/** One byte a character. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

export function hash(name: HashName, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return openOneShot(name, data);
}

export function sha3_256(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return oneShot("sha3-256", data);
}

export function shake256(data: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  if (length === 0) return new Uint8Array(0);
  return plain(nodeCrypto.createHash("shake256", { outputLength: length }).update(data).digest());
}

const blockLengths: Readonly<Record<HashName, number>> = { sha256: 64, sha384: 128, sha512: 128 };

// An allocation costs as much as hashing a block does. Both are wiped after each use.
const innerScratch = new Uint8Array(128 + 1024);
const outerScratch = new Uint8Array(128 + 64);

/**
 * RFC 2104 out of two one-shot hashes: createHmac costs 25 µs under Node 24, this 4 µs. What is too long for the scratch is hashed where it
 * is: a Welcome's GroupInfo may be megabytes.
 */
export function hmac(name: HashName, key: Uint8Array, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const block = blockLengths[name];
  const long = block + data.length > innerScratch.length;
  const short = key.length > block ? oneShot(name, key) : key;
  const inner = innerScratch.subarray(0, long ? block : block + data.length);
  let at = 0;
  for (; at < short.length; at++) {
    const byte = short[at] as number;
    inner[at] = byte ^ 0x36;
    outerScratch[at] = byte ^ 0x5c;
  }
  inner.fill(0x36, at, block);
  outerScratch.fill(0x5c, at, block);
  if (!long) inner.set(data, block);
  const digest = long
    ? nodeCrypto.createHash(name).update(inner).update(data).digest()
    : openOneShot(name, inner); // of no use to anybody without the key
  outerScratch.set(digest, block);
  const mac = oneShot(name, outerScratch.subarray(0, block + digest.length));
  inner.fill(0);
  outerScratch.fill(0);
  return mac;
}
