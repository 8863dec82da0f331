import { equal, invariant, toHex } from "@coterie/base";
import type { KeyPair } from "@coterie/crypto";
import { expect } from "vitest";
import { membershipTag, signContent } from "../src/content-auth.ts";
import { decodeMlsMessage, encodeMlsMessage, keyPackageRef, snapshot } from "../src/index.ts";
import type {
  AuthenticatedContent,
  Commit,
  FramedContent,
  Group,
  GroupInfo,
  OwnKeyPackage,
  PreSharedKey,
  PublicMessage,
} from "../src/index.ts";
import { decodeWith, encodeWith } from "../src/codec.ts";
import { signWithLabel } from "../src/crypto-labels.ts";
import { decryptWithLabel, encryptWithLabel } from "../src/encrypt-labels.ts";
import { knownSuite } from "../src/join.ts";
import { deriveMemberSecret, deriveWelcomeKey } from "../src/key-schedule.ts";
import type { WelcomeKey } from "../src/key-schedule.ts";
import { derivePskSecret } from "../src/psk.ts";
import type { GroupSecrets } from "../src/types.ts";
import {
  groupContextBytes,
  readGroupInfo,
  readGroupSecrets,
  writeGroupInfo,
  writeGroupInfoTbs,
  writeGroupSecrets,
} from "../src/welcome-types.ts";
import { crypto, receive } from "./people.ts";
import type { Person } from "./people.ts";

/** A public message of one member, changed, signed again and tagged again: what a member with bad intentions can send. */
export function resign(
  who: Pick<Person, "signer">,
  group: Group,
  message: Uint8Array,
  alter: (content: FramedContent) => FramedContent,
  tag?: Uint8Array,
): Uint8Array {
  const { content, auth } = publicMessage(message);
  const altered = alter(content);
  const { suite, state } = group;
  const contextBytes = groupContextBytes(state.context);
  const signature = signContent(crypto, suite, {
    wireFormat: "public",
    content: altered,
    contextBytes,
    privateKey: who.signer.privateKey,
  });
  const confirmationTag = auth.confirmationTag && (tag ?? auth.confirmationTag);
  return retag(group, { content: altered, auth: { signature, confirmationTag } });
}

/** A public message under the membership key, whatever is in it. */
export function retag(group: Group, message: Omit<PublicMessage, "membershipTag">): Uint8Array {
  const { suite, state } = group;
  const contextBytes = groupContextBytes(state.context);
  const authenticated: AuthenticatedContent = { wireFormat: "public", ...message };
  const { membershipKey } = state.secrets;
  const isMember = message.content.sender.kind === "member";
  const tag = membershipTag(crypto, suite, authenticated, contextBytes, membershipKey);
  return encodeMlsMessage({
    kind: "public",
    message: { ...message, membershipTag: isMember ? tag : undefined },
  });
}

export function publicMessage(message: Uint8Array): PublicMessage {
  const decoded = decodeMlsMessage(message);
  invariant(decoded.kind === "public", "a PublicMessage");
  return decoded.message;
}

/** For {@link resign}: changes the commit in a message. */
export function inCommit(
  alter: (commit: Commit) => Commit,
): (content: FramedContent) => FramedContent {
  return (framed) => {
    const { content } = framed;
    invariant(content.kind === "commit", "a commit");
    return { ...framed, content: { kind: "commit", commit: alter(content.commit) } };
  };
}

export function bytesOf(group: Group): Record<string, string> {
  return Object.fromEntries(
    [...snapshot(group)].map(([key, bytes]) => [key, toHex(bytes)] as const).toSorted(),
  );
}

/** Refused with this code, and the group is to the byte what it was. */
export function expectRefused(who: Person, message: Uint8Array, code: string, why?: string): void {
  const before = bytesOf(who.group);
  const result = receive(who, message);
  expect(result.kind === "refused" ? result.reason.code : result.kind).toBe(code);
  if (why !== undefined && result.kind === "refused") {
    expect(result.reason.details).toMatchObject({ why });
  }
  expect(bytesOf(who.group)).toEqual(before);
}

/** What a Welcome seals, in the clear. */
export interface OpenWelcome {
  readonly secrets: GroupSecrets;
  readonly info: GroupInfo;
}

/** Opens a Welcome as its joiner, changes it, signs and seals it again: what a committer with bad intentions can send. */
export function rewelcome(
  welcome: Uint8Array,
  joiner: OwnKeyPackage,
  signer: KeyPair,
  alter: (open: OpenWelcome) => OpenWelcome,
  psks: readonly PreSharedKey[] = [],
): Uint8Array {
  const decoded = decodeMlsMessage(welcome);
  invariant(decoded.kind === "welcome", "a Welcome");
  const { cipherSuite, encryptedGroupInfo } = decoded.welcome;
  const suite = knownSuite(cipherSuite);
  const newMember = keyPackageRef(crypto, joiner.keyPackage);
  const entry = decoded.welcome.secrets.find((one) => equal(one.newMember, newMember));
  invariant(entry, "for this key package");
  const { initKey } = joiner.secrets;
  const sealed = entry.encryptedGroupSecrets;
  const opened = decryptWithLabel(crypto, suite, initKey, "Welcome", encryptedGroupInfo, sealed);
  const secrets = decodeWith(readGroupSecrets, opened);
  const keyWith = (withPsks: readonly PreSharedKey[]): WelcomeKey => {
    const psk = derivePskSecret(crypto, suite, withPsks);
    return deriveWelcomeKey(
      crypto,
      suite,
      deriveMemberSecret(crypto, suite, secrets.joinerSecret, psk),
    );
  };
  const { key, nonce } = keyWith([]);
  const aad = new Uint8Array(0);
  const info = decodeWith(
    readGroupInfo,
    crypto.aeadOpen(suite.aead, key, nonce, aad, encryptedGroupInfo),
  );
  const altered = alter({ secrets, info });
  const tbs = encodeWith(writeGroupInfoTbs, altered.info);
  const signature = signWithLabel(crypto, suite, signer.privateKey, "GroupInfoTBS", tbs);
  const plaintext = encodeWith(writeGroupInfo, { ...altered.info, signature });
  const next = keyWith(psks);
  const resealed = crypto.aeadSeal(suite.aead, next.key, next.nonce, aad, plaintext);
  const secretBytes = encodeWith(writeGroupSecrets, altered.secrets);
  const encryptedGroupSecrets = encryptWithLabel(
    crypto,
    suite,
    initKey.publicKey,
    "Welcome",
    resealed,
    secretBytes,
  );
  return encodeMlsMessage({
    kind: "welcome",
    welcome: {
      cipherSuite,
      secrets: [{ newMember, encryptedGroupSecrets }],
      encryptedGroupInfo: resealed,
    },
  });
}
