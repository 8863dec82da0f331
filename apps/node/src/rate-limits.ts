import type { Clock } from "@coterie/base";
import { paths } from "@coterie/wire";
import { NodeError } from "./errors.ts";

/** A bucket of `tokens` that gains `perMinute`. A call takes one. */
export interface Bucket {
  readonly tokens: number;
  readonly perMinute: number;
}

export interface RateLimits {
  /** All calls of one address. */
  readonly calls: Bucket;
  /** Those that publish, in a bucket of their own beside it. */
  readonly publishes: Bucket;
  /** Addresses remembered at most; those that are full again are forgotten first. */
  readonly addresses: number;
}

/** What the released network grants an address (XND-42). */
export const defaultRateLimits: RateLimits = {
  calls: { tokens: 20_000, perMinute: 4_000 },
  publishes: { tokens: 3_000, perMinute: 600 },
  addresses: 100_000,
};

export interface RateLimiter {
  /** Throws `node/rate-limited`; `details.retryAfterMs` says when a token is there again. */
  take(peer: string, path: string): void;
  readonly addresses: number;
}

const publishing: ReadonlySet<string> = new Set([
  paths.identity.publishIdentityUpdate,
  paths.mls.sendGroupMessages,
  paths.mls.sendWelcomeMessages,
  paths.mls.uploadKeyPackage,
  paths.mls.batchPublishCommitLog,
]);

interface Level {
  left: number;
  readonly at: number;
}
interface Levels {
  readonly calls: Level;
  readonly publishes: Level;
}

/** Counts calls by address (XND-42). A caller without an address, in the same process, is not counted. */
export function createRateLimiter(limits: RateLimits, clock: Clock): RateLimiter {
  // in the order of their last call: the first is the one that has been silent longest
  const known = new Map<string, Levels>();
  return {
    take(peer, path) {
      if (peer === "") return;
      const now = Number(clock.nowNs() / 1_000_000n);
      const before = known.get(peer);
      const calls = refill(limits.calls, before?.calls, now);
      const publishes = refill(limits.publishes, before?.publishes, now);
      const wanted = publishing.has(path)
        ? ([
            [limits.publishes, publishes],
            [limits.calls, calls],
          ] as const)
        : ([[limits.calls, calls]] as const);
      for (const [bucket, level] of wanted) {
        if (level.left >= 1) continue;
        const retryAfterMs = Math.ceil(((1 - level.left) * 60_000) / bucket.perMinute);
        throw new NodeError("node/rate-limited", { details: { retryAfterMs } });
      }
      for (const [, level] of wanted) level.left -= 1;
      known.delete(peer);
      known.set(peer, { calls, publishes });
      if (known.size > limits.addresses) known.delete(known.keys().next().value as string);
    },
    get addresses() {
      return known.size;
    },
  };
}

function refill(bucket: Bucket, level: Level | undefined, now: number): Level {
  if (level === undefined) return { left: bucket.tokens, at: now };
  // a clock that went back gives nothing, and takes nothing
  const gained = (Math.max(0, now - level.at) * bucket.perMinute) / 60_000;
  return { left: Math.min(bucket.tokens, level.left + gained), at: now };
}
