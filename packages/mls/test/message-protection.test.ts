import { toHex } from "@coterie/base";
import { opensslProvider } from "@coterie/crypto/openssl";
import { expect, test } from "vitest";
import { decodeWith, encodeWith } from "../src/codec.ts";
import {
  checkContentSignature,
  checkMembershipTag,
  membershipTag,
  signContent,
} from "../src/content-auth.ts";
import { readContentBody, writeContentBody } from "../src/framing-types.ts";
import { decodeMlsMessage, encodeMlsMessage } from "../src/message.ts";
import { openPrivateContent, openSenderData, sealPrivateMessage } from "../src/protect.ts";
import { keyAt, nextKey } from "../src/ratchet.ts";
import { createSecretTree, findRatchet } from "../src/secret-tree.ts";
import type {
  AuthenticatedContent,
  ContentType,
  FramedContent,
  PrivateMessage,
} from "../src/types.ts";
import { groupContextBytes } from "../src/welcome-types.ts";
import { casesOf, hex, noVectors, report, privateKey, suiteOf } from "./vectors.ts";

const crypto = opensslProvider;
const limits = { maxForwardRatchet: 1_000, outOfOrderWindow: 5 };
const sender = 1;

interface ProtectionCase {
  readonly cipher_suite: number;
  readonly group_id: string;
  readonly epoch: number;
  readonly tree_hash: string;
  readonly confirmed_transcript_hash: string;
  readonly signature_priv: string;
  readonly signature_pub: string;
  readonly encryption_secret: string;
  readonly sender_data_secret: string;
  readonly membership_key: string;
  readonly proposal: string;
  readonly proposal_priv: string;
  readonly proposal_pub: string;
  readonly commit: string;
  readonly commit_priv: string;
  readonly commit_pub: string;
  readonly application: string;
  readonly application_priv: string;
}

function contextOf(given: ProtectionCase): Uint8Array {
  return groupContextBytes({
    version: 1,
    cipherSuite: given.cipher_suite,
    groupId: hex(given.group_id),
    epoch: BigInt(given.epoch),
    treeHash: hex(given.tree_hash),
    confirmedTranscriptHash: hex(given.confirmed_transcript_hash),
    extensions: [],
  });
}

function openPrivate(given: ProtectionCase, message: PrivateMessage): AuthenticatedContent {
  const suite = suiteOf(given.cipher_suite);
  const data = openSenderData(crypto, suite, hex(given.sender_data_secret), message);
  expect(data.leafIndex).toBe(sender);
  const tree = createSecretTree(hex(given.encryption_secret), 2);
  const kind = message.contentType === "application" ? "application" : "handshake";
  const { ratchet } = findRatchet(crypto, suite, tree, data.leafIndex, kind);
  const { key } = keyAt(crypto, suite, ratchet, data.generation, limits);
  const opened = openPrivateContent(crypto, suite, message, data, key);
  checkContentSignature(crypto, suite, opened, contextOf(given), hex(given.signature_pub));
  return opened;
}

function openPublic(given: ProtectionCase, bytes: string): AuthenticatedContent {
  const suite = suiteOf(given.cipher_suite);
  const decoded = decodeMlsMessage(hex(bytes));
  if (decoded.kind !== "public") throw new Error("not a PublicMessage");
  const { content, auth, membershipTag: tag } = decoded.message;
  const message: AuthenticatedContent = { wireFormat: "public", content, auth };
  const context = contextOf(given);
  checkMembershipTag(crypto, suite, message, tag, context, hex(given.membership_key));
  checkContentSignature(crypto, suite, message, context, hex(given.signature_pub));
  return message;
}

function body(message: AuthenticatedContent): string {
  return toHex(encodeWith(writeContentBody, message.content.content));
}

function ours(
  given: ProtectionCase,
  kind: ContentType,
  raw: string,
  wireFormat: "public" | "private",
): AuthenticatedContent {
  const suite = suiteOf(given.cipher_suite);
  const content: FramedContent = {
    groupId: hex(given.group_id),
    epoch: BigInt(given.epoch),
    sender: { kind: "member", leafIndex: sender },
    authenticatedData: Uint8Array.of(1, 2, 3),
    content:
      kind === "application"
        ? { kind, data: hex(raw) }
        : decodeWith((r) => readContentBody(r, kind), hex(raw)),
  };
  const signature = signContent(crypto, suite, {
    wireFormat,
    content,
    contextBytes: contextOf(given),
    privateKey: privateKey(suite.signature, given.signature_priv),
  });
  const confirmationTag = kind === "commit" ? new Uint8Array(suite.hashLength) : undefined;
  return { wireFormat, content, auth: { signature, confirmationTag } };
}

function sealed(given: ProtectionCase, message: AuthenticatedContent): PrivateMessage {
  const suite = suiteOf(given.cipher_suite);
  const tree = createSecretTree(hex(given.encryption_secret), 2);
  const kind = message.content.content.kind === "application" ? "application" : "handshake";
  const { ratchet } = findRatchet(crypto, suite, tree, sender, kind);
  const { key } = nextKey(crypto, suite, ratchet);
  const senderDataSecret = hex(given.sender_data_secret);
  const what = { message, leafIndex: sender, key, senderDataSecret, padding: 17 };
  const out = sealPrivateMessage(crypto, suite, what);
  const decoded = decodeMlsMessage(encodeMlsMessage({ kind: "private", message: out }));
  if (decoded.kind !== "private") throw new Error("not a PrivateMessage");
  return decoded.message;
}

test.skipIf(noVectors)(
  "RFC 9420 §6: PublicMessage and PrivateMessage open to their content, ours round-trip",
  { timeout: 300_000 },
  () => {
    const cases = casesOf<ProtectionCase>("message-protection");
    for (const given of cases) {
      const suite = suiteOf(given.cipher_suite);
      for (const kind of ["proposal", "commit", "application"] as const) {
        const raw = given[kind];
        const expected =
          kind === "application" ? toHex(encodeWith((w, v) => w.opaque(v), hex(raw))) : raw;
        const decoded = decodeMlsMessage(hex(given[`${kind}_priv`]));
        if (decoded.kind !== "private") throw new Error("not a PrivateMessage");
        expect(body(openPrivate(given, decoded.message))).toBe(expected);
        const mine = openPrivate(given, sealed(given, ours(given, kind, raw, "private")));
        expect(body(mine)).toBe(expected);
        if (kind === "application") continue;
        expect(body(openPublic(given, given[`${kind}_pub`]))).toBe(expected);
        const message = ours(given, kind, raw, "public");
        const tag = membershipTag(
          crypto,
          suite,
          message,
          contextOf(given),
          hex(given.membership_key),
        );
        const bytes = encodeMlsMessage({
          kind: "public",
          message: { content: message.content, auth: message.auth, membershipTag: tag },
        });
        expect(body(openPublic(given, toHex(bytes)))).toBe(expected);
      }
    }
    report("message-protection", cases.length);
  },
);
