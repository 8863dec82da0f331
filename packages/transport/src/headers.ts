import { fromUtf8, toUtf8 } from "@coterie/base";
import type { Metadata } from "./transport.ts";

const hex = "0123456789ABCDEF";

/** Percent-encodes a `grpc-message`: printable ASCII but `%` stays, every other byte of its UTF-8 becomes `%XX`. */
export function encodeGrpcMessage(text: string): string {
  if (/^[ -$&-~]*$/.test(text)) return text;
  let out = "";
  for (const byte of toUtf8(text)) {
    out +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${hex[byte >> 4]}${hex[byte & 15]}`;
  }
  return out;
}

/** Decodes a `grpc-message`. Never fails: what is no valid escape or no UTF-8 is given back as it came. */
export function decodeGrpcMessage(text: string): string {
  if (!text.includes("%")) return text;
  const out = new Uint8Array(text.length * 3);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const escape = text[at] === "%" ? text.slice(at + 1, at + 3) : "";
    if (/^[0-9a-fA-F]{2}$/.test(escape)) {
      out[length++] = Number.parseInt(escape, 16);
      at += 2;
    } else {
      const code = text.charCodeAt(at);
      if (code > 0x7f) return text;
      out[length++] = code;
    }
  }
  try {
    return fromUtf8(out.subarray(0, length));
  } catch {
    return text;
  }
}

const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/** Reads a `grpc-timeout` (one to eight digits and a unit) as milliseconds, rounded up; undefined where it is malformed. */
export function parseTimeout(text: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  if (!match) return undefined;
  return Math.ceil(Number(match[1]) * (unitMs[match[2] as string] as number));
}

/** Writes milliseconds as a `grpc-timeout` of at most eight digits, never longer than asked but for rounding to the unit. */
export function formatTimeout(ms: number): string {
  const whole = Math.max(0, Math.floor(ms));
  if (whole < 100_000_000) return `${whole}m`;
  if (whole < 100_000_000_000) return `${Math.floor(whole / 1000)}S`;
  return `${Math.min(99_999_999, Math.floor(whole / 3_600_000))}H`;
}

/** The longest a timer can wait; a longer deadline is none. */
export const longestTimerMs = 0x7fff_ffff;

const reserved = new Set([
  "content-type",
  "te",
  "user-agent",
  "connection",
  "host",
  "date",
  "content-length",
  "trailer",
]);

function isMetadataName(name: string): boolean {
  return /^[0-9a-z_.-]+$/.test(name) && !name.startsWith("grpc-") && !reserved.has(name);
}

/** The caller's own headers out of all that came; names that belong to HTTP or gRPC are left out. */
export function metadataOf(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Metadata {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || !isMetadataName(name) || name === "__proto__") continue;
    out[name] = typeof value === "string" ? value : value.join(",");
  }
  return out;
}

/** True for values that may stand in a header; others could smuggle a second header in. */
export function isMetadataEntry(name: string, value: string): boolean {
  return isMetadataName(name) && /^[\x20-\x7e]*$/.test(value);
}
