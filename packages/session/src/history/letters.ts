import { fromUtf8, toUtf8 } from "@coterie/base";
import { formatSlimName, parseSlimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import type { Payload } from "../core/port.ts";

// What members of ours say to each other about earlier messages: always to one member alone.

export const askType = "application/vnd.slim.history+json";
export const tellType = "application/vnd.slim.history";
export const maxEntries = 500;

/** A message as it was delivered once. */
export interface HistoryEntry extends Payload {
  readonly source: SlimName;
  readonly messageId: number;
  /** Unix milliseconds, by the clock of whoever kept it. */
  readonly timeMs: number;
}

export interface HistoryAsk {
  readonly request: string;
  readonly limit: number;
  /** Unix milliseconds: later ones alone. */
  readonly sinceMs: number;
}

/** `at` counts the entries of one answer, which come in any order. */
export type HistoryTell =
  | {
      readonly kind: "entry";
      readonly request: string;
      readonly at: number;
      readonly entry: HistoryEntry;
    }
  | { readonly kind: "done"; readonly request: string; readonly count: number }
  | { readonly kind: "refused"; readonly request: string };

const noMetadata: ReadonlyMap<string, string> = new Map();

export function encodeAsk({ request, limit, sinceMs }: HistoryAsk): Payload {
  const fields = { op: "history", request, limit, since: sinceMs };
  return { payloadType: askType, payload: toUtf8(JSON.stringify(fields)), metadata: noMetadata };
}

/** Undefined: it has another form. */
export function decodeAsk(payload: Uint8Array): HistoryAsk | undefined {
  const fields = recordOf(payload);
  if (fields === undefined || fields["op"] !== "history") return undefined;
  const { request, limit, since } = fields;
  if (!isRequest(request) || !isCount(limit) || !isCount(since)) return undefined;
  return { request, limit: Math.min(limit, maxEntries), sinceMs: since };
}

export function encodeTell(tell: HistoryTell): Payload {
  const { request } = tell;
  let payload: Uint8Array;
  if (tell.kind === "entry") payload = frame({ request, at: tell.at }, encodeEntry(tell.entry));
  else if (tell.kind === "done") payload = frame({ request, count: tell.count }, nothing);
  else payload = frame({ request, refused: true }, nothing);
  return { payloadType: tellType, payload, metadata: noMetadata };
}

export function decodeTell(payload: Uint8Array): HistoryTell | undefined {
  const framed = unframe(payload);
  if (framed === undefined) return undefined;
  const { request, at, count, refused } = framed.head;
  if (!isRequest(request)) return undefined;
  if (refused === true) return { kind: "refused", request };
  if (isCount(count)) return { kind: "done", request, count };
  const entry = decodeEntry(framed.rest);
  return isCount(at) && entry !== undefined ? { kind: "entry", request, at, entry } : undefined;
}

/** As it is stored, too. */
export function encodeEntry(entry: HistoryEntry): Uint8Array {
  return frame(
    {
      source: formatSlimName(entry.source),
      id: entry.messageId,
      time: entry.timeMs,
      type: entry.payloadType,
      metadata: [...entry.metadata],
    },
    entry.payload,
  );
}

export function decodeEntry(bytes: Uint8Array): HistoryEntry | undefined {
  const framed = unframe(bytes);
  if (framed === undefined) return undefined;
  const { source, id, time, type, metadata } = framed.head;
  if (typeof source !== "string" || typeof type !== "string") return undefined;
  if (!isCount(id) || !isCount(time) || !Array.isArray(metadata)) return undefined;
  if (!metadata.every(isPair)) return undefined;
  let name: SlimName;
  try {
    name = parseSlimName(source);
  } catch {
    return undefined;
  }
  return {
    source: name,
    messageId: id,
    timeMs: time,
    payloadType: type,
    metadata: new Map(metadata),
    payload: framed.rest,
  };
}

const nothing = new Uint8Array(0);
const lengthBytes = 4;

/** `u32 length ‖ JSON ‖ rest`, little-endian. */
function frame(head: unknown, rest: Uint8Array): Uint8Array {
  const text = toUtf8(JSON.stringify(head));
  const bytes = new Uint8Array(lengthBytes + text.length + rest.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, lengthBytes);
  bytes.set(rest, lengthBytes + text.length);
  return bytes;
}

function unframe(
  bytes: Uint8Array,
): { readonly head: Readonly<Record<string, unknown>>; readonly rest: Uint8Array } | undefined {
  if (bytes.length < lengthBytes) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (length > bytes.length - lengthBytes) return undefined;
  const head = recordOf(bytes.subarray(lengthBytes, lengthBytes + length));
  return head && { head, rest: bytes.slice(lengthBytes + length) };
}

function recordOf(json: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(json));
  } catch {
    return undefined;
  }
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

const isRequest = (value: unknown): value is string =>
  typeof value === "string" && value.length > 0 && value.length <= 64;
const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;
const isPair = (value: unknown): value is [string, string] =>
  Array.isArray(value) &&
  value.length === 2 &&
  typeof value[0] === "string" &&
  typeof value[1] === "string";
