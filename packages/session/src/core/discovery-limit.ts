import { discoveriesPerSecond } from "./limits.ts";

/** SSN-15: how often one identity may look for us. */
export interface DiscoveryLimit {
  admit(baseId: string, now: number): boolean;
}

export function createDiscoveryLimit(): DiscoveryLimit {
  let second = -1;
  const counts = new Map<string, number>();
  return {
    admit(baseId, now) {
      const current = Math.floor(now / 1_000);
      if (current !== second) {
        counts.clear();
        second = current;
      }
      const count = (counts.get(baseId) ?? 0) + 1;
      counts.set(baseId, count);
      return count <= discoveriesPerSecond;
    },
  };
}
