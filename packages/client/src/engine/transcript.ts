import { idFromBytes } from "@coterie/base";
import type { GroupId, InboxId, InstallationId, MessageId } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { GroupUpdated } from "@coterie/wire";
import { DeliveryStatus, GroupMessageKind } from "../enums.ts";
import type { GroupChanges } from "./changes.ts";
import { contentTypes, encodeGroupUpdated } from "./content.ts";
import { messageId } from "./message-id.ts";
import type { MessageRow } from "./state.ts";

function inboxes(ids: readonly string[]): { readonly inboxId: string }[] {
  return ids.map((inboxId) => ({ inboxId }));
}

/** XCV-22: what a commit did, as the transcript says it. Inboxes that had asked to leave are said to have left. */
export function groupUpdatedOf(
  initiator: string,
  changes: GroupChanges,
  pendingLeaves: readonly string[],
): GroupUpdated {
  const leaving = new Set(pendingLeaves);
  return GroupUpdated.create({
    initiatedByInboxId: initiator,
    addedInboxes: inboxes(changes.addedInboxes),
    removedInboxes: inboxes(changes.removedInboxes.filter((id) => !leaving.has(id))),
    leftInboxes: inboxes(changes.removedInboxes.filter((id) => leaving.has(id))),
    metadataFieldChanges: changes.fields.map(({ field, before, after }) => ({
      fieldName: field,
      oldValue: before,
      newValue: after,
    })),
    addedAdminInboxes: inboxes(changes.adminsAdded),
    removedAdminInboxes: inboxes(changes.adminsRemoved),
    addedSuperAdminInboxes: inboxes(changes.superAdminsAdded),
    removedSuperAdminInboxes: inboxes(changes.superAdminsRemoved),
  });
}

export interface TranscriptInput {
  readonly crypto: CryptoProvider;
  readonly groupId: Uint8Array;
  readonly senderInboxId: string;
  readonly senderInstallation: Uint8Array;
  readonly update: GroupUpdated;
  /** XCV-21: decimal created_ns of the commit; XWL-20 has its own. */
  readonly key: string;
  readonly sentAtNs: bigint;
  readonly sequenceId: bigint;
  readonly nowNs: bigint;
}

/** The local message that tells of a commit or a welcome. Never sent. */
export function transcriptRow(input: TranscriptInput): MessageRow {
  const content = encodeGroupUpdated(input.update);
  return {
    id: messageId(input.crypto, input.groupId, input.key, content) satisfies MessageId,
    groupId: idFromBytes<GroupId>(input.groupId),
    senderInboxId: input.senderInboxId as InboxId,
    senderInstallationId: idFromBytes<InstallationId>(input.senderInstallation),
    kind: GroupMessageKind.MembershipChange,
    content,
    contentType: contentTypes.groupUpdated,
    sentAtNs: input.sentAtNs,
    insertedAtNs: input.nowNs,
    deliveryStatus: DeliveryStatus.Published,
    sequenceId: input.sequenceId,
  };
}
