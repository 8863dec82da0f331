import { BackupElementSelection, DeviceSyncContent, EncodedContent } from "@coterie/wire";
import type { DeviceSyncReply, PreferenceUpdate } from "@coterie/wire";
import { decodeConsent, encodeConsent } from "../archive/consent.ts";
import { contentTypes, isContentType } from "../engine/content.ts";
import type { MessageRow, PreferenceChange } from "../engine/state.ts";
import { DeliveryStatus, GroupMessageKind } from "../enums.ts";

/** XHS-02: content of a message in a sync group. */
export function encodeDeviceSync(content: DeviceSyncContent): EncodedContent {
  return EncodedContent.create({
    type: contentTypes.deviceSync,
    content: DeviceSyncContent.encode(content),
  });
}

/** XHS-02: what a message of a sync group says; undefined unless the own inbox said it. */
export function decodeDeviceSync(
  row: MessageRow,
  ownInboxId: string,
): DeviceSyncContent | undefined {
  if (row.senderInboxId !== ownInboxId || row.kind !== GroupMessageKind.Application) {
    return undefined;
  }
  if (row.deliveryStatus !== DeliveryStatus.Published) return undefined;
  if (!isContentType(row.contentType, contentTypes.deviceSync)) return undefined;
  try {
    return DeviceSyncContent.decode(EncodedContent.decode(row.content).content);
  } catch {
    return undefined;
  }
}

/** XHS-05 */
export function encodePreferences(changes: readonly PreferenceChange[]): DeviceSyncContent {
  const updates = changes.map((change): PreferenceUpdate =>
    change.kind === "consent"
      ? { kind: "consent", value: encodeConsent(change) }
      : { kind: "hmac", value: { key: change.key, cycledAtNs: change.cycledAtNs } },
  );
  return { kind: "preferenceUpdates", value: { updates } };
}

export function decodePreferences(updates: readonly PreferenceUpdate[]): PreferenceChange[] {
  return updates.flatMap((update): PreferenceChange[] => {
    if (update.kind === "hmac") return [{ kind: "hmac-root", ...update.value }];
    const change = update.kind === "consent" ? decodeConsent(update.value) : undefined;
    return change ? [change] : [];
  });
}

export interface UsableReply {
  readonly pin: string;
  readonly url: string;
  readonly key: Uint8Array;
  readonly metadata: NonNullable<DeviceSyncReply["metadata"]>;
}

/** XHS-07: replies of the earlier design, or without what is needed to read the archive, are none. */
export function usableReply(reply: DeviceSyncReply): UsableReply | undefined {
  if (reply.kind !== BackupElementSelection.unspecified || !reply.metadata) return undefined;
  if (reply.encryptionKey?.kind !== "aes256Gcm" || reply.url === "") return undefined;
  const { requestId: pin, url, metadata } = reply;
  return { pin, url, key: reply.encryptionKey.value, metadata };
}
