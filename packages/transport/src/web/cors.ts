import type { OutgoingHttpHeaders } from "node:http";
import { Status } from "../transport.ts";
import { TransportError } from "../errors.ts";

/** Which pages may call. Those of other origins are refused, not only kept from reading (XND-06). */
export interface WebOptions {
  /** Exact origins such as `https://chat.example`; `*` alone lets every page call. */
  readonly origins: readonly string[];
}

/** How long browsers may remember that an origin may call, in seconds. Chromium takes no more. */
const rememberSeconds = 7200;

/** Headers of an answer to a page; undefined for a page that may not call. Callers that are no page send no origin. */
export function corsHeaders(
  { origins }: WebOptions,
  origin: string | undefined,
): OutgoingHttpHeaders | undefined {
  if (origin === undefined) return {};
  if (!origins.includes("*") && !origins.includes(origin)) return undefined;
  return {
    "access-control-allow-origin": origin,
    "access-control-expose-headers": "*",
    vary: "origin",
  };
}

/** What a browser asks before it sends a call: the names that it sends, and nothing else, are let through. */
export function preflightHeaders(asked: string | undefined): OutgoingHttpHeaders {
  const names = (asked ?? "").toLowerCase().split(/\s*,\s*/);
  return {
    "access-control-allow-methods": "POST",
    "access-control-allow-headers": names
      .filter((name) => /^[0-9a-z_.-]{1,64}$/.test(name))
      .join(", "),
    "access-control-max-age": String(rememberSeconds),
    "content-length": "0",
  };
}

/** Throws `transport/bad-origin` for what can never equal a browser's Origin header. */
export function checkOrigin(origin: string): void {
  if (isOrigin(origin)) return;
  throw new TransportError(Status.invalidArgument, {
    sent: "no",
    code: "transport/bad-origin",
    details: { origin },
  });
}

/** Whether a browser could send it as an origin: scheme, host and, where it is not the scheme's own, port; or `*`. */
export function isOrigin(text: string): boolean {
  if (text === "*") return true;
  return !text.includes("*") && URL.canParse(text) && new URL(text).origin === text;
}
