import type { Clock } from "@coterie/base";
import { secondsOf } from "../claims.ts";
import type { KeySource, KeyWanted } from "./key-source.ts";
import type { VerificationKey } from "./verification-key.ts";

type Find = (wanted: KeyWanted) => readonly VerificationKey[];

/** Keys that are fetched, kept, and fetched again. What was fetched serves twice `maxAgeSeconds` where asking again fails. */
export function refreshedKeys(
  options: {
    readonly clock: Clock;
    readonly maxAgeSeconds?: number | undefined;
    readonly cooldownSeconds?: number | undefined;
  },
  fetchKeys: () => Promise<Find>,
): KeySource {
  const { clock, maxAgeSeconds = 3600, cooldownSeconds = 30 } = options;
  let find: Find = () => [];
  let fetchedAt: number | undefined;
  let askedAt: number | undefined;
  let generation = 0;
  let asking: Promise<void> | undefined;

  const age = (): number =>
    fetchedAt === undefined ? Infinity : Math.abs(secondsOf(clock) - fetchedAt);
  const ask = async (): Promise<void> => {
    askedAt = secondsOf(clock);
    try {
      find = await fetchKeys();
      fetchedAt = secondsOf(clock);
      generation += 1;
    } catch {
      // the old ones serve for a while; then verify() says that a key is missing
    } finally {
      asking = undefined;
    }
  };

  return {
    get generation() {
      return generation;
    },
    isOld: () => age() > maxAgeSeconds,
    find: (wanted) => (age() > 2 * maxAgeSeconds ? [] : find(wanted)),
    load() {
      if (asking !== undefined) return asking;
      const since = askedAt === undefined ? Infinity : Math.abs(secondsOf(clock) - askedAt);
      if (since < cooldownSeconds) return undefined;
      asking = ask();
      return asking;
    },
  };
}
