import { fromUtf8, toUtf8 } from "@coterie/base";
import { errorOfAnswer, TransportError } from "../errors.ts";
import { parseStatus } from "../errors.ts";
import { Status } from "../transport.ts";
import type { StatusCode } from "../transport.ts";

/** Codes of RFC 6455 §7.4.1. */
export const closeCode = {
  normal: 1000,
  goingAway: 1001,
  notBinary: 1003,
  malformed: 1007,
  policy: 1008,
  tooLarge: 1009,
  internal: 1011,
} as const;

const statuses: Readonly<Record<number, StatusCode>> = {
  1001: Status.unavailable,
  1002: Status.internal,
  1003: Status.invalidArgument,
  1007: Status.invalidArgument,
  1008: Status.permissionDenied,
  1009: Status.resourceExhausted,
  1011: Status.internal,
  1012: Status.unavailable,
  1013: Status.unavailable,
};

/** How a call ends on the wire: the nearest code, and the status of gRPC in front of its words for those who look. */
export function closeOf(
  status: StatusCode,
  words: string,
): { readonly code: number; readonly reason: string } {
  if (status === Status.ok) return { code: closeCode.normal, reason: "" };
  const [code] = Object.entries(statuses).find(([, known]) => known === status) ?? ["1011"];
  // RFC 6455 §5.5: 123 bytes, cut where a character begins
  let bytes = toUtf8(`${status} ${words}`).subarray(0, 123);
  while (bytes.length > 0 && !isText(bytes)) bytes = bytes.subarray(0, -1);
  return { code: Number(code), reason: fromUtf8(bytes) };
}

/** What a close means to whoever waits for more; undefined for a good end. */
export function verdictOfClose(code: number, reason: string): TransportError | undefined {
  const [, status, words = ""] = /^(\d{1,2}) (.*)$/s.exec(reason) ?? [];
  if (code === closeCode.normal) return undefined;
  if (status !== undefined) return errorOfAnswer(parseStatus(status), words);
  const known = statuses[code];
  if (known !== undefined) return errorOfAnswer(known, reason);
  // 1005 and 1006: nobody said anything
  return new TransportError(Status.unavailable, { sent: "unknown", details: { closeCode: code } });
}

function isText(bytes: Uint8Array): boolean {
  try {
    fromUtf8(bytes);
    return true;
  } catch {
    return false;
  }
}
