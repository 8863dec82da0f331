import { toUtf8 } from "@coterie/base";
import { EncodedContent, GroupUpdated, PlaintextEnvelope } from "@coterie/wire";
import type { ContentTypeId } from "./state.ts";

function xmtp(typeId: string, versionMajor = 1): ContentTypeId {
  return { authorityId: "xmtp.org", typeId, versionMajor, versionMinor: 0 };
}

/** Content types by the names of §7.3. */
export const contentTypes: Readonly<
  Record<
    | "text"
    | "markdown"
    | "reaction"
    | "reply"
    | "readReceipt"
    | "groupUpdated"
    | "leaveRequest"
    | "deleteMessage"
    | "deviceSync",
    ContentTypeId
  >
> = {
  text: xmtp("text"),
  markdown: xmtp("markdown"),
  reaction: xmtp("reaction", 2),
  reply: xmtp("reply"),
  readReceipt: xmtp("readReceipt"),
  groupUpdated: xmtp("group_updated"),
  leaveRequest: xmtp("leave_request"),
  deleteMessage: xmtp("deleteMessage"),
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

/** Text as the released SDK writes it: one parameter, no fallback. */
export function encodeText(text: string): EncodedContent {
  return EncodedContent.create({
    type: contentTypes.text,
    parameters: new Map([["encoding", "UTF-8"]]),
    content: toUtf8(text),
  });
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
