import type { Group, OwnKeyPackage } from "@coterie/mls";
import type { Received } from "./received.ts";

/** A key package that we gave out and the time of the token in it. */
interface Offer {
  readonly keyPackage: OwnKeyPackage;
  /** Unix seconds. */
  readonly mintedAt: number;
}

/** An update that came before one that it builds on (SML-30). */
interface Parked {
  readonly update: Received;
  since: number;
  acked: boolean;
}

/** MLS of one session. The group is a value: it is replaced as a whole once a step has succeeded. */
export interface SessionMls {
  group: Group | undefined;
  /** As it was stored last (SHB-17). */
  saved: Group | undefined;
  /** Of the last commit that was applied or made; 0 before there was one (SML-30). */
  lastCommit: number;
  readonly parked: Map<number, Parked>;
  /** Not used yet. */
  offers: readonly Offer[];
  /** Unix seconds: the age of our leaf's token (SML-21). */
  mintedAt: number;
  /** When to renew our leaf, on the clock of steps, and of which age that is the time. */
  refreshAt: number | undefined;
  plannedFor: number | undefined;
}

export function createSessionMls(): SessionMls {
  return {
    group: undefined,
    saved: undefined,
    lastCommit: 0,
    parked: new Map(),
    offers: [],
    mintedAt: 0,
    refreshAt: undefined,
    plannedFor: undefined,
  };
}
