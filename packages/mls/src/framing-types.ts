import { unreachable } from "@coterie/base";
import { MlsError } from "./errors.ts";
import { badValue } from "./codec.ts";
import type { Reader, Writer } from "./codec.ts";
import { readCommit, writeCommit } from "./commit-types.ts";
import { encodingOf, remember } from "./encoded.ts";
import { readProposal, writeProposal } from "./proposal.ts";
import { contentTypes, mls10, nameOf, wireFormats } from "./registry.ts";
import type {
  AuthenticatedContent,
  Content,
  ContentType,
  FramedContent,
  FramedContentAuthData,
  PrivateMessage,
  PublicMessage,
  Sender,
} from "./types.ts";

export function writeSender(w: Writer, sender: Sender): void {
  switch (sender.kind) {
    case "member":
      w.u8(1);
      return w.u32(sender.leafIndex);
    case "external":
      w.u8(2);
      return w.u32(sender.senderIndex);
    case "new-member-proposal":
      return w.u8(3);
    case "new-member-commit":
      return w.u8(4);
    default:
      return unreachable(sender);
  }
}

export function readSender(r: Reader): Sender {
  const type = r.u8();
  if (type === 1) return { kind: "member", leafIndex: r.u32() };
  if (type === 2) return { kind: "external", senderIndex: r.u32() };
  if (type === 3) return { kind: "new-member-proposal" };
  if (type === 4) return { kind: "new-member-commit" };
  throw badValue("sender_type", type);
}

export function writeContentType(w: Writer, type: ContentType): void {
  w.u8(contentTypes[type]);
}

export function readContentType(r: Reader): ContentType {
  const number = r.u8();
  const type = nameOf(contentTypes, number);
  if (type === undefined) throw badValue("content_type", number);
  return type;
}

/** What follows the content type, in FramedContent as in PrivateMessageContent. */
export function writeContentBody(w: Writer, content: Content): void {
  if (content.kind === "application") w.opaque(content.data);
  else if (content.kind === "proposal") writeProposal(w, content.proposal);
  else writeCommit(w, content.commit);
}

export function readContentBody(r: Reader, kind: ContentType): Content {
  if (kind === "application") return { kind, data: r.opaque() };
  if (kind === "proposal") return { kind, proposal: readProposal(r) };
  return { kind, commit: readCommit(r) };
}

function writeWholeFramedContent(w: Writer, framed: FramedContent): void {
  w.opaque(framed.groupId);
  w.u64(framed.epoch);
  writeSender(w, framed.sender);
  w.opaque(framed.authenticatedData);
  writeContentType(w, framed.content.kind);
  writeContentBody(w, framed.content);
}

/** FramedContent (RFC 9420 §6). */
export function writeFramedContent(w: Writer, framed: FramedContent): void {
  w.bytes(encodingOf(framed, writeWholeFramedContent));
}

function readFramedContent(r: Reader): FramedContent {
  const start = r.offset;
  const framed: FramedContent = {
    groupId: r.opaque(),
    epoch: r.u64(),
    sender: readSender(r),
    authenticatedData: r.opaque(),
    content: readContentBody(r, readContentType(r)),
  };
  return remember(framed, r.since(start));
}

/** FramedContentTBS (RFC 9420 §6.1). `groupContext` is encoded; it is left out for senders outside the group. */
export function writeFramedContentTbs(
  w: Writer,
  wireFormat: "public" | "private",
  framed: FramedContent,
  groupContext: Uint8Array,
): void {
  w.u16(mls10);
  w.u16(wireFormats[wireFormat]);
  writeFramedContent(w, framed);
  const { kind } = framed.sender;
  if (kind === "member" || kind === "new-member-commit") w.bytes(groupContext);
}

/** FramedContentAuthData (RFC 9420 §6.1); `kind` decides whether there is a confirmation tag. */
export function writeAuthData(w: Writer, kind: ContentType, auth: FramedContentAuthData): void {
  w.opaque(auth.signature);
  if ((kind === "commit") !== (auth.confirmationTag !== undefined)) {
    throw missingTag("confirmation_tag");
  }
  if (auth.confirmationTag !== undefined) w.opaque(auth.confirmationTag);
}

export function readAuthData(r: Reader, kind: ContentType): FramedContentAuthData {
  return { signature: r.opaque(), confirmationTag: kind === "commit" ? r.opaque() : undefined };
}

/** AuthenticatedContent (RFC 9420 §6): what proposal references and transcript hashes are made of. */
export function writeAuthenticatedContent(w: Writer, value: AuthenticatedContent): void {
  w.u16(wireFormats[value.wireFormat]);
  writeFramedContent(w, value.content);
  writeAuthData(w, value.content.content.kind, value.auth);
}

export function readAuthenticatedContent(r: Reader): AuthenticatedContent {
  const number = r.u16();
  const wireFormat = nameOf(wireFormats, number);
  if (wireFormat !== "public" && wireFormat !== "private") throw badValue("wire_format", number);
  const content = readFramedContent(r);
  return { wireFormat, content, auth: readAuthData(r, content.content.kind) };
}

/** PublicMessage (RFC 9420 §6.2). */
export function writePublicMessage(w: Writer, message: PublicMessage): void {
  writeFramedContent(w, message.content);
  writeAuthData(w, message.content.content.kind, message.auth);
  if ((message.content.sender.kind === "member") !== (message.membershipTag !== undefined)) {
    throw missingTag("membership_tag");
  }
  if (message.membershipTag !== undefined) w.opaque(message.membershipTag);
}

export function readPublicMessage(r: Reader): PublicMessage {
  const content = readFramedContent(r);
  const auth = readAuthData(r, content.content.kind);
  return {
    content,
    auth,
    membershipTag: content.sender.kind === "member" ? r.opaque() : undefined,
  };
}

/** PrivateMessage (RFC 9420 §6.3). */
export function writePrivateMessage(w: Writer, message: PrivateMessage): void {
  w.opaque(message.groupId);
  w.u64(message.epoch);
  writeContentType(w, message.contentType);
  w.opaque(message.authenticatedData);
  w.opaque(message.encryptedSenderData);
  w.opaque(message.ciphertext);
}

export function readPrivateMessage(r: Reader): PrivateMessage {
  return {
    groupId: r.opaque(),
    epoch: r.u64(),
    contentType: readContentType(r),
    authenticatedData: r.opaque(),
    encryptedSenderData: r.opaque(),
    ciphertext: r.opaque(),
  };
}

function missingTag(field: string): MlsError {
  return new MlsError("mls/bad-argument", { field }, { disposition: "fix-caller" });
}
