import type { HashName } from "../provider.ts";
import { nodeCrypto, plain } from "./node-crypto.ts";

type OneShot = (name: string, data: Uint8Array) => Uint8Array<ArrayBuffer>;

/** Node 22 has a one-shot hash that costs half of createHash. */
const oneShot: OneShot =
  typeof nodeCrypto.hash === "function"
    ? (name, data) => plain(nodeCrypto.hash(name, data, "buffer"))
    : (name, data) => plain(nodeCrypto.createHash(name).update(data).digest());

const blockLengths: Readonly<Record<HashName, number>> = { sha256: 64, sha384: 128, sha512: 128 };

export function hash(name: HashName, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return oneShot(name, data);
}

/** RFC 2104 out of two one-shot hashes: createHmac costs 35 µs under Node 24, this 6 µs. */
export function hmac(name: HashName, key: Uint8Array, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const block = blockLengths[name];
  const short = key.length > block ? oneShot(name, key) : key;
  const inner = new Uint8Array(block + data.length);
  for (let i = 0; i < short.length; i++) inner[i] = (short[i] as number) ^ 0x36;
  inner.fill(0x36, short.length, block);
  inner.set(data, block);
  const digest = oneShot(name, inner);

  const outer = new Uint8Array(block + digest.length);
  for (let i = 0; i < short.length; i++) outer[i] = (short[i] as number) ^ 0x5c;
  outer.fill(0x5c, short.length, block);
  outer.set(digest, block);
  return oneShot(name, outer);
}

export function sha3_256(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return oneShot("sha3-256", data);
}

export function shake256(data: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  if (length === 0) return new Uint8Array(0);
  return plain(nodeCrypto.createHash("shake256", { outputLength: length }).update(data).digest());
}
