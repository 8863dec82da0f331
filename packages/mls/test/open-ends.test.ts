import { equal, toHex, toUtf8 } from "@coterie/base";
import { expect, test } from "vitest";
import {
  acceptAll,
  adopt,
  commit,
  createKeyPackage,
  decodeMlsMessage,
  extensionTypes,
  join,
  members,
  process,
  propose,
  encodeRequiredCapabilities,
} from "../src/index.ts";
import type { Capabilities, Credential, Judge, LeafNode } from "../src/index.ts";
import { decodeWith, encodeWith } from "../src/codec.ts";
import { readProposal, writeProposal } from "../src/proposal.ts";
import {
  capabilities as usual,
  commitAll,
  committed,
  creator,
  crypto,
  groupOfPeople,
  hear,
  joinBy,
  keyPackageOf,
  lifetime,
  person,
  receive,
  say,
} from "./people.ts";
import type { Person } from "./people.ts";

// What RFC 9420 leaves to applications and to other documents.

const withX509: Capabilities = { ...usual, credentials: [1, 2, 0x4a4a] };

/** Stands for whatever an application uses to look at certificates: the last one has to be a root it knows. */
function trusting(root: Uint8Array): Judge {
  const trusted = (leaf: LeafNode): boolean =>
    leaf.credential.kind === "x509" &&
    equal(leaf.credential.certificates.at(-1) ?? new Uint8Array(0), root);
  return (view) => {
    const leaves =
      view.kind === "proposal"
        ? view.proposal.kind === "add"
          ? [view.proposal.keyPackage.leafNode]
          : []
        : (view.kind === "commit" ? view.after : view.group).members().map(({ leaf }) => leaf);
    return leaves.every(trusted)
      ? { kind: "accept" }
      : { kind: "refuse", code: "app/untrusted-certificate" };
  };
}

function certified(name: string, root: Uint8Array): Person {
  const certificates = [toUtf8(`certificate of ${name}`), root];
  return { ...person(name), credential: { kind: "x509", certificates } };
}

test("RFC 9420 §5.3: X.509 chains are carried byte for byte, and whoever judges them is the application's", () => {
  const root = toUtf8("a root");
  const ada = certified("ada", root);
  ada.group = creator("ada", { capabilities: withX509 }).group;
  // The same group, whose creator shows a chain from its first commit on.
  ada.group = (() => {
    const made = creator("x", { capabilities: withX509 });
    const { signer } = ada;
    const { group, pending } = commit({
      crypto,
      group: made.group,
      signer: made.signer,
      newLeaf: { credential: ada.credential, signer },
    });
    return adopt({ group, pending }).group;
  })();
  const bob = certified("bob", root);
  const eve = certified("eve", toUtf8("a root of her own"));
  const judge = trusting(root);
  const add = (who: Person) => {
    const kp = keyPackageOf(who, { capabilities: withX509 });
    const { group, signer } = ada;
    const proposals = [{ kind: "add", keyPackage: kp.keyPackage }] as const;
    return { kp, ...commit({ crypto, group, signer, proposals }) };
  };
  const good = add(bob);
  ada.group = adopt({ group: good.group, pending: good.pending }).group;
  const welcome = good.welcome as Uint8Array;
  const joined = join({ crypto, welcome, keyPackages: [good.kp], judge });
  if (joined.kind !== "joined") throw new Error(joined.kind);
  bob.group = joined.group;
  expect(members(bob.group).map(({ leaf }) => leaf.credential)).toEqual([
    ada.credential,
    bob.credential,
  ]);
  expect(hear(bob, say(ada, "hi")).sender.leaf.credential).toEqual(ada.credential);

  const bad = add(eve);
  const refusal = { kind: "refused", reason: { code: "app/untrusted-certificate" } };
  expect(process({ crypto, group: bob.group, message: bad.message, judge })).toMatchObject(refusal);
  expect(
    join({ crypto, welcome: bad.welcome as Uint8Array, keyPackages: [bad.kp], judge }),
  ).toMatchObject(refusal);
  // Nobody who lists basic credentials alone can be with them.
  const dan = keyPackageOf(person("dan"));
  const { group, signer } = ada;
  const proposals = [{ kind: "add", keyPackage: dan.keyPackage }] as const;
  expect(() => commit({ crypto, group, signer, proposals })).toThrow(
    expect.objectContaining({ code: "mls/unsupported" }),
  );
});

test("RFC 9420 §5.3: a credential of a type that nobody here knows is carried all the same", () => {
  const credential: Credential = { kind: "unknown", type: 0x4a4a, data: toUtf8("whatever") };
  const [ada, bob] = groupOfPeople(["ada", "bob"]) as [Person, Person];
  const cyd: Person = { ...person("cyd"), credential };
  const kp = keyPackageOf(cyd);
  commitAll(ada, [bob], { proposals: [{ kind: "add", keyPackage: kp.keyPackage }] }, [[cyd, kp]]);
  expect(hear(bob, say(cyd, "hi")).sender.leaf.credential).toEqual(credential);
});

test("RFC 9420 §10: a key package of last resort is marked as such, and joins more than one group", () => {
  const lastResort = { type: 10, data: new Uint8Array(0) };
  const dan = person("dan");
  const { keyPackage, secrets } = createKeyPackage({
    crypto,
    cipherSuite: dan.suite,
    signer: dan.signer,
    credential: dan.credential,
    capabilities: usual,
    lifetime,
    extensions: [lastResort],
  });
  const own = { keyPackage, secrets, signer: dan.signer };
  for (const name of ["ada", "bob"]) {
    const founder = creator(name);
    const add = { kind: "add", keyPackage } as const;
    commitAll(founder, [], { proposals: [add] }, [[dan, own]]);
    hear(founder, say(dan, "in both"));
  }
  expect(keyPackage.extensions).toEqual([lastResort]);
  // Marked by an extension that its own leaf does not list, nobody could take it.
  expect(() =>
    createKeyPackage({
      crypto,
      cipherSuite: dan.suite,
      signer: dan.signer,
      credential: dan.credential,
      capabilities: { ...usual, extensions: [] },
      lifetime,
      extensions: [lastResort],
    }),
  ).toThrow(expect.objectContaining({ code: "mls/unsupported" }));
});

const selfRemove = { kind: "custom", type: 10, data: new Uint8Array(0) } as const;

test("self_remove is a custom proposal without a body, which an application may act on", () => {
  expect(toHex(encodeWith(writeProposal, selfRemove))).toBe("000a");
  expect(decodeWith(readProposal, new Uint8Array([0, 10]))).toEqual(selfRemove);
  expect(() => encodeWith(writeProposal, { ...selfRemove, data: new Uint8Array(1) })).toThrow(
    expect.objectContaining({ code: "mls/bad-argument" }),
  );

  const capabilities = { ...usual, proposals: [...usual.proposals, 10] };
  const required = encodeRequiredCapabilities({ extensions: [], proposals: [10], credentials: [] });
  const extensions = [{ type: extensionTypes.requiredCapabilities, data: required }];
  const ada = creator("ada", { capabilities, extensions });
  const [bob, cyd] = [person("bob"), person("cyd")];
  const packages = [bob, cyd].map((who) => [who, keyPackageOf(who, { capabilities })] as const);
  const adds = packages.map(([, { keyPackage }]) => ({ kind: "add", keyPackage }) as const);
  commitAll(ada, [], { proposals: adds }, packages);

  const { group, signer } = bob;
  const sent = propose({ crypto, group, signer, proposal: selfRemove, wireFormat: "public" });
  bob.group = sent.group;
  for (const who of [ada, cyd]) {
    const heard = receive(who, sent.message);
    if (heard.kind !== "proposal") throw new Error(heard.kind);
    expect(heard).toMatchObject({ proposal: selfRemove, sender: { leafIndex: 1 } });
    who.group = heard.group;
  }
  // The application's rule: whoever asks to go is taken out in the same commit, and only then may it stand in one.
  const judge: Judge = (view) => {
    if (view.kind !== "commit") return { kind: "accept" };
    const asked = view.proposals.flatMap(({ proposal, sender }) =>
      proposal.kind === "custom" && proposal.type === 10 && sender.kind === "member"
        ? [sender.leafIndex]
        : [],
    );
    return asked.every((leafIndex) => view.after.memberAt(leafIndex) === undefined)
      ? { kind: "accept" }
      : { kind: "refuse", code: "app/still-there" };
  };
  const commitWith = (proposals: readonly { kind: "remove"; removed: number }[]) =>
    commit({
      crypto,
      group: ada.group,
      signer: ada.signer,
      references: "all",
      proposals,
      wireFormat: "public",
    });
  const half = commitWith([]);
  expect(process({ crypto, group: cyd.group, message: half.message, judge })).toMatchObject({
    kind: "refused",
    reason: { code: "app/still-there" },
  });
  const whole = commitWith([{ kind: "remove", removed: 1 }]);
  expect(decodeMlsMessage(whole.message).kind).toBe("public");
  for (const who of [bob, cyd]) {
    const result = process({ crypto, group: who.group, message: whole.message, judge });
    expect(result).toMatchObject({ kind: "committed", removed: who === bob });
  }
});

test("a Welcome comes with the tree beside it as well as in it", () => {
  const ada = creator("ada");
  const bob = person("bob");
  const kp = keyPackageOf(bob);
  const proposals = [{ kind: "add", keyPackage: kp.keyPackage }] as const;
  const made = commitAll(ada, [], { proposals, ratchetTreeInWelcome: false });
  const welcome = made.welcome as Uint8Array;
  const without = join({ crypto, welcome, keyPackages: [kp], judge: acceptAll });
  expect(without).toMatchObject({ kind: "refused", reason: { code: "mls/missing-tree" } });
  const again = commitAll(ada, [], { proposals: [{ kind: "remove", removed: 1 }] });
  expect(again.welcome).toBeUndefined();
  const second = keyPackageOf(bob);
  const adding = [{ kind: "add", keyPackage: second.keyPackage }] as const;
  joinBy(bob, commitAll(ada, [], { proposals: adding }).welcome as Uint8Array, second);
  committed(bob, commitAll(ada, []).message);
});
