import { toHex, toUtf8 } from "@coterie/base";
import { generateKeyPair, xWingHpkeSuite } from "@coterie/crypto";
import { nobleProvider } from "@coterie/crypto/noble";
import { opensslProvider as crypto } from "@coterie/crypto/openssl";
import { expect, test } from "vitest";
import { checkKeyPackage, cipherSuite, newKeyPackage } from "../src/engine/profile.ts";
import {
  unwrapPointee,
  unwrapPointer,
  unwrapWelcome,
  welcomeChunkSize,
  wrapWelcomes,
} from "../src/engine/welcome-wrap.ts";
import type { Recipient } from "../src/engine/state.ts";

const welcome = toUtf8("an MLS welcome");
const xWing = generateKeyPair(crypto, xWingHpkeSuite);
const curve = generateKeyPair(crypto, cipherSuite);

function recipient(n: number, more: Partial<Recipient> = {}): Recipient {
  return {
    installationId: n.toString(16).padStart(64, "0"),
    wrapperKey: xWing.publicKey,
    wrapperAlgorithm: 2,
    pointerCapable: true,
    ...more,
  };
}

test("XWL-02, XWL-03, XWL-04: a welcome and its metadata open with the X-Wing and with the X25519 key, on any provider", () => {
  const both = [
    recipient(1),
    recipient(2, { wrapperKey: curve.publicKey, wrapperAlgorithm: 1, pointerCapable: false }),
  ];
  const [first, second] = wrapWelcomes(crypto, both, welcome, 77n);
  for (const provider of [crypto, nobleProvider]) {
    for (const [message, keys, enc] of [
      [first, xWing, 1120],
      [second, curve, 32],
    ] as const) {
      if (message?.kind !== "v1") throw new Error("kind");
      const { data, welcomeMetadata, wrapperAlgorithm } = message.value;
      expect(data[0] === 0x20 ? 32 : ((data[0] as number) & 0x3f) * 256 + (data[1] as number)).toBe(
        enc,
      );
      const opened = unwrapWelcome(provider, {
        data,
        metadata: welcomeMetadata,
        algorithm: wrapperAlgorithm,
        keys,
      });
      expect(opened).toEqual({ welcome, messageCursor: 77n });
    }
  }
});

test("XWL-05: without metadata, or with metadata that does not open, the cursor is 0", () => {
  const [message] = wrapWelcomes(crypto, [recipient(1)], welcome, 77n);
  if (message?.kind !== "v1") throw new Error("kind");
  for (const metadata of [new Uint8Array(0), new Uint8Array(20)]) {
    expect(
      unwrapWelcome(crypto, { data: message.value.data, metadata, algorithm: 2, keys: xWing }),
    ).toEqual({ welcome, messageCursor: 0n });
  }
});

test("XWL-08, XWL-09: from the third capable installation on there is one welcome and pointers to it", () => {
  const mixed = [
    recipient(1),
    recipient(2),
    recipient(3),
    recipient(4, { wrapperKey: curve.publicKey, wrapperAlgorithm: 1, pointerCapable: false }),
  ];
  const messages = wrapWelcomes(crypto, mixed, welcome, 5n);
  expect(messages.map(({ kind }) => kind)).toEqual([
    "v1",
    "welcomePointer",
    "welcomePointer",
    "welcomePointer",
    "v1",
  ]);
  const [pointee, ...rest] = messages;
  if (pointee?.kind !== "v1") throw new Error("kind");
  expect(pointee.value.wrapperAlgorithm).toBe(3);
  expect(pointee.value.hpkePublicKey.length).toBe(0);
  for (const message of rest) {
    if (message.kind !== "welcomePointer") continue;
    const pointer = unwrapPointer(crypto, {
      data: message.value.welcomePointer,
      algorithm: 2,
      keys: xWing,
    });
    expect(toHex(pointer.destination)).toBe(toHex(pointee.value.installationKey));
    expect(
      unwrapPointee(crypto, pointer, pointee.value.data, pointee.value.welcomeMetadata),
    ).toEqual({ welcome, messageCursor: 5n });
    const spoiled = pointee.value.data.slice();
    spoiled[0] = (spoiled[0] as number) ^ 1;
    expect(() => unwrapPointee(crypto, pointer, spoiled, new Uint8Array(0))).toThrow(
      expect.objectContaining({ code: "client/bad-welcome" }),
    );
  }
  expect(wrapWelcomes(crypto, mixed.slice(0, 2), welcome, 5n).map(({ kind }) => kind)).toEqual([
    "v1",
    "v1",
  ]);
});

test("XWL-10: chunks hold between 1 and 50 welcomes of 25 MiB together", () => {
  const [small] = wrapWelcomes(crypto, [recipient(1)], welcome, 5n);
  expect(welcomeChunkSize(small, 25 * 1024 * 1024)).toBe(50);
  const [large] = wrapWelcomes(crypto, [recipient(1)], new Uint8Array(10 * 1024 * 1024), 5n);
  expect(welcomeChunkSize(large, 25 * 1024 * 1024)).toBe(2);
  expect(welcomeChunkSize(large, 1)).toBe(1);
});

test("damaged welcomes are a typed error, cut at every byte and changed at random", () => {
  const [message] = wrapWelcomes(crypto, [recipient(1)], welcome, 5n);
  if (message?.kind !== "v1") throw new Error("kind");
  const { data } = message.value;
  const refused = (bytes: Uint8Array): void => {
    for (const open of [
      () =>
        unwrapWelcome(crypto, {
          data: bytes,
          metadata: new Uint8Array(0),
          algorithm: 2,
          keys: xWing,
        }),
      () => unwrapPointer(crypto, { data: bytes, algorithm: 2, keys: xWing }),
    ]) {
      expect(open).toThrow(expect.objectContaining({ code: "client/bad-welcome" }));
    }
  };
  for (let cut = 0; cut < data.length; cut += 7) refused(data.subarray(0, cut));
  for (let at = 0; at < data.length; at += 5) {
    const copy = data.slice();
    copy[at] = (copy[at] as number) ^ (1 + (at % 255));
    refused(copy);
  }
});

const inboxId = "45915bad9a857a62ceed43a7573d3eef87966c96961128c520dc1c5d6fa5d38b";
const nowNs = 1_700_000_000_000_000_000n;

test("XKP-01, XKP-02, XKP-03, XKP-04, XKP-05, XKP-06, XKP-13: a key package of ours has the size of the specification and says how to wrap", () => {
  const signer = crypto.generateSigner("ed25519");
  const made = newKeyPackage(crypto, signer, inboxId, nowNs);
  expect(made.bytes.length).toBe(1659);
  const expected = { installationId: toHex(signer.publicKey), inboxId, nowNs };
  const { recipient: how } = checkKeyPackage(crypto, made.bytes, expected);
  expect(how).toMatchObject({ wrapperAlgorithm: 2, pointerCapable: true });
  expect(toHex(how.wrapperKey)).toBe(toHex(made.wrapper.publicKey));
});

test("XKP-11: a key package of another, of another inbox, too old, cut or spoiled is refused", () => {
  const signer = crypto.generateSigner("ed25519");
  const { bytes } = newKeyPackage(crypto, signer, inboxId, nowNs);
  const expected = { installationId: toHex(signer.publicKey), inboxId, nowNs };
  const day = 86_400n * 1_000_000_000n;
  const refused = (data: Uint8Array, change: Partial<typeof expected>): void =>
    expect(() => checkKeyPackage(crypto, data, { ...expected, ...change })).toThrow(
      expect.objectContaining({ code: "client/bad-key-package" }),
    );
  refused(bytes, { installationId: "00".repeat(32) });
  refused(bytes, { inboxId: "11".repeat(32) });
  refused(bytes, { nowNs: nowNs + 85n * day });
  refused(bytes, { nowNs: nowNs - day });
  refused(new Uint8Array(0), {});
  for (let at = 0; at < bytes.length; at += 11) {
    refused(bytes.subarray(0, at), {});
    const copy = bytes.slice();
    copy[at] = (copy[at] as number) ^ 1;
    refused(copy, {});
  }
});
