import type { Api } from "./api.ts";
import { inChunks } from "./chunks.ts";
import { limits } from "./engine/limits.ts";

/** How many updates the node has in each log; 0 for an inbox that it does not know. What they say is not looked at. */
export async function countInboxUpdates(
  api: Api,
  inboxIds: readonly string[],
): Promise<Map<string, number>> {
  const out = new Map<string, number>();
  const ask = (chunk: readonly string[]) =>
    api.getIdentityUpdates(chunk.map((inboxId) => ({ inboxId, sequenceId: 0n })));
  // XID-45
  await inChunks([...new Set(inboxIds)], limits.identityChunk, ask, (chunk, logs) => {
    for (const inboxId of chunk) out.set(inboxId, logs.get(inboxId)?.length ?? 0);
  });
  return out;
}
