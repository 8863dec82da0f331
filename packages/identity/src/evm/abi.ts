import { concat, fromHex } from "@coterie/base";

// The parts of Ethereum's contract ABI that wallets' signatures need: words of 32 bytes, big endian, and byte strings behind offsets.

const wordBytes = 32;

function word(value: number): Uint8Array {
  const out = new Uint8Array(wordBytes);
  new DataView(out.buffer).setUint32(28, value);
  return out;
}

function padded(bytes: Uint8Array): Uint8Array {
  return concat(bytes, new Uint8Array((wordBytes - (bytes.length % wordBytes)) % wordBytes));
}

/** First four bytes of keccak256("isValidSignature(bytes32,bytes)"): the call, and the answer of a contract that agrees (ERC-1271). */
export const isValidSignatureSelector: Uint8Array = fromHex("1626ba7e");

/** The call `isValidSignature(hash, signature)`. */
export function encodeIsValidSignature(hash: Uint8Array, signature: Uint8Array): Uint8Array {
  return concat(
    isValidSignatureSelector,
    hash,
    word(2 * wordBytes),
    word(signature.length),
    padded(signature),
  );
}

/** What an ERC-6492 signature carries: how to deploy the wallet, and what the wallet shall check once it is there. */
export interface WrappedSignature {
  readonly factory: Uint8Array;
  readonly factoryCall: Uint8Array;
  readonly signature: Uint8Array;
}

const wrapperMark = fromHex("6492".repeat(16));

/** Whether a signature ends as ERC-6492 has it end. */
export function isWrapped(signature: Uint8Array): boolean {
  const tail = signature.subarray(-wordBytes);
  return tail.length === wordBytes && tail.every((byte, i) => byte === wrapperMark[i]);
}

/** The parts of a wrapped signature, or undefined where its encoding is not one of `(address, bytes, bytes)`. */
export function unwrap(signature: Uint8Array): WrappedSignature | undefined {
  const body = signature.subarray(0, signature.length - wordBytes);
  const factory = body.subarray(0, wordBytes);
  if (body.length < 3 * wordBytes || !isZero(factory.subarray(0, 12))) return undefined;
  const factoryCall = bytesAt(body, wordBytes);
  const inner = bytesAt(body, 2 * wordBytes);
  if (factoryCall === undefined || inner === undefined) return undefined;
  return { factory: factory.slice(12), factoryCall, signature: inner };
}

/** A wrapped signature, as wallets that are not deployed yet make it. */
export function wrap(parts: WrappedSignature): Uint8Array {
  const call = padded(parts.factoryCall);
  return concat(
    new Uint8Array(12),
    parts.factory,
    word(3 * wordBytes),
    word(4 * wordBytes + call.length),
    word(parts.factoryCall.length),
    call,
    word(parts.signature.length),
    padded(parts.signature),
    wrapperMark,
  );
}

function bytesAt(body: Uint8Array, head: number): Uint8Array | undefined {
  const offset = smallNumber(body, head);
  const length = offset === undefined ? undefined : smallNumber(body, offset);
  if (offset === undefined || length === undefined) return undefined;
  const from = offset + wordBytes;
  return from + length > body.length ? undefined : body.slice(from, from + length);
}

/** A word that fits into 32 bits; larger ones point beyond everything that is accepted. */
function smallNumber(body: Uint8Array, at: number): number | undefined {
  if (at + wordBytes > body.length || !isZero(body.subarray(at, at + 28))) return undefined;
  return new DataView(body.buffer, body.byteOffset).getUint32(at + 28);
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
