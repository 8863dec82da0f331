import { fromHex, idBytes, toHex } from "@coterie/base";
import { decodeKey } from "@coterie/storage";
import type { Change } from "@coterie/storage";
import type { CommitLogEntry } from "@coterie/wire";
import type { Context } from "./context.ts";
import { readCommitLog } from "./db.ts";
import { acceptLogEntry, isForked, signLogRow } from "./engine/commit-log.ts";
import type { RemoteLogRow } from "./engine/commit-log.ts";
import { limits } from "./engine/limits.ts";
import { stepTo } from "./engine/step.ts";
import type { CommitLogRow, GroupRecord } from "./engine/state.ts";
import type { Cell, Groups } from "./groups.ts";
import { keys } from "./keys.ts";
import { decodeRow, encodeRow } from "./rows.ts";
import { withRetry } from "./run.ts";

/** The attribute that holds the seed of the key that signs published entries (XGC-32). */
const signerKey = "_commit_log_signer";

/** How far the logs of one group were carried. */
interface Mark {
  /** Number of the next local row to publish. */
  readonly published: bigint;
  /** Sequence id of the last remote entry that was read. */
  readonly cursor: bigint;
  /** XIN-42: hex of the key of the first valid entry. */
  readonly signer?: string | undefined;
}

const start: Mark = { published: 0n, cursor: 0n };

/** What members tell each other of the commits they applied, so that a fork is found (XIN-41 to XIN-43). */
export interface CommitLogs {
  /** XIN-42: publishes what we may, reads what others published, and says where that leaves each group. */
  tick(): Promise<void>;
  local(groupId: string): Promise<readonly CommitLogRow[]>;
  remote(groupId: string): Promise<readonly RemoteLogRow[]>;
  /** XIN-43, as far as both logs are known here. */
  isForked(groupId: string): Promise<boolean | undefined>;
}

export function createCommitLogs(context: Context, groups: Groups): CommitLogs {
  const { store, crypto, log } = context.ports;

  async function markOf(groupId: string): Promise<Mark> {
    const row = await store.get(keys.commitLogMark(groupId));
    return row ? decodeRow<Mark>(row) : start;
  }
  const putMark = (groupId: string, mark: Mark): Change => ({
    kind: "put",
    key: keys.commitLogMark(groupId),
    value: encodeRow(mark),
  });
  const local = (groupId: string): Promise<CommitLogRow[]> => readCommitLog(store, groupId);
  async function remote(groupId: string): Promise<RemoteLogRow[]> {
    const rows = await store.list(keys.remoteLogOf(groupId));
    return rows.map(({ value }) => decodeRow<RemoteLogRow>(value));
  }
  async function forked(groupId: string): Promise<boolean | undefined> {
    const others = await remote(groupId);
    if (others.length === 0) return undefined;
    return isForked(
      await local(groupId),
      new Map(others.map((row) => [row.commitSequenceId, row])),
    );
  }

  /** XIN-42: in DMs both, in groups super admins. */
  function mayPublish({ conversationType, metadata }: GroupRecord): boolean {
    if (conversationType === "dm") return true;
    return conversationType === "group" && metadata.superAdmins.includes(context.inboxId);
  }

  function seedOf({ metadata }: GroupRecord): Uint8Array | undefined {
    const seed = metadata.attributes.get(signerKey);
    return seed !== undefined && /^[0-9a-f]{64}$/.test(seed) ? fromHex(seed) : undefined;
  }

  async function publish({ id, record }: Cell): Promise<void> {
    const seed = mayPublish(record) ? seedOf(record) : undefined;
    if (!seed) return;
    const mark = await markOf(id);
    const rows = await store.list({
      ...keys.commitLogOf(id),
      from: keys.commitLog(id, Number(mark.published)),
    });
    const fresh = rows.map(({ value }) => decodeRow<CommitLogRow>(value));
    const entries = fresh.filter(({ sequenceId }) => sequenceId > 0n);
    const size = limits.commitLogBatch;
    for (let at = 0; at < entries.length; at += size) {
      const requests = entries
        .slice(at, at + size)
        .map((row) => signLogRow(crypto, seed, idBytes(id), row));
      await withRetry(context.ports, () => context.api.publishCommitLog(requests));
    }
    if (fresh.length === 0) return;
    const published = (decodeKey((rows.at(-1) as { key: Uint8Array }).key)[2] as bigint) + 1n;
    // Read anew: a download may have moved the other half meanwhile.
    await store.write([putMark(id, { ...(await markOf(id)), published })]);
  }

  async function download(cells: readonly Cell[]): Promise<void> {
    const size = limits.commitLogGroups;
    for (let at = 0; at < cells.length; at += size) {
      let chunk = cells.slice(at, at + size);
      while (chunk.length > 0) {
        const requests = await Promise.all(
          chunk.map(async ({ id }) => ({ groupId: id, cursor: (await markOf(id)).cursor })),
        );
        const pages = await withRetry(context.ports, () => context.api.queryCommitLogs(requests));
        const more: Cell[] = [];
        for (const cell of chunk) {
          const page = pages.get(cell.id);
          if (page && (await accept(cell, page.messages)) && page.full) more.push(cell);
        }
        chunk = more;
      }
    }
  }

  /** False where a page brought nothing new. */
  async function accept(
    { id: groupId, record }: Cell,
    entries: readonly CommitLogEntry[],
  ): Promise<boolean> {
    const mark = await markOf(groupId);
    // The first valid entry is one that the group's own key signed: a node, which does not know it, cannot begin the log.
    const seed = seedOf(record);
    const signer = mark.signer ?? (seed && toHex(crypto.signaturePublicKey("ed25519", seed)));
    if (signer === undefined) return false;
    const [tail] = await store.list({ ...keys.remoteLogOf(groupId), reverse: true, limit: 1 });
    let last = tail && decodeRow<RemoteLogRow>(tail.value);
    let { cursor } = mark;
    const changes: Change[] = [];
    for (const entry of entries) {
      if (entry.sequenceId <= cursor) continue;
      cursor = entry.sequenceId;
      const accepted = acceptLogEntry(crypto, idBytes(groupId), { signer, last }, entry);
      if (!accepted) {
        log.write("info", "commit-log-entry-refused", { groupId, sequenceId: entry.sequenceId });
        continue;
      }
      last = accepted;
      changes.push({
        kind: "put",
        key: keys.remoteLog(groupId, last.commitSequenceId),
        value: encodeRow(last),
      });
    }
    if (cursor === mark.cursor) return false;
    const known = mark.signer ?? (changes.length > 0 ? signer : undefined);
    await store.write([...changes, putMark(groupId, { ...mark, cursor, signer: known })]);
    return true;
  }

  /** XIN-43: what came of it, in the record and as an event when it turns. */
  async function settle(cell: Cell): Promise<void> {
    const now = await forked(cell.id);
    if (now === cell.record.commitLogForked) return;
    await groups.exclusive(cell, async (loaded) => {
      const { state } = loaded;
      const record: GroupRecord = { ...state.record, commitLogForked: now };
      await loaded.apply(
        stepTo(
          { ...state, record },
          { events: now === true ? [{ kind: "forked", groupId: cell.id }] : [] },
        ),
      );
    });
  }

  return {
    async tick() {
      const cells = (await groups.all()).filter(
        ({ record }) =>
          record.active &&
          record.membershipState !== "restored" &&
          (record.conversationType === "group" || record.conversationType === "dm"),
      );
      for (const cell of cells) await publish(cell);
      await download(cells);
      for (const cell of cells) await settle(cell);
    },
    local,
    remote,
    isForked: forked,
  };
}
