import {
  ConversationType,
  DeliveryStatus,
  GroupMessageKind,
  contentTypeToString,
} from "@coterie/client";
import type { DecodedMessage, Dm, Group, GroupMember } from "@coterie/client";
import { consentName } from "./find.ts";
import { harmless, short } from "./output.ts";

const levels = ["member", "admin", "super admin"] as const;
const deliveries: Readonly<Record<number, string>> = {
  [DeliveryStatus.Unpublished]: "unpublished",
  [DeliveryStatus.Published]: "published",
  [DeliveryStatus.Failed]: "failed",
};

/** A conversation as JSON has it. */
export async function conversationJson(conversation: Group | Dm): Promise<Record<string, unknown>> {
  const { conversationType } = await conversation.metadata();
  const isDm = conversationType === ConversationType.Dm;
  return {
    id: conversation.id,
    kind: isDm ? "dm" : "group",
    ...(isDm
      ? { peerInboxId: (conversation as Dm).peerInboxId }
      : { name: (conversation as Group).name, description: (conversation as Group).description }),
    isActive: conversation.isActive,
    consent: consentName(await conversation.consentState()),
    createdAt: conversation.createdAt.toISOString(),
    addedByInboxId: conversation.addedByInboxId,
  };
}

export function conversationLine(json: Record<string, unknown>): string {
  const { id, name, peerInboxId, isActive, consent } = json as Record<string, string>;
  const title = peerInboxId === undefined ? name || "(no name)" : `with ${short(peerInboxId)}`;
  const notes = [isActive ? "" : "left", consent === "allowed" ? "" : (consent ?? "")];
  const after = notes.filter((note) => note !== "").join(", ");
  return `${id}  ${harmless(title)}${after === "" ? "" : `  (${after})`}`;
}

export function memberJson(member: GroupMember): Record<string, unknown> {
  return {
    inboxId: member.inboxId,
    identifiers: member.accountIdentifiers.map(({ identifier }) => identifier),
    installationIds: member.installationIds,
    role: levels[member.permissionLevel],
    consent: consentName(member.consentState),
  };
}

export function memberLine(member: GroupMember, own: string): string {
  const names = member.accountIdentifiers.map(({ identifier }) => harmless(identifier)).join(" ");
  const role = levels[member.permissionLevel];
  return `${member.inboxId}  ${role}${member.inboxId === own ? ", you" : ""}  ${names}`;
}

export function messageJson(message: DecodedMessage): Record<string, unknown> {
  const { contentType } = message;
  return {
    id: message.id,
    conversationId: message.conversationId,
    senderInboxId: message.senderInboxId,
    sentAt: message.sentAt.toISOString(),
    sentAtNs: message.sentAtNs,
    kind: message.kind === GroupMessageKind.Application ? "application" : "membership-change",
    contentType: contentType && contentTypeToString(contentType),
    content: message.content,
    fallback: message.fallback,
    deliveryStatus: deliveries[message.deliveryStatus],
  };
}

/** `prefix` names the conversation where several are shown. */
export function messageLine(message: DecodedMessage, own: string, prefix = ""): string {
  const { senderInboxId, content, sentAt, kind, deliveryStatus } = message;
  const who = senderInboxId === own ? "you" : short(senderInboxId);
  const time = sentAt.toISOString().slice(0, 19).replace("T", " ");
  const note =
    deliveryStatus === DeliveryStatus.Published ? "" : ` (${deliveries[deliveryStatus]})`;
  const text =
    typeof content === "string"
      ? content
      : kind === GroupMessageKind.MembershipChange
        ? "(changed the group)"
        : (message.fallback ?? `(${message.contentType?.typeId ?? "unreadable"})`);
  return `${time}  ${prefix}${who}: ${harmless(text)}${note}`;
}
