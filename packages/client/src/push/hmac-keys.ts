import { idBytes } from "@coterie/base";
import type { GroupId } from "@coterie/base";
import type { Context } from "../context.ts";
import { hmacEpoch, hmacKey } from "../engine/hmac.ts";

/** What a push server needs to know the own messages of one period (XPU-03). */
export interface HmacKey {
  readonly key: Uint8Array;
  /** Number of the 30-day period (XPU-02). */
  readonly epoch: bigint;
}

/** XPU-05: by group id the keys of the last, this and the next period. */
export async function hmacKeysOf(
  context: Context,
  groupIds: readonly string[],
): Promise<Record<string, HmacKey[]>> {
  const { crypto, clock } = context.ports;
  const root = await context.preferences.hmacRoot();
  const now = hmacEpoch(clock.nowNs());
  return Object.fromEntries(
    groupIds.map((groupId) => [
      groupId,
      [now - 1n, now, now + 1n].map((epoch) => ({
        key: hmacKey(crypto, root.key, idBytes(groupId as GroupId), epoch),
        epoch,
      })),
    ]),
  );
}
