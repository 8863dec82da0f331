import { GroupMessage, SortDirection, WelcomeMessage } from "@coterie/wire";
import type { CommitLogEntry, PagingInfo } from "@coterie/wire";
import type { NodeLimits } from "../limits.ts";
import type * as stored from "../log/log.ts";

export function toWireMessage(message: stored.GroupMessage): GroupMessage {
  return { kind: "v1", value: message };
}

export function toWireWelcome(welcome: stored.Welcome): WelcomeMessage {
  if (welcome.kind === "v1") return { kind: "v1", value: welcome };
  return { kind: "welcomePointer", value: { ...welcome, welcomePointer: welcome.data } };
}

export function toWireCommitLogEntry(entry: stored.CommitLogEntry): CommitLogEntry {
  return {
    sequenceId: entry.id,
    serializedCommitLogEntry: entry.entry,
    signature: { bytes: entry.signature, publicKey: entry.publicKey },
  };
}

export function encodeMessage(message: stored.GroupMessage): Uint8Array {
  return GroupMessage.encode(toWireMessage(message));
}

export function encodeWelcome(welcome: stored.Welcome): Uint8Array {
  return WelcomeMessage.encode(toWireWelcome(welcome));
}

/** XND-37: 0 means descending, a cursor of 0 means from the end in question, any limit out of range is the largest. */
export function toPageQuery(
  topic: Uint8Array,
  paging: PagingInfo | undefined,
  limits: NodeLimits,
): stored.PageQuery {
  const asked = paging?.limit ?? 0;
  const cursor = paging?.idCursor ?? 0n;
  return {
    topic,
    direction: paging?.direction === SortDirection.ascending ? "ascending" : "descending",
    cursor: cursor === 0n ? undefined : cursor,
    limit: asked >= 1 && asked <= limits.pageEntries ? asked : limits.pageEntries,
    maxBytes: limits.pageBytes,
  };
}

/** XND-37: the cursor leads on only where the page is full. */
export function toPagingInfo(
  query: stored.PageQuery,
  page: stored.Page<{ readonly id: bigint }>,
): PagingInfo {
  return {
    direction: query.direction === "ascending" ? SortDirection.ascending : SortDirection.descending,
    limit: query.limit,
    idCursor: page.full ? (page.entries.at(-1)?.id ?? 0n) : 0n,
  };
}
