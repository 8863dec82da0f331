import { toHex, toUtf8 } from "@coterie/base";
import { expect, test } from "vitest";
import { commit, limits, memberAt, propose, resumptionPsk } from "../src/index.ts";
import type { Proposal, ProposalOrRef, ProposalRef } from "../src/index.ts";
import { encodeWith } from "../src/codec.ts";
import { signWithLabel } from "../src/crypto-labels.ts";
import { writeKeyPackageTbs } from "../src/key-package.ts";
import { selectProposals } from "../src/select-proposals.ts";
import { expectRefused, inCommit, publicMessage, resign } from "./forge.ts";
import {
  capabilities,
  commitAll,
  creator,
  crypto,
  groupOfPeople,
  keyPackageOf,
  now,
  person,
  receive,
} from "./people.ts";
import type { Person } from "./people.ts";

type Four = [Person, Person, Person, Person];
const four = (): Four => groupOfPeople(["ada", "bob", "cyd", "dan"]) as Four;

/** A commit with a path that is as good as any, and these proposals in it. */
function forged(who: Person, items: readonly (Proposal | ProposalRef)[]): Uint8Array {
  const { group, signer } = who;
  const { message } = commit({ crypto, group, signer, wireFormat: "public" });
  const proposals = items.map((item): ProposalOrRef =>
    item instanceof Uint8Array
      ? { kind: "reference", reference: item }
      : { kind: "proposal", proposal: item },
  );
  return resign(
    who,
    group,
    message,
    inCommit((value) => ({ ...value, proposals })),
  );
}

function refusedByBoth(
  ada: Person,
  bob: Person,
  items: readonly (Proposal | ProposalRef)[],
  code: string,
  why?: string,
): void {
  const { group, signer } = ada;
  const references = items.filter((item): item is ProposalRef => item instanceof Uint8Array);
  const proposals = items.filter((item): item is Proposal => !(item instanceof Uint8Array));
  expect(() => commit({ crypto, group, signer, references, proposals, nowSeconds: now })).toThrow(
    expect.objectContaining({ code }),
  );
  expectRefused(bob, forged(ada, items), code, why);
}

function spread(
  from: Person,
  others: readonly Person[],
  proposal: Parameters<typeof propose>[0]["proposal"],
): ProposalRef {
  const { group, signer } = from;
  const sent = propose({ crypto, group, signer, proposal });
  from.group = sent.group;
  for (const other of others) {
    const result = receive(other, sent.message);
    if (result.kind !== "proposal") throw new Error(result.kind);
    expect(toHex(result.ref)).toBe(toHex(sent.ref));
    other.group = result.group;
  }
  return sent.ref;
}

const bad = "mls/bad-proposal";
const remove = (removed: number): Proposal => ({ kind: "remove", removed });
const gce = (text: string): Proposal => ({
  kind: "group-context-extensions",
  extensions: [{ type: 0xff00, data: toUtf8(text) }],
});

test("RFC 9420 §12.2: nobody removes itself", () => {
  const [ada, bob] = four();
  refusedByBoth(ada, bob, [remove(0)], bad, "own-removal");
});

test("RFC 9420 §12.2: nobody commits an Update of its own, by value or by reference", () => {
  const [ada, bob, cyd, dan] = four();
  const ref = spread(ada, [bob, cyd, dan], { kind: "update" });
  refusedByBoth(ada, bob, [ref], bad, "own-update");
  const stored = [...ada.group.proposals.values()][0]?.proposal as Proposal;
  refusedByBoth(ada, bob, [stored], bad, "own-update");
});

test("RFC 9420 §12.2: one Update or Remove per leaf", () => {
  const [ada, bob, cyd, dan] = four();
  refusedByBoth(ada, bob, [remove(2), remove(2)], bad, "duplicate-leaf");
  const first = spread(cyd, [ada, bob, dan], { kind: "update" });
  const second = spread(cyd, [ada, bob, dan], { kind: "update" });
  refusedByBoth(ada, bob, [first, second], bad, "duplicate-leaf");
  refusedByBoth(ada, bob, [first, remove(2)], bad, "duplicate-leaf");
});

test("RFC 9420 §12.1.3: only members are removed", () => {
  const [ada, bob, cyd, dan] = four();
  commitAll(ada, [bob, dan], { proposals: [remove(2)] });
  expect(cyd.group.epoch).toBe(1n);
  for (const leaf of [2, 4, 99, 0xffffffff])
    refusedByBoth(ada, bob, [remove(leaf)], "mls/no-such-member");
});

test("RFC 9420 §12.2: one GroupContextExtensions, without two of a type", () => {
  const [ada, bob] = four();
  refusedByBoth(ada, bob, [gce("a"), gce("b")], bad, "duplicate-group-context-extensions");
  const twice = { type: 0xff00, data: toUtf8("x") };
  const proposal = { kind: "group-context-extensions", extensions: [twice, twice] } as const;
  refusedByBoth(ada, bob, [proposal], "mls/duplicate-extension");
});

test("RFC 9420 §13.4: an extension that not all members support is refused", () => {
  const [ada, bob] = four();
  const extensions = [{ type: 0xff77, data: toUtf8("x") }];
  refusedByBoth(ada, bob, [{ kind: "group-context-extensions", extensions }], "mls/unsupported");
});

test("RFC 9420 §12.2: a custom proposal needs the support of all who stay, not of those who leave", () => {
  const ada = creator("ada");
  const bob = person("bob");
  const cyd = person("cyd");
  const kps = [
    keyPackageOf(bob),
    keyPackageOf(cyd, { capabilities: { ...capabilities, proposals: [] } }),
  ] as const;
  const adds = kps.map(({ keyPackage }) => ({ kind: "add", keyPackage }) as const);
  commitAll(ada, [], { proposals: adds }, [
    [bob, kps[0]],
    [cyd, kps[1]],
  ]);
  const custom = { kind: "custom", type: 0xff07, data: toUtf8("x") } as const;
  refusedByBoth(ada, bob, [custom], "mls/unsupported");
  commitAll(ada, [bob], { proposals: [custom, remove(2)] });
  expect(toHex(ada.group.epochAuthenticator)).toBe(toHex(bob.group.epochAuthenticator));
});

test("RFC 9420 §12.1.4: a PSK has a nonce of full length, and is there once", () => {
  const [ada, bob] = four();
  const { id } = resumptionPsk({ crypto, group: ada.group, usage: "application" });
  refusedByBoth(
    ada,
    bob,
    [{ kind: "psk", psk: { ...id, nonce: new Uint8Array(16) } }],
    bad,
    "psk-nonce",
  );
  refusedByBoth(
    ada,
    bob,
    [
      { kind: "psk", psk: id },
      { kind: "psk", psk: id },
    ],
    bad,
    "duplicate-psk",
  );
  for (const usage of ["reinit", "branch"] as const) {
    const psk = resumptionPsk({ crypto, group: ada.group, usage }).id;
    refusedByBoth(ada, bob, [{ kind: "psk", psk }], bad, "psk-usage");
  }
});

test("a commit with more PSKs than a Welcome may list is refused before any is looked for", () => {
  const [ada, bob] = four();
  const psk = (i: number): Proposal => {
    const nonce = new Uint8Array(32).with(0, i).with(1, i >> 8);
    return { kind: "psk", psk: { kind: "external", pskId: toUtf8("nobody has it"), nonce } };
  };
  const many = Array.from({ length: limits.psks + 1 }, (_, i) => psk(i));
  refusedByBoth(ada, bob, many, "mls/limit");
  refusedByBoth(ada, bob, many.slice(1), "mls/unknown-psk");
});

test("RFC 9420 §12.1.5: a ReInit comes alone and does not go back in version", () => {
  const [ada, bob] = four();
  const reinit = {
    kind: "reinit",
    groupId: toUtf8("next"),
    version: 1,
    cipherSuite: 3,
    extensions: [],
  } as const;
  refusedByBoth(ada, bob, [reinit, remove(2)], bad, "reinit-with-others");
  refusedByBoth(ada, bob, [{ ...reinit, version: 0 }], bad, "version");
});

test("RFC 9420 §12.2: an ExternalInit is not for members", () => {
  const [ada, bob] = four();
  refusedByBoth(
    ada,
    bob,
    [{ kind: "external-init", kemOutput: new Uint8Array(32) }],
    bad,
    "external-init",
  );
});

test("RFC 9420 §12.1.2: an Update is signed for its place, and brings a new key", () => {
  const [ada, bob, cyd] = four();
  const { group, signer } = cyd;
  const sent = propose({
    crypto,
    group,
    signer,
    proposal: { kind: "update" },
    wireFormat: "public",
  });
  const { content } = publicMessage(sent.message).content;
  if (content.kind !== "proposal" || content.proposal.kind !== "update")
    throw new Error("an Update");
  const { leafNode } = content.proposal;
  // The same leaf in the name of another member.
  const stolen = resign(ada, ada.group, sent.message, (framed) => ({
    ...framed,
    sender: { kind: "member", leafIndex: 0 },
  }));
  expectRefused(bob, stolen, "mls/bad-signature");
  const stale = resign(cyd, cyd.group, sent.message, (framed) => ({
    ...framed,
    content: {
      kind: "proposal",
      proposal: {
        kind: "update",
        leafNode: {
          ...leafNode,
          encryptionKey: memberAt(cyd.group, 2)?.leaf.encryptionKey as Uint8Array,
        },
      },
    },
  }));
  expectRefused(bob, stale, "mls/bad-leaf", "same-key");
});

test("RFC 9420 §12.2: of all proposals, those that go together: Remove over Update, the newest Update, anything over ReInit", () => {
  const [ada, bob, cyd, dan] = four();
  const others = (who: Person): Person[] => [ada, bob, cyd, dan].filter((other) => other !== who);
  const reinit = {
    kind: "reinit",
    groupId: toUtf8("next"),
    version: 1,
    cipherSuite: 3,
    extensions: [],
  } as const;
  spread(dan, others(dan), reinit);
  const older = spread(bob, others(bob), { kind: "update" });
  const newer = spread(bob, others(bob), { kind: "update" });
  spread(cyd, others(cyd), { kind: "update" });
  const removal = spread(dan, others(dan), { kind: "remove", removed: 2 });
  const ownRemoval = spread(dan, others(dan), { kind: "remove", removed: 0 });
  spread(ada, others(ada), { kind: "update" });
  const chosen = selectProposals(ada.group, "all", []).items.map((item) =>
    item.kind === "reference" ? toHex(item.reference) : "",
  );
  expect(chosen).toEqual([newer, removal].map(toHex));
  expect(chosen).not.toContain(toHex(older));
  const forDan = selectProposals(dan.group, "all", []).items.map((item) =>
    item.kind === "reference" ? toHex(item.reference) : "",
  );
  expect(forDan).toEqual([newer, removal, ownRemoval].map(toHex));
  commitAll(ada, [bob, dan], { references: "all" });
  expect(toHex(ada.group.epochAuthenticator)).toBe(toHex(dan.group.epochAuthenticator));
  expect(ada.group.proposals.size).toBe(0);
});

test("RFC 9420 §12.4: a ReInit that nothing stands against is committed", () => {
  const [ada, bob, cyd, dan] = four();
  const reinit = {
    kind: "reinit",
    groupId: toUtf8("next"),
    version: 1,
    cipherSuite: 3,
    extensions: [],
  } as const;
  spread(dan, [ada, bob, cyd], reinit);
  commitAll(ada, [bob, cyd, dan], { references: "all" });
  expect(bob.group.status.kind).toBe("reinit");
});

test("RFC 9420 §12.2: two key packages with one init key are refused", () => {
  const [ada, bob] = four();
  const first = keyPackageOf(person("eve")).keyPackage;
  const fay = person("fay");
  const { signature: _, ...second } = { ...keyPackageOf(fay).keyPackage, initKey: first.initKey };
  const tbs = encodeWith(writeKeyPackageTbs, second);
  const signature = signWithLabel(crypto, fay.suite, fay.signer.privateKey, "KeyPackageTBS", tbs);
  const proposals = [first, { ...second, signature }].map(
    (keyPackage) => ({ kind: "add", keyPackage }) as const,
  );
  refusedByBoth(ada, bob, proposals, bad, "duplicate-init-key");
});
