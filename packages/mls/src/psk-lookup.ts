import { equal, toHex } from "@coterie/base";
import { MlsError } from "./errors.ts";
import type { Group } from "./group.ts";
import type { PreSharedKey } from "./psk.ts";
import type { PreSharedKeyId } from "./types.ts";

/** Gives the secret of a PSK that the group cannot know by itself, or undefined. The nonce plays no part in finding it. */
export type PskLookup = (id: PreSharedKeyId) => Uint8Array | undefined;

/**
 * The secrets of these ids in their order. Resumption PSKs of the group's own current and kept epochs need no lookup. Throws
 * `mls/unknown-psk` where one cannot be found.
 */
export function findPsks(
  ids: readonly PreSharedKeyId[],
  group: Group | undefined,
  lookup: PskLookup | undefined,
): PreSharedKey[] {
  return ids.map((id) => {
    const secret = (group && resumptionPsk(group, id)) ?? lookup?.(id);
    if (secret === undefined) throw new MlsError("mls/unknown-psk", describe(id));
    return { id, secret };
  });
}

function resumptionPsk(group: Group, id: PreSharedKeyId): Uint8Array | undefined {
  if (id.kind !== "resumption" || !equal(id.groupId, group.groupId)) return undefined;
  if (id.epoch === group.epoch) return group.state.secrets.resumptionPsk;
  return group.past.find(({ record }) => record.context.epoch === id.epoch)?.record.resumptionPsk;
}

function describe(id: PreSharedKeyId): { psk: string; epoch?: bigint } {
  return id.kind === "external"
    ? { psk: toHex(id.pskId) }
    : { psk: toHex(id.groupId), epoch: id.epoch };
}
