import { CoterieError } from "./errors.ts";

/** Bytes backed by a plain ArrayBuffer, which is what WebCrypto, IndexedDB and fetch accept. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Malformed text where an encoding of bytes was expected. */
export class BytesError extends CoterieError {
  constructor(what: "hex" | "base64url" | "utf8") {
    super(`base/bad-${what}`, { disposition: "fix-caller" });
  }
}

/** The bytes of all parts, in order, in one new array. */
export function concat(...parts: readonly Uint8Array[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Equality of public bytes. Returns early at the first difference: never use it on secrets or tags. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Equality whose time depends on the lengths alone, for tags and secrets. */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

/** Order of byte strings as databases sort them: by byte, the shorter first on a tie. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Overwrites secrets with zeros. Calling it twice is harmless. */
export function wipe(...secrets: readonly (Uint8Array | undefined)[]): void {
  for (const secret of secrets) secret?.fill(0);
}

const hexDigits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hex without a prefix. */
export function toHex(bytes: Uint8Array): string {
  let out = "";
  for (const byte of bytes) out += hexDigits[byte] as string;
  return out;
}

/** Decodes hex of either case, without a `0x` prefix. Throws `base/bad-hex`. */
export function fromHex(hex: string): Bytes {
  if (hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex)) throw new BytesError("hex");
  const out = new Uint8Array(hex.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return out;
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const alphabetValues = new Map([...alphabet].map((character, value) => [character, value]));

/** base64url without padding (RFC 4648 section 5). */
export function toBase64Url(bytes: Uint8Array): string {
  let out = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0x3fff;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      out += alphabet[(held >> bits) & 63] as string;
    }
  }
  return bits === 0 ? out : out + (alphabet[(held << (6 - bits)) & 63] as string);
}

/** Decodes base64url without padding; refuses other alphabets, padding and stray bits. Throws `base/bad-base64url`. */
export function fromBase64Url(text: string): Bytes {
  if (text.length % 4 === 1) throw new BytesError("base64url");
  const out = new Uint8Array(Math.floor((text.length * 6) / 8));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const character of text) {
    const value = alphabetValues.get(character);
    if (value === undefined) throw new BytesError("base64url");
    held = ((held << 6) | value) & 0x3fff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = (held >> bits) & 255;
    }
  }
  if ((held & ((1 << bits) - 1)) !== 0) throw new BytesError("base64url");
  return out;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of a text. */
export function toUtf8(text: string): Bytes {
  return encoder.encode(text);
}

/** Text of UTF-8 bytes; throws `base/bad-utf8` where they are not UTF-8 (nothing is replaced, a BOM is kept). */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new BytesError("utf8");
  }
}
