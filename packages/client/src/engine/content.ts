import { EncodedContent, GroupUpdated, PlaintextEnvelope } from "@coterie/wire";
import type { ContentTypeId } from "./state.ts";

function xmtp(typeId: string, versionMajor = 1): ContentTypeId {
  return { authorityId: "xmtp.org", typeId, versionMajor, versionMinor: 0 };
}
function coinbase(typeId: string): ContentTypeId {
  return { ...xmtp(typeId), authorityId: "coinbase.com" };
}

/** Content types by the names of §7.3. */
export const contentTypes: Readonly<
  Record<
    | "text"
    | "markdown"
    | "reaction"
    | "reply"
    | "readReceipt"
    | "attachment"
    | "remoteAttachment"
    | "multiRemoteAttachment"
    | "transactionReference"
    | "walletSendCalls"
    | "actions"
    | "intent"
    | "groupUpdated"
    | "leaveRequest"
    | "deleteMessage"
    | "deletedMessage"
    | "deviceSync",
    ContentTypeId
  >
> = {
  text: xmtp("text"),
  markdown: xmtp("markdown"),
  reaction: xmtp("reaction", 2),
  reply: xmtp("reply"),
  readReceipt: xmtp("readReceipt"),
  attachment: xmtp("attachment"),
  remoteAttachment: xmtp("remoteStaticAttachment"),
  multiRemoteAttachment: xmtp("multiRemoteStaticAttachment"),
  transactionReference: xmtp("transactionReference"),
  walletSendCalls: xmtp("walletSendCalls"),
  actions: coinbase("actions"),
  intent: coinbase("intent"),
  groupUpdated: xmtp("group_updated"),
  leaveRequest: xmtp("leave_request"),
  deleteMessage: xmtp("deleteMessage"),
  /** Never sent: what lists show in the place of a message that was deleted for all. */
  deletedMessage: xmtp("deletedMessage"),
  deviceSync: xmtp("application/x-protobuf"),
};

/** Types whose messages wake nobody (§7.3); everything else may push (XMS-07). */
const silent: ReadonlySet<string> = new Set([
  "reaction",
  "readReceipt",
  "leave_request",
  "deleteMessage",
  "application/x-protobuf",
  "group_updated",
]);

/** Whether a message of this type asks for a push when its sender does not say. */
export function pushesByDefault(type: ContentTypeId | undefined): boolean {
  return type !== undefined && !silent.has(type.typeId);
}

export function isContentType(type: ContentTypeId | undefined, wanted: ContentTypeId): boolean {
  return type?.authorityId === wanted.authorityId && type.typeId === wanted.typeId;
}

/** The EncodedContent of a transcript (XCV-21): no parameters, no fallback. */
export function encodeGroupUpdated(update: GroupUpdated): Uint8Array {
  return EncodedContent.encode(
    EncodedContent.create({
      type: contentTypes.groupUpdated,
      content: GroupUpdated.encode(update),
    }),
  );
}

/** The type of encoded content, or undefined where it cannot be read (XMS-04: stored as "unknown"). */
export function contentTypeOf(content: Uint8Array): ContentTypeId | undefined {
  try {
    return EncodedContent.decode(content).type;
  } catch {
    return undefined;
  }
}

/** XMS-01: what an application message carries. */
export function encodeEnvelope(content: Uint8Array, idempotencyKey: string): Uint8Array {
  return PlaintextEnvelope.encode({ kind: "v1", value: { content, idempotencyKey } });
}

export type OpenedEnvelope =
  | { readonly kind: "v1"; readonly content: Uint8Array; readonly idempotencyKey: string }
  /** Of another kind that is legal and means nothing to us. */
  | { readonly kind: "ignored" }
  | { readonly kind: "invalid" };

/** XMS-04. */
export function openEnvelope(plaintext: Uint8Array): OpenedEnvelope {
  try {
    const envelope = PlaintextEnvelope.decode(plaintext);
    if (envelope.kind === "v1") return { kind: "v1", ...envelope.value };
    return { kind: envelope.kind === "v2" ? "ignored" : "invalid" };
  } catch {
    return { kind: "invalid" };
  }
}
