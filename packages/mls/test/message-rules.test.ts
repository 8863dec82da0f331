import { concat, toHex, toUtf8 } from "@coterie/base";
import { expect, test } from "vitest";
import { decodeMlsMessage, encodeMlsMessage, propose, seal } from "../src/index.ts";
import type { AuthenticatedContent, Content, PrivateMessage } from "../src/index.ts";
import { sealPrivateMessage } from "../src/protect.ts";
import { nextKey } from "../src/ratchet.ts";
import { findRatchet } from "../src/secret-tree.ts";
import { signAsMember } from "../src/send.ts";
import { expectRefused, retag } from "./forge.ts";
import { commitAll, committed, crypto, groupOfPeople, hear, receive, say } from "./people.ts";
import type { Person } from "./people.ts";

const three = (): [Person, Person, Person] =>
  groupOfPeople(["ada", "bob", "cyd"]) as [Person, Person, Person];
const application: Content = { kind: "application", data: toUtf8("hello") };
const none = new Uint8Array(0);

function signed(who: Person, wireFormat: "public" | "private"): AuthenticatedContent {
  const { group, signer } = who;
  const content = application;
  return signAsMember({ crypto, group, signer, wireFormat, content, authenticatedData: none });
}

function sealedAs(who: Person, leafIndex: number, message: AuthenticatedContent): PrivateMessage {
  const { suite, messageKeys, state } = who.group;
  const { ratchet } = findRatchet(crypto, suite, messageKeys, who.group.ownLeaf, "application");
  const { key } = nextKey(crypto, suite, ratchet);
  const senderDataSecret = state.secrets.senderData;
  return sealPrivateMessage(crypto, suite, {
    message,
    leafIndex,
    key,
    senderDataSecret,
    padding: 3,
  });
}

const wire = (message: PrivateMessage): Uint8Array =>
  encodeMlsMessage({ kind: "private", message });

test("RFC 9420 §6: application data in a PublicMessage is refused, in this epoch and in past ones", () => {
  const [ada, bob, cyd] = three();
  const { content, auth } = signed(ada, "public");
  const message = retag(ada.group, { content, auth });
  expectRefused(bob, message, "mls/application-in-public");
  commitAll(cyd, [ada, bob]);
  expectRefused(bob, message, "mls/application-in-public");
});

test("RFC 9420 §6.3.2: a sender at a blank leaf, or outside of the tree, is refused", () => {
  const [ada, bob] = three();
  for (const leafIndex of [3, 4, 0xffffffff]) {
    expectRefused(
      bob,
      wire(sealedAs(ada, leafIndex, signed(ada, "private"))),
      "mls/unknown-sender",
    );
  }
});

test("RFC 9420 §6.3.2: nobody speaks in the name of another member", () => {
  const [ada, bob] = three();
  // Under the other's keys, which every member can derive, but with a signature of its own.
  const { suite, messageKeys, state } = ada.group;
  const { ratchet } = findRatchet(crypto, suite, messageKeys, 2, "application");
  const { key } = nextKey(crypto, suite, ratchet);
  const message = signed(ada, "private");
  const asCyd: AuthenticatedContent = {
    ...message,
    content: { ...message.content, sender: { kind: "member", leafIndex: 2 } },
  };
  const senderDataSecret = state.secrets.senderData;
  const what = { message: asCyd, leafIndex: 2, key, senderDataSecret, padding: 0 };
  expectRefused(bob, wire(sealPrivateMessage(crypto, suite, what)), "mls/bad-signature");
});

test("RFC 9420 §6.3.1: padding is of any length and all zero", () => {
  const [ada, bob] = three();
  const { group, signer } = ada;
  for (const padding of [0, 1, 300]) {
    const sent = seal({ crypto, group, signer, plaintext: toUtf8("hello"), padding });
    expect(receive(bob, sent.message).kind).toBe("message");
  }
  // A tail that is not zero: the signature's bytes with one more behind them.
  const message = signed(ada, "private");
  const { suite, messageKeys, state } = group;
  const { ratchet } = findRatchet(crypto, suite, messageKeys, 0, "application");
  const { key } = nextKey(crypto, suite, ratchet);
  const tailed = {
    ...crypto,
    aeadSeal: (...[name, k, nonce, aad, plaintext]: Parameters<typeof crypto.aeadSeal>) =>
      crypto.aeadSeal(
        name,
        k,
        nonce,
        aad,
        plaintext.length > 50 ? concat(plaintext, Uint8Array.of(0, 1)) : plaintext,
      ),
  };
  const senderDataSecret = state.secrets.senderData;
  const what = { message, leafIndex: 0, key, senderDataSecret, padding: 4 };
  expectRefused(bob, wire(sealPrivateMessage(tailed, suite, what)), "mls/bad-padding");
});

test("RFC 9420 §6.3.1: the reuse guard differs even where a state is used twice", () => {
  const [ada] = three();
  const { group, signer } = ada;
  const plaintext = toUtf8("hello");
  const ciphertexts = [1, 2, 3].map(() => {
    const decoded = decodeMlsMessage(seal({ crypto, group, signer, plaintext }).message);
    return decoded.kind === "private" ? toHex(decoded.message.ciphertext) : "";
  });
  expect(new Set(ciphertexts).size).toBe(3);
});

test("MLS-04: authenticated data comes with the message and is bound to it", () => {
  const [ada, bob] = three();
  const { group, signer } = ada;
  const authenticatedData = toUtf8("seen by the server");
  const sent = seal({ crypto, group, signer, plaintext: toUtf8("hello"), authenticatedData });
  expect(receive(bob, sent.message)).toMatchObject({ kind: "message", authenticatedData });
  const decoded = decodeMlsMessage(sent.message);
  if (decoded.kind !== "private") throw new Error("a PrivateMessage");
  const changed = { ...decoded.message, authenticatedData: toUtf8("seen by the SERVER") };
  expectRefused(bob, wire(changed), "mls/open-failed");
});

test("a group that was removed from or closed takes no handshake any more", () => {
  const [ada, bob, cyd] = three();
  const rival = commitAll({ ...ada }, []).message;
  const out = receive(
    cyd,
    commitAll(bob, [], { proposals: [{ kind: "remove", removed: 2 }] }).message,
  );
  if (out.kind !== "committed") throw new Error(out.kind);
  cyd.group = out.group;
  expect(receive(cyd, rival)).toMatchObject({ kind: "ignored", reason: "mls/inactive" });
  expect(hear(cyd, say(ada, "late")).epoch).toBe(1n);
  const reinit = {
    kind: "reinit",
    groupId: toUtf8("n"),
    version: 1,
    cipherSuite: 3,
    extensions: [],
  } as const;
  const [dan, eve] = three();
  committed(eve, commitAll(dan, [], { proposals: [reinit] }).message);
  const again = commitAll({ ...dan, group: { ...dan.group, status: { kind: "active" } } }, []);
  expect(receive(eve, again.message)).toMatchObject({ kind: "ignored", reason: "mls/inactive" });
});

test("what we propose is checked before it goes out", () => {
  const [ada] = three();
  const { group, signer } = ada;
  expect(() =>
    propose({ crypto, group, signer, proposal: { kind: "remove", removed: 7 } }),
  ).toThrow(expect.objectContaining({ code: "mls/no-such-member" }));
});

test("messages of another group, and messages that are no group messages", () => {
  const [ada, bob] = three();
  const decoded = decodeMlsMessage(say(ada, "hello"));
  if (decoded.kind !== "private") throw new Error("a PrivateMessage");
  const elsewhere = wire({ ...decoded.message, groupId: toUtf8("another group") });
  expect(receive(bob, elsewhere)).toMatchObject({ kind: "ignored", reason: "mls/wrong-group" });
  const made = commitAll(ada, []);
  expect(made.welcome).toBeUndefined();
  expectRefused(bob, Uint8Array.of(0, 1, 0, 5, 0, 1), "mls/wrong-wire-format");
  expectRefused(bob, Uint8Array.of(0, 2, 0, 2), "mls/bad-value");
  expectRefused(bob, none, "mls/truncated");
});
