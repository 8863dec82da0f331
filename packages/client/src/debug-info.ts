import type { CommitLogs } from "./commit-log.ts";
import type { RemoteLogRow } from "./engine/commit-log.ts";
import { CommitResult } from "./engine/state.ts";
import type { CommitLogRow, Doubt, GroupState, Intent } from "./engine/state.ts";

/** A commit that did not count, and why. */
export interface RefusedCommit {
  readonly sequenceId: bigint;
  readonly code: string;
  readonly rule: string | undefined;
}

/** A wish that is still to come true. */
export interface OpenIntent {
  readonly id: number;
  readonly kind: Intent["wish"]["kind"];
  readonly state: Intent["state"]["kind"];
  readonly attempts: number;
}

/** Why a conversation stands where it stands. */
export interface ConversationDebugInfo {
  readonly epoch: bigint;
  /** A message of a later epoch came (XIN-40). */
  readonly maybeForked: boolean;
  readonly forkDetails: string;
  /** What the members' commit logs say; undefined where they say nothing yet (XIN-43). */
  readonly isCommitLogForked: boolean | undefined;
  readonly localCommitLog: readonly CommitLogRow[];
  readonly remoteCommitLog: readonly RemoteLogRow[];
  /** By the originators of XMTP: 0 commits, 10 application messages. */
  readonly cursor: readonly { readonly originatorId: number; readonly sequenceId: bigint }[];
  /** Equal for all members of an epoch that are not forked. */
  readonly epochAuthenticator: Uint8Array;
  /** XDM-04. */
  readonly policyMismatch: boolean;
  readonly pausedForVersion: string | undefined;
  readonly lastRefusedCommit: RefusedCommit | undefined;
  readonly openIntents: readonly OpenIntent[];
  /** Why a part of the log is read again, if it is. */
  readonly doubt: Pick<Doubt, "kind" | "from" | "attempts"> | undefined;
}

function lastRefused(rows: readonly CommitLogRow[]): RefusedCommit | undefined {
  const row = rows.findLast(({ result }) => result !== CommitResult.applied);
  if (!row) return undefined;
  const code =
    row.error ?? (row.result === CommitResult.wrongEpoch ? "mls/wrong-epoch" : "unknown");
  return { sequenceId: row.sequenceId, code, rule: row.rule };
}

/** Everything that explains the state of one conversation; ids and numbers only. */
export async function describeConversation(
  commitLogs: CommitLogs,
  state: GroupState,
): Promise<ConversationDebugInfo> {
  const { record, progress, mls, intents } = state;
  const { doubt } = progress;
  const localCommitLog = await commitLogs.local(record.id);
  return {
    epoch: mls?.context.epoch ?? 0n,
    maybeForked: record.forkDetails !== undefined,
    forkDetails: record.forkDetails ?? "",
    isCommitLogForked: await commitLogs.isForked(record.id),
    localCommitLog,
    remoteCommitLog: await commitLogs.remote(record.id),
    cursor: [
      { originatorId: 0, sequenceId: progress.commitCursor },
      { originatorId: 10, sequenceId: progress.messageCursor },
    ],
    epochAuthenticator: mls?.epochAuthenticator ?? new Uint8Array(0),
    policyMismatch: record.policyMismatch === true,
    pausedForVersion: record.pausedForVersion,
    doubt: doubt && { kind: doubt.kind, from: doubt.from, attempts: doubt.attempts },
    lastRefusedCommit: lastRefused(localCommitLog),
    openIntents: intents.map(({ id, wish, state: { kind }, attempts }) => ({
      id,
      kind: wish.kind,
      state: kind,
      attempts,
    })),
  };
}
