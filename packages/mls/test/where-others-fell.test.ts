import { concat, toHex, toUtf8 } from "@coterie/base";
import { expect, test } from "vitest";
import {
  commit,
  decodeMlsMessage,
  encodeRequiredCapabilities,
  exportGroupInfo,
  extensionTypes,
  findExtension,
  join,
  acceptAll,
  memberAt,
  process,
  propose,
} from "../src/index.ts";
import type { Extension, Proposal, PskLookup } from "../src/index.ts";
import { leafCount } from "../src/tree.ts";
import { expectRefused, inCommit, publicMessage, resign, retag } from "./forge.ts";
import {
  capabilities,
  commitAll,
  committed,
  creator,
  crypto,
  groupOfPeople,
  hear,
  keyPackageOf,
  now,
  person,
  receive,
  say,
} from "./people.ts";
import type { Person } from "./people.ts";

type Five = [Person, Person, Person, Person, Person];
const five = (): Five => groupOfPeople(["ada", "bob", "cyd", "dan", "eve"]) as Five;
const gce = (extensions: readonly Extension[]): Proposal => ({
  kind: "group-context-extensions",
  extensions,
});
const extension = (text: string, type = 0xff00): Extension => ({ type, data: toUtf8(text) });

function publicCommit(who: Person, proposals: readonly Proposal[]): Uint8Array {
  const { group, signer } = who;
  return commit({ crypto, group, signer, proposals, wireFormat: "public", nowSeconds: now })
    .message;
}

function sameEpoch(people: readonly Person[]): void {
  const authenticators = new Set(people.map(({ group }) => toHex(group.epochAuthenticator)));
  expect(authenticators.size).toBe(1);
}

test("MLS-03: a lone Remove without a path is neither made nor taken: the removed member would read on", () => {
  const [ada, bob] = five();
  const { group, signer } = ada;
  const proposals = [{ kind: "remove", removed: 4 }] as const;
  expect(() => commit({ crypto, group, signer, proposals, forcePath: false })).toThrow(
    expect.objectContaining({ code: "mls/missing-path" }),
  );
  const made = commit({ crypto, group, signer, proposals });
  expect(made.pending.pathLeaf).toBeDefined();
  const pathless = resign(
    ada,
    group,
    publicCommit(ada, proposals),
    inCommit((value) => ({ ...value, path: undefined })),
  );
  expectRefused(bob, pathless, "mls/missing-path");
});

test("MLS-03: a removed member can derive nothing of the epoch that removed it", () => {
  const [ada, bob, cyd, dan, eve] = five();
  const before = eve.group;
  const made = commitAll(ada, [bob, cyd, dan], { proposals: [{ kind: "remove", removed: 4 }] });
  const out = receive(eve, made.message);
  expect(out).toMatchObject({ kind: "committed", removed: true });
  eve.group = out.kind === "committed" ? out.group : eve.group;
  const secret = say(ada, "without eve");
  expect(receive(eve, secret)).toMatchObject({ kind: "ignored", reason: "mls/wrong-epoch" });
  eve.group = before;
  expect(receive(eve, secret)).toMatchObject({ kind: "ignored", reason: "mls/wrong-epoch" });
  expect(() =>
    commit({ crypto, group: receiveRemoval(eve, made.message), signer: eve.signer }),
  ).toThrow(expect.objectContaining({ code: "mls/inactive" }));
});

function receiveRemoval(who: Person, message: Uint8Array): Person["group"] {
  const out = receive(who, message);
  return out.kind === "committed" ? out.group : who.group;
}

test("MLS-03: a GroupContextExtensions commit always has a path, and one without is refused", () => {
  const [ada, bob, cyd, dan, eve] = five();
  const proposals = [gce([extension("name")])];
  const { group } = ada;
  const pathless = resign(
    ada,
    group,
    publicCommit(ada, proposals),
    inCommit((value) => ({ ...value, path: undefined })),
  );
  expectRefused(bob, pathless, "mls/missing-path");
  const made = commitAll(ada, [bob, cyd, dan, eve], { proposals });
  expect(made.pending.pathLeaf).toBeDefined();
  expect(bob.group.context.extensions).toEqual([extension("name")]);
  sameEpoch([ada, bob, cyd, dan, eve]);
});

test("MLS-03: custom proposals need a path too; Add, PSK and ReInit do not", () => {
  const [ada, bob, cyd, dan, eve] = five();
  const custom = { kind: "custom", type: 0xff07, data: toUtf8("x") } as const;
  const made = commitAll(ada, [bob, cyd, dan, eve], { proposals: [custom] });
  expect(made.pending.pathLeaf).toBeDefined();
  const fay = person("fay");
  const kp = keyPackageOf(fay);
  const add = { kind: "add", keyPackage: kp.keyPackage } as const;
  const added = commitAll(bob, [ada, cyd, dan, eve], { proposals: [add] }, [[fay, kp]]);
  expect(added.pending.pathLeaf).toBeUndefined();
  sameEpoch([ada, bob, cyd, dan, eve, fay]);
});

test("MLS-03: a commit of nothing has a path, and one without is refused", () => {
  const [ada, bob] = five();
  const pathless = resign(
    ada,
    ada.group,
    publicCommit(ada, []),
    inCommit((value) => ({ ...value, path: undefined })),
  );
  expectRefused(bob, pathless, "mls/missing-path");
});

test("GroupContextExtensions together with Remove and Add in one commit", () => {
  const [ada, bob, cyd, dan] = five();
  const fay = person("fay");
  const kp = keyPackageOf(fay);
  const proposals: Proposal[] = [
    { kind: "add", keyPackage: kp.keyPackage },
    { kind: "remove", removed: 4 },
    gce([extension("a"), extension("b", 0xff01)]),
  ];
  commitAll(ada, [bob, cyd, dan], { proposals }, [[fay, kp]]);
  sameEpoch([ada, bob, cyd, dan, fay]);
  expect(fay.group.context.extensions).toHaveLength(2);
});

test("an empty GroupContextExtensions clears all extensions", () => {
  const people = five();
  const [ada, ...others] = people;
  commitAll(ada, others, { proposals: [gce([extension("a"), extension("b", 0xff01)])] });
  expect(people[3].group.context.extensions).toHaveLength(2);
  commitAll(
    people[1],
    people.filter((_, i) => i !== 1),
    { proposals: [gce([])] },
  );
  for (const { group } of people) expect(group.context.extensions).toEqual([]);
  sameEpoch(people);
});

test("RFC 9420 §12.1.7: the new extensions are in force for what the same commit adds", () => {
  const [ada, bob] = five();
  const required = encodeRequiredCapabilities({
    extensions: [0x2a2a],
    proposals: [],
    credentials: [],
  });
  const extensions = [{ type: extensionTypes.requiredCapabilities, data: required }];
  const fay = person("fay");
  const poor = { ...capabilities, extensions: [0xff00] };
  const { keyPackage } = keyPackageOf(fay, { capabilities: poor });
  const { group, signer } = ada;
  const proposals = [gce(extensions), { kind: "add", keyPackage } as const];
  expect(() => commit({ crypto, group, signer, proposals })).toThrow(
    expect.objectContaining({ code: "mls/unsupported" }),
  );
  const alone = publicCommit(ada, [{ kind: "add", keyPackage }]);
  const forged = resign(
    ada,
    group,
    alone,
    inCommit((value) => ({
      ...value,
      proposals: proposals.map((proposal) => ({ kind: "proposal", proposal }) as const),
      path: publicCommitPath(publicCommit(ada, [])),
    })),
  );
  expectRefused(bob, forged, "mls/unsupported");
});

function publicCommitPath(message: Uint8Array) {
  const { content } = publicMessage(message).content;
  return content.kind === "commit" ? content.commit.path : undefined;
}

test("RFC 9420 §12.1.7: required capabilities that a member lacks are refused", () => {
  const poor = { ...capabilities, proposals: [] };
  const ada = creator("ada");
  const bob = person("bob");
  const kp = keyPackageOf(bob, { capabilities: poor });
  commitAll(ada, [], { proposals: [{ kind: "add", keyPackage: kp.keyPackage }] }, [[bob, kp]]);
  const data = encodeRequiredCapabilities({ extensions: [], proposals: [0xff07], credentials: [] });
  const { group, signer } = ada;
  const proposals = [gce([{ type: extensionTypes.requiredCapabilities, data }])];
  expect(() => commit({ crypto, group, signer, proposals })).toThrow(
    expect.objectContaining({ code: "mls/unsupported" }),
  );
});

test("XGC-24: default types may be listed in capabilities and in required_capabilities", () => {
  const data = encodeRequiredCapabilities({
    extensions: [0xff00, 10, 1],
    proposals: [7],
    credentials: [1],
  });
  const extensions = [{ type: extensionTypes.requiredCapabilities, data }, extension("a")];
  const ada = creator("ada", { extensions });
  const bob = person("bob");
  const kp = keyPackageOf(bob, { capabilities: { ...capabilities, proposals: [] } });
  commitAll(ada, [], { proposals: [{ kind: "add", keyPackage: kp.keyPackage }] }, [[bob, kp]]);
  commitAll(bob, [ada], { proposals: [gce([...extensions, extension("b", 0xff01)])] });
  sameEpoch([ada, bob]);
});

test("RFC 9420 §12.4.3.2: external_pub carries the length of its key", () => {
  const [ada] = five();
  const { group, signer } = ada;
  const decoded = decodeMlsMessage(exportGroupInfo({ crypto, group, signer }));
  if (decoded.kind !== "group-info") throw new Error("a GroupInfo");
  const carried = findExtension(decoded.groupInfo.extensions, extensionTypes.externalPub);
  expect(carried?.data.length).toBe(33);
  expect(carried?.data[0]).toBe(32);
});

test("PSKs work in private commits, and for those the commit adds", () => {
  const people = five();
  const [ada, bob, cyd, dan, eve] = people;
  const fay = person("fay");
  const kp = keyPackageOf(fay);
  const secret = toUtf8("a secret that all of them know");
  const lookup: PskLookup = (id) =>
    id.kind === "external" && toHex(id.pskId) === toHex(toUtf8("shared")) ? secret : undefined;
  const psk = {
    kind: "external",
    pskId: toUtf8("shared"),
    nonce: crypto.bytes(32),
  } as const;
  const { group, signer } = ada;
  const proposals = [
    { kind: "psk", psk },
    { kind: "add", keyPackage: kp.keyPackage },
  ] as const;
  const made = commitAll(ada, [], { proposals, psks: lookup });
  for (const who of [bob, cyd, dan, eve]) {
    expectRefused(who, made.message, "mls/unknown-psk");
    const message = made.message;
    const result = process({ crypto, group: who.group, message, judge: acceptAll, psks: lookup });
    if (result.kind !== "committed") throw new Error(result.kind);
    who.group = result.group;
  }
  const welcome = made.welcome as Uint8Array;
  const base = { crypto, welcome, keyPackages: [kp], judge: acceptAll };
  expect(join(base)).toMatchObject({ kind: "refused", reason: { code: "mls/unknown-psk" } });
  const joined = join({ ...base, psks: lookup });
  if (joined.kind !== "joined") throw new Error(joined.kind);
  fay.group = joined.group;
  sameEpoch([...people, fay]);
  const short = { ...psk, nonce: new Uint8Array(31) };
  expect(() =>
    commit({ crypto, group, signer, proposals: [{ kind: "psk", psk: short }], psks: lookup }),
  ).toThrow(expect.objectContaining({ code: "mls/bad-proposal" }));
  expect(() =>
    commit({ crypto, group, signer, proposals: [proposals[0], proposals[0]], psks: lookup }),
  ).toThrow(expect.objectContaining({ code: "mls/bad-proposal" }));
});

test("RFC 9420 §12.4.2: keys of an update path are new to the tree and to the path", () => {
  const [ada, bob, cyd] = five();
  commitAll(cyd, [ada, bob]);
  const known = memberAt(ada.group, 2)?.leaf.encryptionKey as Uint8Array;
  const message = publicCommit(ada, []);
  const replaced = (at: number, key: (keys: readonly Uint8Array[]) => Uint8Array): Uint8Array =>
    resign(
      ada,
      ada.group,
      message,
      inCommit((value) => {
        const { path } = value;
        if (!path) throw new Error("a path");
        const keys = path.nodes.map(({ encryptionKey }) => encryptionKey);
        const nodes = path.nodes.map((node, i) =>
          i === at ? { ...node, encryptionKey: key(keys) } : node,
        );
        return { ...value, path: { ...path, nodes } };
      }),
    );
  expectRefused(
    bob,
    replaced(1, () => known),
    "mls/bad-path",
    "known-key",
  );
  expectRefused(
    bob,
    replaced(1, ([first]) => first as Uint8Array),
    "mls/bad-path",
    "repeated-key",
  );
  expectRefused(
    bob,
    replaced(0, () => known.subarray(1)),
    "mls/bad-path",
    "key",
  );
});

test("duplicate signature, encryption and init keys are refused, by the committer and by receivers", () => {
  const [ada, bob] = five();
  const { group, signer } = ada;
  const fay = person("fay");
  const first = keyPackageOf(fay).keyPackage;
  const second = keyPackageOf(fay).keyPackage;
  const twice = [first, second].map((keyPackage) => ({ kind: "add", keyPackage }) as const);
  const member = { kind: "add", keyPackage: keyPackageOf(bob).keyPackage } as const;
  for (const [proposals, code] of [
    [twice, "mls/bad-proposal"],
    [[member], "mls/duplicate-key"],
  ] as const) {
    expect(() => commit({ crypto, group, signer, proposals })).toThrow(
      expect.objectContaining({ code }),
    );
    const forged = resign(
      ada,
      group,
      publicCommit(ada, [{ kind: "add", keyPackage: first }]),
      inCommit((value) => ({
        ...value,
        proposals: proposals.map((proposal) => ({ kind: "proposal", proposal }) as const),
      })),
    );
    expectRefused(bob, forged, code);
  }
  // Removed in the same commit, the same client may come in again (XGC-45).
  const again = keyPackageOf(bob);
  const proposals = [
    { kind: "remove", removed: 1 },
    { kind: "add", keyPackage: again.keyPackage },
  ] as const;
  const made = commit({ crypto, group, signer, proposals });
  expect(memberAt({ ...group, ...made.pending.staged.state }, 1)?.leaf.signatureKey).toEqual(
    bob.signer.publicKey,
  );
});

test("the committer validates what it adds as strictly as receivers do", () => {
  const [ada, bob] = five();
  const { group, signer } = ada;
  const fay = person("fay");
  const good = keyPackageOf(fay).keyPackage;
  const expired = { notBefore: now - 200n, notAfter: now - 100n };
  const bent = { ...good, signature: good.signature.map((byte, i) => (i === 5 ? byte ^ 1 : byte)) };
  const other = person("gil", 1);
  const cases = [
    [keyPackageOf(fay, { lifetime: expired }).keyPackage, "mls/bad-lifetime"],
    [bent, "mls/bad-signature"],
    [keyPackageOf(other).keyPackage, "mls/bad-key-package"],
  ] as const;
  for (const [keyPackage, code] of cases) {
    const proposals = [{ kind: "add", keyPackage }] as const;
    expect(() => commit({ crypto, group, signer, proposals, nowSeconds: now })).toThrow(
      expect.objectContaining({ code }),
    );
    const forged = resign(
      ada,
      group,
      publicCommit(ada, [{ kind: "add", keyPackage: good }]),
      inCommit((value) => ({
        ...value,
        proposals: [{ kind: "proposal", proposal: proposals[0] }],
      })),
    );
    expectRefused(bob, forged, code);
  }
});

test("adds that grow the tree in a commit with a path: the new leaves are not sealed to", () => {
  const people = groupOfPeople(["ada", "bob", "cyd", "dan"]);
  const [ada, ...others] = people as [Person, ...Person[]];
  commitAll(ada, others);
  const joiners = ["eve", "fay", "gil", "hal", "ida"].map((name) => {
    const who = person(name);
    return [who, keyPackageOf(who)] as const;
  });
  const proposals = joiners.map(([, { keyPackage }]) => ({ kind: "add", keyPackage }) as const);
  commitAll(ada, others, { proposals, forcePath: true }, joiners);
  const all = [...people, ...joiners.map(([who]) => who)];
  expect(leafCount(ada.group.tree)).toBe(16);
  sameEpoch(all);
  for (const who of all)
    commitAll(
      who,
      all.filter((other) => other !== who),
    );
  sameEpoch(all);
});

test("by-reference updates, from leaf 0 too, and the same Update cannot be committed by its author", () => {
  const people = five();
  const [ada, bob, cyd, dan, eve] = people;
  for (const who of [ada, dan]) {
    const { group, signer } = who;
    const sent = propose({ crypto, group, signer, proposal: { kind: "update" } });
    who.group = sent.group;
    for (const other of people) {
      if (other === who) continue;
      const result = receive(other, sent.message);
      if (result.kind !== "proposal") throw new Error(result.kind);
      other.group = result.group;
    }
  }
  const [ref] = [...ada.group.proposals.values()].map((stored) => stored.ref);
  expect(() =>
    commit({ crypto, group: ada.group, signer: ada.signer, references: [ref as Uint8Array] }),
  ).toThrow(expect.objectContaining({ code: "mls/bad-proposal" }));
  const before = memberAt(bob.group, 0)?.leaf.encryptionKey;
  commitAll(bob, [ada, cyd, dan, eve], { references: "all" });
  expect(memberAt(cyd.group, 0)?.leaf.encryptionKey).not.toEqual(before);
  sameEpoch(people);
  for (const who of people)
    commitAll(
      who,
      people.filter((other) => other !== who),
    );
  sameEpoch(people);
});

test("unmerged leaves get the path secrets that go to their neighbours", () => {
  const people = five();
  const [ada, bob] = people;
  commitAll(ada, people.slice(1));
  commitAll(
    bob,
    people.filter((who) => who !== bob),
  );
  const fay = person("fay");
  const kp = keyPackageOf(fay);
  // Without a path, fay is unmerged in all parents above.
  const add = { kind: "add", keyPackage: kp.keyPackage } as const;
  commitAll(ada, people.slice(1), { proposals: [add], forcePath: false }, [[fay, kp]]);
  people.push(fay);
  expect(ada.group.tree.root.parent?.unmergedLeaves).toEqual([5]);
  for (const who of people)
    commitAll(
      who,
      people.filter((other) => other !== who),
    );
  sameEpoch(people);
});

test("a commit that removes and adds into the same slot", () => {
  const [ada, bob, cyd, dan, eve] = five();
  const fay = person("fay");
  const kp = keyPackageOf(fay);
  const proposals = [
    { kind: "add", keyPackage: kp.keyPackage },
    { kind: "remove", removed: 2 },
  ] as const;
  const late = say(cyd, "late");
  const { message } = commitAll(ada, [bob, dan, eve], { proposals }, [[fay, kp]]);
  expect(fay.group.ownLeaf).toBe(2);
  expect(receive(cyd, message)).toMatchObject({ kind: "committed", removed: true });
  sameEpoch([ada, bob, dan, eve, fay]);
  // XGC-12: cyd's message is verified with the leaf that was there in its epoch.
  expect(hear(dan, late).sender.leaf.credential).toEqual(cyd.credential);
  hear(bob, say(fay, "hello"));
  commitAll(fay, [ada, bob, dan, eve]);
  sameEpoch([ada, bob, dan, eve, fay]);
});

test("empty, cut and wrong confirmation tags are refused", () => {
  const [ada, bob] = five();
  const message = publicCommit(ada, []);
  const { content, auth } = publicMessage(message);
  const tag = auth.confirmationTag as Uint8Array;
  const variants = [
    new Uint8Array(0),
    tag.subarray(0, 31),
    concat(tag, Uint8Array.of(0)),
    tag.map((byte, i) => (i === 31 ? byte ^ 1 : byte)),
  ];
  for (const confirmationTag of variants) {
    const forged = retag(ada.group, { content, auth: { ...auth, confirmationTag } });
    expectRefused(bob, forged, "mls/bad-confirmation-tag");
  }
  committed(bob, message);
});

test("empty, cut and wrong membership tags are refused", () => {
  const [ada, bob] = five();
  const message = publicCommit(ada, []);
  const tag = publicMessage(message).membershipTag as Uint8Array;
  const body = message.subarray(0, message.length - 33);
  expectRefused(bob, concat(body, Uint8Array.of(0)), "mls/bad-membership-tag");
  expectRefused(bob, concat(body, Uint8Array.of(31), tag.subarray(1)), "mls/bad-membership-tag");
  const wrong = message.slice();
  wrong[wrong.length - 1] = (wrong.at(-1) as number) ^ 1;
  expectRefused(bob, wrong, "mls/bad-membership-tag");
  expectRefused(bob, body, "mls/truncated");
  committed(bob, message);
});

test("MLS-05: a committer replaces its own leaf: credential, signature key, capabilities, extensions", () => {
  const people = five();
  const [ada, bob, cyd, dan, eve] = people;
  const signer = crypto.generateSigner("ed25519");
  const newLeaf = {
    signer,
    credential: { kind: "basic", identity: toUtf8("ada the second") },
    capabilities: { ...capabilities, extensions: [...capabilities.extensions, 0xff55] },
    extensions: [{ type: 0xff55, data: toUtf8("new") }],
  } as const;
  const made = commitAll(ada, [bob, cyd, dan, eve], { newLeaf });
  expect(made.pending.view.committer.leaf.credential).toEqual(ada.credential);
  expect(made.pending.view.pathLeaf?.credential).toEqual(newLeaf.credential);
  expect(() => say(ada, "with the old key")).toThrow(
    expect.objectContaining({ code: "mls/wrong-signer" }),
  );
  const renewed = { ...ada, signer };
  expect(hear(eve, say(renewed, "hello")).sender.leaf).toMatchObject({
    credential: newLeaf.credential,
    signatureKey: signer.publicKey,
    extensions: newLeaf.extensions,
  });
});

test("GREASE and unknown numbers in capabilities are kept and do no harm", () => {
  const people = five();
  expect(memberAt(people[0].group, 3)?.leaf.capabilities).toEqual(capabilities);
});
