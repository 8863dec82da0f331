import { labels } from "@coterie/crypto";
import type { CipherSuite, CryptoProvider } from "@coterie/crypto";
import { encodeWith } from "./codec.ts";
import { signWithLabel, verifyWithLabel } from "./crypto-labels.ts";
import { MlsError } from "./errors.ts";
import { writeAuthData, writeFramedContentTbs } from "./framing-types.ts";
import { tagFits } from "./transcript.ts";
import type { AuthenticatedContent, FramedContent } from "./types.ts";

const label = labels.mlsSign.framedContent;

function tbs(
  wireFormat: "public" | "private",
  content: FramedContent,
  contextBytes: Uint8Array,
): Uint8Array {
  return encodeWith(
    (w, framed) => writeFramedContentTbs(w, wireFormat, framed, contextBytes),
    content,
  );
}

/** The signature of a message (RFC 9420 §6.1). `contextBytes` is the encoded GroupContext of the message's epoch. */
export function signContent(
  crypto: CryptoProvider,
  suite: CipherSuite,
  what: {
    readonly wireFormat: "public" | "private";
    readonly content: FramedContent;
    readonly contextBytes: Uint8Array;
    readonly privateKey: Uint8Array;
  },
): Uint8Array {
  const bytes = tbs(what.wireFormat, what.content, what.contextBytes);
  return signWithLabel(crypto, suite, what.privateKey, label, bytes);
}

/** Throws `mls/bad-signature` unless the message is signed by this key in this epoch. */
export function checkContentSignature(
  crypto: CryptoProvider,
  suite: CipherSuite,
  message: AuthenticatedContent,
  contextBytes: Uint8Array,
  signatureKey: Uint8Array,
): void {
  const bytes = tbs(message.wireFormat, message.content, contextBytes);
  const { signature } = message.auth;
  if (!verifyWithLabel(crypto, suite, signatureKey, label, bytes, signature)) {
    throw new MlsError("mls/bad-signature", { what: "message" });
  }
}

/** The tag that proves membership on a PublicMessage (RFC 9420 §6.2). */
export function membershipTag(
  crypto: CryptoProvider,
  suite: CipherSuite,
  message: AuthenticatedContent,
  contextBytes: Uint8Array,
  membershipKey: Uint8Array,
): Uint8Array {
  const tbm = encodeWith((w, { wireFormat, content, auth }) => {
    writeFramedContentTbs(w, wireFormat, content, contextBytes);
    writeAuthData(w, content.content.kind, auth);
  }, message);
  return crypto.hmac(suite.hash, membershipKey, tbm);
}

/** Throws `mls/bad-membership-tag` unless the tag fits. */
export function checkMembershipTag(
  crypto: CryptoProvider,
  suite: CipherSuite,
  message: AuthenticatedContent,
  tag: Uint8Array | undefined,
  contextBytes: Uint8Array,
  membershipKey: Uint8Array,
): void {
  const expected = membershipTag(crypto, suite, message, contextBytes, membershipKey);
  if (!tagFits(expected, tag)) throw new MlsError("mls/bad-membership-tag");
}
