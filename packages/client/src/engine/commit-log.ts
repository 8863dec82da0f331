import { equal, toHex } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { PlaintextCommitLogEntry } from "@coterie/wire";
import type { CommitLogEntry } from "@coterie/wire";
import type { GroupChanges } from "./changes.ts";
import { CommitResult } from "./state.ts";
import type { CommitLogRow, Wish } from "./state.ts";

/** XIN-41: the kinds of rows that stand for no commit. */
export const logTypes = {
  creation: "GroupCreation",
  welcome: "Welcome",
  restore: "BackupRestore",
} as const;

const namesOfWishes: Readonly<Record<Wish["kind"], string>> = {
  "send-message": "SendMessage",
  "key-update": "KeyUpdate",
  metadata: "MetadataUpdate",
  pin: "MetadataUpdate",
  membership: "UpdateGroupMembership",
  "admin-list": "UpdateAdminList",
  permission: "UpdatePermission",
  readd: "ReaddInstallations",
};

/** XIN-41: what a commit of ours was for. */
export function typeOfWish(wish: Wish): string {
  return namesOfWishes[wish.kind];
}

/** XIN-41: what a commit of another was for, as far as its effect shows. */
export function typeOfChanges(changes: GroupChanges, membershipChanged: boolean): string {
  if (membershipChanged) return namesOfWishes.membership;
  if (changes.permissionsChanged) return namesOfWishes.permission;
  const lists = [changes.adminsAdded, changes.adminsRemoved];
  lists.push(changes.superAdminsAdded, changes.superAdminsRemoved);
  if (lists.some((list) => list.length > 0)) return namesOfWishes["admin-list"];
  return changes.fields.length > 0 ? namesOfWishes.metadata : namesOfWishes["key-update"];
}

/** One entry of the log that members publish, as far as it was accepted. */
export interface RemoteLogRow {
  readonly commitSequenceId: bigint;
  readonly lastAuthenticator: Uint8Array;
  readonly appliedAuthenticator: Uint8Array;
  readonly appliedEpoch: bigint;
  readonly result: number;
}

export interface SignedLogRow {
  readonly groupId: Uint8Array;
  /** PlaintextCommitLogEntry. */
  readonly entry: Uint8Array;
  readonly signature: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** XIN-42: a row as it is published: its bytes and a plain Ed25519 signature over them (trap 5). */
export function signLogRow(
  crypto: CryptoProvider,
  seed: Uint8Array,
  groupId: Uint8Array,
  row: CommitLogRow,
): SignedLogRow {
  const entry = PlaintextCommitLogEntry.encode({
    groupId,
    commitSequenceId: row.sequenceId,
    lastEpochAuthenticator: row.lastAuthenticator,
    commitResult: row.result,
    appliedEpochNumber: row.appliedEpoch,
    appliedEpochAuthenticator: row.appliedAuthenticator,
  });
  return {
    groupId,
    entry,
    signature: crypto.sign("ed25519", seed, entry),
    publicKey: crypto.signaturePublicKey("ed25519", seed),
  };
}

/** What the accepted part of a group's remote log comes to. */
export interface RemoteLogTail {
  /** Hex of the key that signs this log; nobody else's entries count (XIN-42). */
  readonly signer: string;
  readonly last?: RemoteLogRow | undefined;
}

/** XIN-42: one entry of the remote log after another; undefined for what does not belong there. */
export function acceptLogEntry(
  crypto: CryptoProvider,
  groupId: Uint8Array,
  tail: RemoteLogTail,
  { serializedCommitLogEntry: bytes, signature }: CommitLogEntry,
): RemoteLogRow | undefined {
  if (!signature || tail.signer !== toHex(signature.publicKey)) return undefined;
  if (!crypto.verify("ed25519", signature.publicKey, bytes, signature.bytes)) return undefined;
  const row = readEntry(groupId, bytes);
  return row && follows(tail.last, row) ? row : undefined;
}

function readEntry(groupId: Uint8Array, bytes: Uint8Array): RemoteLogRow | undefined {
  try {
    const entry = PlaintextCommitLogEntry.decode(bytes);
    if (!equal(entry.groupId, groupId) || entry.commitSequenceId === 0n) return undefined;
    return {
      commitSequenceId: entry.commitSequenceId,
      lastAuthenticator: entry.lastEpochAuthenticator,
      appliedAuthenticator: entry.appliedEpochAuthenticator,
      appliedEpoch: entry.appliedEpochNumber,
      result: entry.commitResult,
    };
  } catch {
    return undefined;
  }
}

/** Applied entries form a chain, all others stay where they are. */
function follows(last: RemoteLogRow | undefined, row: RemoteLogRow): boolean {
  const { applied, wrongEpoch, undecryptable, invalid } = CommitResult;
  if (![applied, wrongEpoch, undecryptable, invalid].some((known) => known === row.result)) {
    return false;
  }
  if (!last) return true;
  if (row.commitSequenceId <= last.commitSequenceId) return false;
  if (row.result === applied) {
    return (
      equal(row.lastAuthenticator, last.appliedAuthenticator) &&
      row.appliedEpoch === last.appliedEpoch + 1n
    );
  }
  return (
    equal(row.appliedAuthenticator, last.appliedAuthenticator) &&
    row.appliedEpoch === last.appliedEpoch
  );
}

/**
 * XIN-43: whether we stand where the others do, by the newest commit that both logs tell of. Undefined where there is none: the
 * remote log is behind, or we joined after it. What was before the last welcome is of no matter (F29).
 */
export function isForked(
  local: readonly CommitLogRow[],
  remote: ReadonlyMap<bigint, RemoteLogRow>,
): boolean | undefined {
  for (const row of local.toReversed()) {
    if (row.type === logTypes.welcome) return undefined;
    const other = row.sequenceId === 0n ? undefined : remote.get(row.sequenceId);
    if (other) return !equal(row.appliedAuthenticator, other.appliedAuthenticator);
  }
  return undefined;
}
