import type { CommitLogEntry, GroupMessage, IdentityLogEntry, Welcome } from "./log.ts";

// Integers come as bigint: ids and nanoseconds pass 2^53.

export interface MessageRow {
  readonly id: bigint;
  readonly group_id: Uint8Array;
  readonly created_ns: bigint;
  readonly data: Uint8Array;
  readonly sender_hmac: Uint8Array;
  readonly should_push: bigint;
  readonly is_commit: bigint;
}

export function toGroupMessage(row: MessageRow): GroupMessage {
  return {
    id: row.id,
    groupId: row.group_id,
    createdNs: row.created_ns,
    data: row.data,
    senderHmac: row.sender_hmac,
    shouldPush: row.should_push !== 0n,
    isCommit: row.is_commit !== 0n,
  };
}

export const sizeOfMessage = (message: GroupMessage): number =>
  message.data.length + message.senderHmac.length + 64;

export interface WelcomeRow {
  readonly id: bigint;
  readonly installation_key: Uint8Array;
  readonly created_ns: bigint;
  readonly is_pointer: bigint;
  readonly data: Uint8Array;
  readonly hpke_public_key: Uint8Array;
  readonly wrapper_algorithm: bigint;
  readonly welcome_metadata: Uint8Array;
}

export function toWelcome(row: WelcomeRow): Welcome {
  return {
    id: row.id,
    kind: row.is_pointer === 0n ? "v1" : "pointer",
    installationKey: row.installation_key,
    createdNs: row.created_ns,
    data: row.data,
    hpkePublicKey: row.hpke_public_key,
    wrapperAlgorithm: Number(row.wrapper_algorithm),
    welcomeMetadata: row.welcome_metadata,
  };
}

export interface IdentityRow {
  readonly sequence_id: bigint;
  readonly server_timestamp_ns: bigint;
  readonly identity_update: Uint8Array;
}

export function toIdentity(row: IdentityRow): IdentityLogEntry {
  return {
    sequenceId: row.sequence_id,
    serverTimestampNs: row.server_timestamp_ns,
    update: row.identity_update,
  };
}

export interface CommitLogRow {
  readonly id: bigint;
  readonly group_id: Uint8Array;
  readonly entry: Uint8Array;
  readonly signature: Uint8Array;
  readonly public_key: Uint8Array;
}

export function toCommitLogEntry(row: CommitLogRow): CommitLogEntry {
  return {
    id: row.id,
    groupId: row.group_id,
    entry: row.entry,
    signature: row.signature,
    publicKey: row.public_key,
  };
}
