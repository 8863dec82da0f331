import { fromHex, toHex, toUtf8 } from "@coterie/base";
import { opensslProvider as crypto } from "@coterie/crypto/openssl";
import { expect, test } from "vitest";
import {
  contentTypeOf,
  encodeEnvelope,
  openEnvelope,
  pushesByDefault,
} from "../src/engine/content.ts";
import { encodeText } from "../src/content/encode.ts";
import { encodeContent } from "../src/content/encoded-content.ts";
import { dmIdOf } from "../src/engine/dm-id.ts";
import { hmacEpoch, hmacKey, senderHmac } from "../src/engine/hmac.ts";
import { messageId } from "../src/engine/message-id.ts";
import { groupUpdatedOf, transcriptRow } from "../src/engine/transcript.ts";
import { isNewer, isVersion } from "../src/engine/version.ts";

const groupId = fromHex("000102030405060708090a0b0c0d0e0f");

test("XPU-03, XPU-09: the push key and its HMAC are those of the vector", () => {
  const root = new Uint8Array(42).fill(0x33);
  const key = hmacKey(crypto, root, groupId, 656n);
  expect(toHex(key)).toBe(
    "19b76cc6211ab757120bdc695635d2ef03e077323bdad2899c17b9300c603f40eda112c69ea76931f63a",
  );
  const now = 656n * 2_592_000n * 1_000_000_000n;
  expect(hmacEpoch(now)).toBe(656n);
  expect(hmacEpoch(now - 1n)).toBe(655n);
  expect(toHex(senderHmac(crypto, root, groupId, now, toUtf8("abc")))).toBe(
    "24fd8db93554ac33332338d32ea359f5ccadade7710679e173ec0d5948ca6f78",
  );
});

test("XPU-10, XMS-03: the text's bytes and the message id are those of the vector", () => {
  const content = encodeContent(encodeText("hello"));
  expect(toHex(content)).toBe(
    "0a120a08786d74702e6f7267120474657874180112110a08656e636f64696e6712055554462d38220568656c6c6f",
  );
  expect(messageId(crypto, groupId, "1700000000123456789", content)).toBe(
    "43ffcff475f8e32725a686370a49632cd09776d9180a8ac2892c996b889bfa48",
  );
});

test("XMS-01, XMS-04: envelopes of version 1 open, others are ignored, noise is invalid", () => {
  expect(openEnvelope(encodeEnvelope(toUtf8("x"), "k"))).toEqual({
    kind: "v1",
    content: toUtf8("x"),
    idempotencyKey: "k",
  });
  expect(openEnvelope(fromHex("12020a00"))).toEqual({ kind: "ignored" });
  expect(openEnvelope(new Uint8Array(0))).toEqual({ kind: "invalid" });
  expect(openEnvelope(new Uint8Array([255, 1]))).toEqual({ kind: "invalid" });
  expect(contentTypeOf(new Uint8Array([255]))).toBeUndefined();
});

test("XMS-07: reactions, receipts, leave requests and deletions wake nobody", () => {
  const type = (typeId: string) => ({
    authorityId: "xmtp.org",
    typeId,
    versionMajor: 1,
    versionMinor: 0,
  });
  for (const silent of ["reaction", "readReceipt", "leave_request", "deleteMessage"]) {
    expect(pushesByDefault(type(silent))).toBe(false);
  }
  for (const loud of ["text", "reply", "attachment"])
    expect(pushesByDefault(type(loud))).toBe(true);
});

test("XCV-21, XCV-22: a transcript names who left apart from who was removed; its id follows from its bytes", () => {
  const update = groupUpdatedOf(
    "a",
    {
      addedInboxes: ["b"],
      removedInboxes: ["c", "d"],
      fields: [{ field: "group_name", before: undefined, after: "x" }],
      adminsAdded: [],
      adminsRemoved: [],
      superAdminsAdded: [],
      superAdminsRemoved: [],
      superAdminsAfter: 1,
      permissionsChanged: false,
    },
    ["d"],
  );
  expect(update.removedInboxes).toEqual([{ inboxId: "c" }]);
  expect(update.leftInboxes).toEqual([{ inboxId: "d" }]);
  expect(update.metadataFieldChanges).toEqual([
    { fieldName: "group_name", oldValue: undefined, newValue: "x" },
  ]);
  const row = (key: string) =>
    transcriptRow({
      crypto,
      groupId,
      senderInboxId: "a",
      senderInstallation: new Uint8Array(32),
      update,
      key,
      sentAtNs: 5n,
      sequenceId: 9n,
      nowNs: 6n,
    });
  expect(row("1").id).toBe(row("1").id);
  expect(row("1").id).not.toBe(row("2").id);
  expect(row("1").kind).toBe(1);
});

test("XDM-02: a dm id is the same from both sides", () => {
  expect(dmIdOf("BB", "aa")).toBe("dm:aa:bb");
  expect(dmIdOf("aa", "bb")).toBe("dm:aa:bb");
});

test("XIN-30: versions compare by numbers, then by suffix; what is no version asks for nothing", () => {
  expect(isNewer("1.10.0")).toBe(false);
  expect(isNewer("1.9.9")).toBe(false);
  expect(isNewer("1.10.1")).toBe(true);
  expect(isNewer("1.11.0")).toBe(true);
  expect(isNewer("2.0.0")).toBe(true);
  expect(isNewer("1.10.0-dev")).toBe(true);
  expect(isNewer("1.10.0", "1.10.0-dev")).toBe(false);
  expect(isNewer(undefined)).toBe(false);
  expect(isNewer("soon")).toBe(false);
  expect(isNewer("4294967296.0.0")).toBe(true);
});

test("XCV-17: a version is a semantic one to the letter", () => {
  const good = ["0.0.0", "1.10.0", "1.11.0-dev", "1.0.0-a.1.b-c", "1.0.0+build.7", "1.0.0-a+b"];
  const bad = [
    "",
    "1.11",
    "v1.0.0",
    "1.0.0-",
    "1.0.0.0",
    "01.2.3",
    " 1.0.0",
    "1.0.0-01",
    "1.0.0-a..b",
  ];
  expect(good.filter((text) => !isVersion(text))).toEqual([]);
  expect([...bad, "1.0.0-a_b", "1.0.18446744073709551616"].filter(isVersion)).toEqual([]);
});
