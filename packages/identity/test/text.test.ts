import type { InboxId } from "@coterie/base";
import { nobleProvider as crypto } from "@coterie/crypto/noble";
import { GetInboxIdsRequestRequest, MlsCredential } from "@coterie/wire";
import { expect, test } from "vitest";
import {
  encodeCredential,
  ethereumIdentifier,
  identifierFromWire,
  identifierKindOf,
  identifierText,
  inboxIdOf,
  type MemberId,
  memberFromWire,
  memberToWire,
  parseAddress,
  parseCredential,
  parseIdentifier,
  passkeyIdentifier,
  sameMember,
  signatureText,
  toPublicIdentifier,
  type UnsignedAction,
} from "../src/index.ts";
import { device, passkey, refusal, wallet } from "./world.ts";

const ada = wallet(crypto, 1);
const phone = device(crypto, 11);
const key = passkey(crypto, 21);

test("XID-01: the identifier's text and the decimal nonce make the inbox id", () => {
  const address = "0x1234567890abcdef1234567890abcdef12345678";
  expect(inboxIdOf(crypto, ethereumIdentifier(address), 0n)).toBe(
    "fcd18d86276d7a99fe522dba9660c420f03c8648785ada7c5daae232a3df77a9",
  );
  const ids = [0n, 1n, 2n ** 64n - 1n].map((nonce) => inboxIdOf(crypto, key.id, nonce));
  expect(new Set(ids).size).toBe(3);
  expect(inboxIdOf(crypto, key.id)).toBe(ids[1]);
});

test("XID-02: an address has 42 characters, 0x and hex digits, and is lower case from then on", () => {
  const mixed = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A";
  expect(parseAddress(mixed)).toBe(mixed.toLowerCase());
  expect(inboxIdOf(crypto, ethereumIdentifier(mixed))).toBe(
    "45915bad9a857a62ceed43a7573d3eef87966c96961128c520dc1c5d6fa5d38b",
  );
  for (const bad of [
    "",
    "0x",
    mixed.slice(2),
    mixed.slice(1),
    `${mixed}0`,
    `${mixed.slice(0, 41)}g`,
    `0X${mixed.slice(2)}`,
    ` ${mixed.slice(1)}`,
    `${mixed}\n`,
  ]) {
    expect(refusal(() => parseAddress(bad))).toBe("identity/bad-identifier XID-02");
  }
});

test("XID-03, XID-04: every phrase and label, in the order of the actions", () => {
  const hexKey = identifierText(key.id);
  const actions: UnsignedAction[] = [
    { kind: "create-inbox", identifier: ada.id, nonce: 1n },
    { kind: "add", member: phone.id },
    { kind: "add", member: ada.id },
    { kind: "add", member: key.id },
    { kind: "revoke", member: phone.id },
    { kind: "revoke", member: ada.id },
    { kind: "revoke", member: key.id },
    { kind: "change-recovery", identifier: ada.id },
    { kind: "change-recovery", identifier: key.id },
  ];
  const address = identifierText(ada.id);
  const id = identifierText(phone.id);
  expect(signatureText({ inboxId: "ab", clientTimestampNs: 999_999_999n, actions })).toBe(
    `XMTP : Authenticate to inbox\n\nInbox ID: ab\nCurrent time: 1970-01-01T00:00:00Z\n\n` +
      `- Create inbox\n  (Owner: ${address})\n` +
      `- Grant messaging access to app\n  (ID: ${id})\n` +
      `- Link address to inbox\n  (Address: ${address})\n` +
      `- Link passkey to inbox\n  (Passkey: ${hexKey})\n` +
      `- Revoke messaging access from app\n  (ID: ${id})\n` +
      `- Unlink address from inbox\n  (Address: ${address})\n` +
      `- Unlink passkey from inbox\n  (Passkey: ${hexKey})\n` +
      `- Change inbox recovery address\n  (Address: ${address})\n` +
      `- Change inbox recovery address\n  (Address: ${hexKey})\n\n` +
      `For more info: https://xmtp.org/signatures`,
  );
});

test.each([
  [1_700_000_000_999_999_999n, "2023-11-14T22:13:20Z"],
  [0n, "1970-01-01T00:00:00Z"],
  [2n ** 63n - 1n, "2262-04-11T23:47:16Z"],
  [2n ** 63n, "1677-09-21T00:12:43Z"],
  [2n ** 64n - 1n, "1969-12-31T23:59:59Z"],
])("XID-03: %d ns read as %s, as released clients do", (clientTimestampNs, time) => {
  const text = signatureText({ inboxId: "", clientTimestampNs, actions: [] });
  expect(text).toContain(`Current time: ${time}\n`);
});

test("XID-13: passkeys are compared by key alone and keep their form", () => {
  const bytes = new Uint8Array(33).fill(2);
  expect(sameMember(passkeyIdentifier(bytes), passkeyIdentifier(bytes, "https://a.example"))).toBe(
    true,
  );
  expect(sameMember(key.id, passkey(crypto, 21, { compressed: true }).id)).toBe(false);
  for (const bad of [
    new Uint8Array(32).fill(2),
    new Uint8Array(33).fill(4),
    new Uint8Array(65).fill(2),
    new Uint8Array(),
  ]) {
    expect(refusal(() => passkeyIdentifier(bad))).toBe("identity/bad-identifier XID-13");
  }
});

test("identifiers go to apps and to the wire and come back", () => {
  for (const id of [ada.id, key.id]) {
    expect(parseIdentifier(toPublicIdentifier(id))).toEqual(id);
    const request = GetInboxIdsRequestRequest.create({
      identifier: identifierText(id),
      identifierKind: identifierKindOf(id),
    });
    expect(identifierFromWire(request.identifier, request.identifierKind)).toEqual(id);
  }
  expect(identifierFromWire(identifierText(ada.id), 0)).toEqual(ada.id);
  expect(refusal(() => identifierFromWire("00", 3))).toBe("identity/bad-identifier XID-02");
  expect(refusal(() => identifierFromWire("zz", 2))).toBe("identity/bad-identifier XID-13");
  const members: MemberId[] = [
    ada.id,
    phone.id,
    { ...key.id, relyingParty: "https://a.example" } as MemberId,
  ];
  for (const member of members) expect(memberFromWire(memberToWire(member))).toEqual(member);
  expect(refusal(() => memberFromWire(undefined))).toMatch("identity/bad-update");
  expect(refusal(() => memberFromWire({ kind: "unset" }))).toMatch("identity/bad-update");
});

test("XGC-11: a credential is an inbox id and nothing else", () => {
  const inboxId = "ab".repeat(32) as InboxId;
  const bytes = encodeCredential(inboxId);
  expect(bytes.length).toBe(66);
  expect(parseCredential(bytes)).toBe(inboxId);
  for (const bad of [
    new Uint8Array(),
    bytes.subarray(1),
    MlsCredential.encode({ inboxId: "AB".repeat(32) }),
    MlsCredential.encode({ inboxId: "ab" }),
  ]) {
    expect(refusal(() => parseCredential(bad))).toMatch("identity/bad-credential");
  }
});
