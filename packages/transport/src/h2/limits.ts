import { Status } from "../transport.ts";
import { StatusError } from "../errors.ts";

/** What one server gives to its callers. Every default is a safe one; A38, A39, A41, XND-03 and XND-05 name the reasons. */
export interface ServerLimits {
  /** Largest request message; longer ones get RESOURCE_EXHAUSTED before they are buffered. 50 MiB (XND-05). */
  readonly maxRequestBytes: number;
  /** Bytes of unfinished requests, and again of large answers not taken yet, held for all callers together. 512 MiB. */
  readonly maxBufferedBytes: number;
  /** The part of it that one connection may use. 128 MiB. */
  readonly maxBufferedBytesPerSession: number;
  /** Bytes of headers of one call. 16 KiB. */
  readonly maxHeaderBytes: number;
  /** Calls at once on one connection; more wait at the client or are refused unread. 1,000. */
  readonly maxConcurrentStreams: number;
  /** Connections at once from one address. 1,024. */
  readonly maxSessionsPerAddress: number;
  /** Connections at once. 20,000. */
  readonly maxSessions: number;
  /** Calls of one connection that may be reset at once, and per second afterwards (rapid reset). 1,000 and 33. */
  readonly resetBurst: number;
  readonly resetsPerSecond: number;
  /** Milliseconds from connecting until the client's first SETTINGS. 10,000. */
  readonly handshakeTimeoutMs: number;
  /** Milliseconds that a request may take to arrive. 120,000. */
  readonly requestTimeoutMs: number;
  /** Milliseconds that a caller may leave an answer untaken before the call is cut. 300,000. */
  readonly stallTimeoutMs: number;
  /** Milliseconds that a connection may stay without calls and pings. 300,000. */
  readonly idleTimeoutMs: number;
  /** Milliseconds between our pings, and for their answer. 30,000 and 20,000; 0 turns them off. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Milliseconds until a connection is asked to go with GOAWAY; callers come back on another (SCN-10). 0, the default, is never. */
  readonly maxAgeMs: number;
  /** Milliseconds that its streams have for it then. 5,000. */
  readonly maxAgeGraceMs: number;
  /** Bytes of one request that may be under way to a handler that pauses. 1 MiB. */
  readonly windowBytes: number;
}

export const defaultLimits: ServerLimits = {
  maxRequestBytes: 50 * 1024 * 1024,
  maxBufferedBytes: 512 * 1024 * 1024,
  maxBufferedBytesPerSession: 128 * 1024 * 1024,
  maxHeaderBytes: 16 * 1024,
  maxConcurrentStreams: 1000,
  maxSessionsPerAddress: 1024,
  maxSessions: 20_000,
  resetBurst: 1000,
  resetsPerSecond: 33,
  handshakeTimeoutMs: 10_000,
  requestTimeoutMs: 120_000,
  stallTimeoutMs: 300_000,
  idleTimeoutMs: 300_000,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 20_000,
  maxAgeMs: 0,
  maxAgeGraceMs: 5_000,
  windowBytes: 1024 * 1024,
};

/**
 * For `maxSessionMemory`. @NOTE Node's own count of a session's memory keeps what a reset stream had queued, so that a
 * connection with many cancelled streams would one day be refused every call. Our limits bound what each call holds.
 */
export const uncountedSessionMemory: number = Number.MAX_SAFE_INTEGER;

export interface Budget {
  /** Takes bytes, or gives them back if negative; throws RESOURCE_EXHAUSTED above the limit. */
  reserve(bytes: number): void;
  held(): number;
}

/** Counts bytes held in memory, against its own limit and that of the budget it is a part of. */
export function createBudget(limit: number, whole?: Budget): Budget {
  let held = 0;
  return {
    reserve(bytes) {
      if (bytes > 0 && held + bytes > limit) {
        throw new StatusError(Status.resourceExhausted, "too much under way");
      }
      whole?.reserve(bytes);
      held += bytes;
    },
    held: () => held,
  };
}

/** Counts connections by address. */
export function createAdmission(limits: ServerLimits): {
  admit(address: string): boolean;
  leave(address: string): void;
} {
  const counts = new Map<string, number>();
  let total = 0;
  return {
    admit(address) {
      const count = counts.get(address) ?? 0;
      if (total >= limits.maxSessions || count >= limits.maxSessionsPerAddress) return false;
      counts.set(address, count + 1);
      total++;
      return true;
    },
    leave(address) {
      const count = (counts.get(address) ?? 0) - 1;
      if (count > 0) counts.set(address, count);
      else counts.delete(address);
      total--;
    },
  };
}
