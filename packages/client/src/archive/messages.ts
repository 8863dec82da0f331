import { fromHex, idBytes, toHex } from "@coterie/base";
import type { GroupId, MessageId } from "@coterie/base";
import {
  DeliveryStatusSave,
  EncodedContent,
  GroupMessageKindSave,
  ReactionV2,
} from "@coterie/wire";
import type { GroupMessageSave } from "@coterie/wire";
import { contentTypeOf, contentTypes, isContentType } from "../engine/content.ts";
import { disappearingSettings } from "../engine/expiry.ts";
import type { GroupRecord, MessageRow } from "../engine/state.ts";
import { DeliveryStatus, GroupMessageKind } from "../enums.ts";
import { hexId } from "./groups.ts";

const idBytesOf = 32;
/** Stream of application messages in released stores (§1, originator). */
const applicationMessages = 10n;

/**
 * XHS-09: application messages that the node has; what is unpublished is still this installation's to send. What disappears may be
 * left out.
 */
export function isExportedMessage(
  row: MessageRow,
  options: { readonly startNs?: bigint | undefined; readonly endNs?: bigint | undefined },
  excludeDisappearing: boolean,
): boolean {
  if (row.kind !== GroupMessageKind.Application) return false;
  if (row.deliveryStatus !== DeliveryStatus.Published) return false;
  if (excludeDisappearing && row.expireAtNs !== undefined) return false;
  if (options.startNs !== undefined && row.sentAtNs < options.startNs) return false;
  return options.endNs === undefined || row.sentAtNs < options.endNs;
}

export function encodeMessage(row: MessageRow): GroupMessageSave {
  const type = row.contentType;
  return {
    id: fromHex(row.id),
    groupId: idBytes(row.groupId),
    decryptedMessageBytes: row.content,
    sentAtNs: row.sentAtNs,
    kind: GroupMessageKindSave.application,
    senderInstallationId: hexId(row.senderInstallationId, idBytesOf) ?? new Uint8Array(0),
    senderInboxId: row.senderInboxId,
    deliveryStatus: DeliveryStatusSave.published,
    versionMajor: type?.versionMajor ?? 0,
    versionMinor: type?.versionMinor ?? 0,
    authorityId: type?.authorityId ?? "",
    referenceId: referenceOf(row),
    sequenceId: row.sequenceId,
    originatorId: applicationMessages,
    contentType: type?.typeId ?? "unknown",
  };
}

/** What a reply or a reaction points at. */
function referenceOf(row: MessageRow): Uint8Array | undefined {
  const reaction = isContentType(row.contentType, contentTypes.reaction);
  if (!reaction && !isContentType(row.contentType, contentTypes.reply)) return undefined;
  try {
    const { content, parameters } = EncodedContent.decode(row.content);
    const reference = reaction
      ? ReactionV2.decode(content).reference
      : (parameters.get("reference") ?? "");
    return hexId(reference, idBytesOf);
  } catch {
    return undefined;
  }
}

/** XHS-10: the row of a saved message of this group; undefined for what was not an application message. */
export function restoreMessage(
  save: GroupMessageSave,
  group: GroupRecord,
  nowNs: bigint,
): MessageRow | undefined {
  if (save.id.length !== idBytesOf || save.kind !== GroupMessageKindSave.application) {
    return undefined;
  }
  if (save.deliveryStatus !== DeliveryStatusSave.published || save.sentAtNs < 0n) return undefined;
  if (save.sequenceId !== undefined && save.sequenceId < 0n) return undefined;
  const settings = disappearingSettings(group.metadata);
  return {
    id: toHex(save.id) as MessageId,
    groupId: group.id satisfies GroupId,
    senderInboxId: save.senderInboxId,
    senderInstallationId: toHex(save.senderInstallationId),
    kind: GroupMessageKind.Application,
    content: save.decryptedMessageBytes,
    contentType: contentTypeOf(save.decryptedMessageBytes),
    sentAtNs: save.sentAtNs,
    insertedAtNs: nowNs,
    deliveryStatus: DeliveryStatus.Published,
    sequenceId: save.sequenceId,
    // XDS-03: what was to disappear there disappears here as well, counted from now as for any message received.
    expireAtNs: settings && save.sentAtNs >= settings.fromNs ? nowNs + settings.inNs : undefined,
  };
}
