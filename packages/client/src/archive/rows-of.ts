import type { Store } from "@coterie/storage";
import type { MessageRow } from "../engine/state.ts";
import { keys } from "../keys.ts";
import { decodeRow } from "../rows.ts";

/** Rows of one conversation by time sent, from `fromNs` (included) to `toNs` (excluded). */
export async function readRowsBetween(
  store: Store,
  groupId: string,
  bounds: { readonly fromNs: bigint; readonly toNs?: bigint | undefined; readonly limit?: number },
): Promise<MessageRow[]> {
  const { fromNs, toNs, limit } = bounds;
  const rows = await store.list({
    from: keys.messagesFrom(groupId, fromNs > 0n ? fromNs : 0n),
    to: toNs === undefined ? keys.messagesOf(groupId).to : keys.messagesFrom(groupId, toNs),
    ...(limit === undefined ? {} : { limit }),
  });
  return rows.map(({ value }) => decodeRow<MessageRow>(value));
}
