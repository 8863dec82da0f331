import { fromUtf8, toUtf8 } from "@coterie/base";
import { expect, test } from "vitest";
import {
  acceptAll,
  encodeMlsMessage,
  join,
  process,
  restoreGroup,
  snapshot,
} from "../src/index.ts";
import { sealPrivateMessage } from "../src/protect.ts";
import { signAsMember } from "../src/send.ts";
import { bytesOf, expectRefused } from "./forge.ts";
import {
  commitAll,
  crypto,
  groupId,
  groupOfPeople,
  hear,
  keyPackageOf,
  person,
  receive,
  say,
} from "./people.ts";
import type { Person } from "./people.ts";
import { counting } from "./world.ts";

const three = (): [Person, Person, Person] =>
  groupOfPeople(["ada", "bob", "cyd"]) as [Person, Person, Person];

test("XGC-05: application messages of the three epochs before open, older ones are ignored", () => {
  const [ada, bob, cyd] = three();
  const sent: Uint8Array[] = [];
  for (let i = 0; i < 5; i++) {
    sent.push(say(ada, `in epoch ${i + 1}`));
    commitAll(bob, [ada, cyd]);
  }
  expect(cyd.group.epoch).toBe(6n);
  for (const [i, message] of sent.entries()) {
    if (i < 2) {
      expect(receive(cyd, message)).toMatchObject({
        kind: "ignored",
        reason: "mls/wrong-epoch",
        epoch: BigInt(i + 1),
      });
    } else {
      const heard = hear(cyd, message);
      expect(fromUtf8(heard.plaintext)).toBe(`in epoch ${i + 1}`);
      expect(heard.epoch).toBe(BigInt(i + 1));
    }
  }
  // Each key is used once, in past epochs too.
  expectRefused(cyd, sent[4] as Uint8Array, "mls/key-consumed");
});

test("XGC-05: handshakes are of the current epoch only", () => {
  const [ada, bob, cyd] = three();
  const { message } = commitAll(ada, [bob]);
  commitAll(bob, [ada]);
  commitAll(ada, [bob]);
  expect(receive(bob, message)).toMatchObject({ kind: "ignored", reason: "mls/wrong-epoch" });
  expect(receive(cyd, message).kind).toBe("committed");
});

test("XGC-12: a late message is verified with the leaf of its own epoch, also after a restart", () => {
  const [ada, bob, cyd] = three();
  const late = say(ada, "as I was");
  const later = say(ada, "as I was, once more");
  const old = ada.credential;
  const credential = { kind: "basic", identity: toUtf8("ada anew") } as const;
  const signer = crypto.generateSigner("ed25519");
  // An epoch in between in which ada's leaf stays as it is.
  commitAll(cyd, [ada, bob]);
  commitAll(ada, [bob, cyd], { newLeaf: { credential, signer } });
  const renewed = { ...ada, signer };
  commitAll(renewed, [bob, cyd]);
  expect(hear(bob, late).sender.leaf.credential).toEqual(old);
  bob.group = restoreGroup({ crypto, entries: snapshot(bob.group) });
  expect(hear(bob, later).sender.leaf.credential).toEqual(old);
  expect(hear(bob, say(renewed, "as I am")).sender.leaf.credential).toEqual(credential);
});

test("a removed member reads what was sent before, and nothing more", () => {
  const [ada, bob, cyd] = three();
  const late = say(bob, "before");
  const { message } = commitAll(ada, [bob], { proposals: [{ kind: "remove", removed: 2 }] });
  const out = receive(cyd, message);
  if (out.kind !== "committed") throw new Error(out.kind);
  cyd.group = restoreGroup({ crypto, entries: snapshot(out.group) });
  expect(fromUtf8(hear(cyd, late).plaintext)).toBe("before");
  expect(() => say(cyd, "still here?")).toThrow(expect.objectContaining({ code: "mls/inactive" }));
  expect(receive(cyd, commitAll(bob, [ada]).message).kind).toBe("ignored");
  expect(cyd.group.state.own.keys.size).toBe(0);
});

test("pastEpochs is an option, and 0 keeps nothing", () => {
  const options = { pastEpochs: 0 };
  const [ada, bob] = groupOfPeople(["ada", "bob"], { options }) as [Person, Person];
  const late = say(bob, "late");
  commitAll(bob, [ada]);
  expect(ada.group.past).toEqual([]);
  expect(receive(ada, late)).toMatchObject({ kind: "ignored", reason: "mls/wrong-epoch" });
  expect([...snapshot(ada.group).keys()].filter((key) => key.startsWith("past"))).toEqual([]);
});

test("a generation of 0xffffffff or an epoch of 2^63 in a header costs a few hashes to refuse", () => {
  const [ada, bob] = three();
  const { group, signer } = ada;
  const content = { kind: "application", data: toUtf8("x") } as const;
  const signed = signAsMember({
    crypto,
    group,
    signer,
    wireFormat: "private",
    content,
    authenticatedData: new Uint8Array(0),
  });
  const forge = (generation: number): Uint8Array =>
    encodeMlsMessage({
      kind: "private",
      message: sealPrivateMessage(crypto, group.suite, {
        message: signed,
        leafIndex: 0,
        key: { generation, key: new Uint8Array(32), nonce: new Uint8Array(12) },
        senderDataSecret: group.state.secrets.senderData,
        padding: 0,
      }),
    });
  for (const generation of [0xffffffff, 0xfffffffe, 0x80000000, 1_001]) {
    expectRefused(bob, forge(generation), "mls/generation-too-far");
  }
  const message = forge(0xffffffff);
  const counted = counting(crypto);
  const asked = { crypto: counted.crypto, group: bob.group, judge: acceptAll };
  expect(process({ ...asked, message }).kind).toBe("refused");
  // Key and nonce of the sender data, and the way down a tree of four; nothing of the ratchet.
  expect(counted.calls.hkdf).toBe(2 + 2 * 2 + 2);
  const farEpoch = encodeMlsMessage({
    kind: "private",
    message: {
      groupId,
      epoch: 2n ** 63n,
      contentType: "commit",
      authenticatedData: new Uint8Array(0),
      encryptedSenderData: new Uint8Array(28),
      ciphertext: new Uint8Array(100),
    },
  });
  const hkdf = counted.calls.hkdf;
  expect(process({ ...asked, message: farEpoch })).toMatchObject({
    kind: "ignored",
    reason: "mls/wrong-epoch",
    epoch: 2n ** 63n,
  });
  expect(counted.calls.hkdf).toBe(hkdf);
});

test("forward limit and late window are options of whoever creates or joins, and outlive a restart", () => {
  const [ada, cyd] = groupOfPeople(["ada", "cyd"]) as [Person, Person];
  const bob = person("bob");
  const kp = keyPackageOf(bob);
  const proposals = [{ kind: "add", keyPackage: kp.keyPackage }] as const;
  const { welcome } = commitAll(ada, [cyd], { proposals });
  const options = { maxForwardRatchet: 3, outOfOrderWindow: 2, pastEpochs: 1 };
  const input = { crypto, welcome: welcome as Uint8Array, keyPackages: [kp], judge: acceptAll };
  const joined = join({ ...input, options });
  if (joined.kind !== "joined") throw new Error(joined.kind);
  bob.group = restoreGroup({ crypto, entries: snapshot(joined.group) });
  expect(bob.group.options).toEqual(options);
  const sent = Array.from({ length: 8 }, (_, i) => say(ada, String(i)));
  expectRefused(bob, sent[4] as Uint8Array, "mls/generation-too-far");
  hear(bob, sent[3] as Uint8Array);
  expectRefused(bob, sent[1] as Uint8Array, "mls/generation-too-old");
  hear(bob, sent[2] as Uint8Array);
  for (const message of sent) expect(receive(cyd, message).kind).toBe("message");
  for (const bad of [-1, 0.5, Number.NaN, Infinity, 2 ** 32]) {
    for (const option of ["maxForwardRatchet", "outOfOrderWindow", "pastEpochs"] as const) {
      expect(join({ ...input, options: { [option]: bad } })).toMatchObject({
        kind: "refused",
        reason: { code: "mls/bad-argument", details: { option } },
      });
    }
  }
});

test("late and reordered messages open within the window, each once", () => {
  const [ada, bob] = three();
  const sent = Array.from({ length: 8 }, (_, i) => say(ada, String(i)));
  const at = (i: number): Uint8Array => sent[i] as Uint8Array;
  hear(bob, at(6));
  for (const i of [3, 5, 2]) expect(hear(bob, at(i)).generation).toBe(i);
  expectRefused(bob, at(5), "mls/key-consumed");
  expectRefused(bob, at(0), "mls/generation-too-old");
  hear(bob, at(7));
  const before = bytesOf(bob.group);
  expectRefused(bob, at(7), "mls/key-consumed");
  expect(bytesOf(bob.group)).toEqual(before);
});
