import { fromBase64Url, fromUtf8, toBase64Url, toUtf8 } from "@coterie/base";
import { ClientError } from "./errors.ts";

/** Rows are JSON with a leading version byte; bigints, bytes, maps and sets carry a tag. Small, readable and checked on reading. */
const rowVersion = 1;

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

function toJson(value: unknown): Json | undefined {
  if (value === undefined) return undefined;
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return { $n: value.toString() };
  if (value instanceof Uint8Array) return { $b: toBase64Url(value) };
  if (value instanceof Map) {
    return { $m: [...value].map(([key, item]) => [toJson(key) ?? null, toJson(item) ?? null]) };
  }
  if (value instanceof Set) return { $s: [...value].map((item) => toJson(item) ?? null) };
  if (Array.isArray(value)) return value.map((item) => toJson(item) ?? null);
  const out: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value as object)) {
    const json = toJson(item);
    if (json !== undefined) out[key] = json;
  }
  return out;
}

function fromJson(value: Json): unknown {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(fromJson);
  const record = value as { readonly [key: string]: Json };
  if (typeof record["$n"] === "string") return BigInt(record["$n"]);
  if (typeof record["$b"] === "string") return fromBase64Url(record["$b"]);
  if (Array.isArray(record["$m"])) {
    return new Map(
      (record["$m"] as [Json, Json][]).map(([key, item]) => [fromJson(key), fromJson(item)]),
    );
  }
  if (Array.isArray(record["$s"])) return new Set((record["$s"] as Json[]).map(fromJson));
  return Object.fromEntries(Object.entries(record).map(([key, item]) => [key, fromJson(item)]));
}

/** Bytes of one row: numbers, bigints, bytes, texts, arrays, maps and sets at any depth; undefined fields are left out. */
export function encodeRow(value: object): Uint8Array {
  const text = toUtf8(JSON.stringify(toJson(value)));
  const out = new Uint8Array(1 + text.length);
  out[0] = rowVersion;
  out.set(text, 1);
  return out;
}

/** Reads what {@link encodeRow} wrote. Throws `client/bad-row` on damage or on a version of the future. */
export function decodeRow<T extends object>(bytes: Uint8Array): T {
  if (bytes[0] !== rowVersion) throw new ClientError("client/bad-row", { version: bytes[0] });
  try {
    return fromJson(JSON.parse(fromUtf8(bytes.subarray(1))) as Json) as T;
  } catch (cause) {
    throw new ClientError("client/bad-row", { size: bytes.length }, { cause });
  }
}
