import { toUtf8 } from "@coterie/base";
import { expect, test } from "vitest";
import {
  acceptAll,
  commit,
  encodeExternalSenders,
  encodeRatchetTree,
  exportGroupInfo,
  join,
  joinByCommit,
  memberAt,
  process,
  propose,
  proposeAsExternal,
} from "../src/index.ts";
import type {
  CommitView,
  Group,
  GroupContext,
  JoinView,
  Judge,
  KeyPackage,
  LeafNode,
  Proposal,
  ProposalView,
  Sender,
  Verdict,
} from "../src/index.ts";
import { encodeWith } from "../src/codec.ts";
import { signWithLabel } from "../src/crypto-labels.ts";
import { signGroupInfo } from "../src/group-info.ts";
import { writeKeyPackageTbs } from "../src/key-package.ts";
import {
  deriveEpochSecret,
  deriveEpochSecrets,
  deriveMemberSecret,
  zeroSecret,
} from "../src/key-schedule.ts";
import { encodeMlsMessage } from "../src/message.ts";
import { confirmationTag } from "../src/transcript.ts";
import { replaceLeaf } from "../src/tree.ts";
import { treeHash } from "../src/tree-hash.ts";
import { groupContextBytes } from "../src/welcome-types.ts";
import { bytesOf, rewelcome } from "./forge.ts";
import {
  forceCommit,
  forceExternalCommit,
  forceProposal,
  forgeLeaf,
  withStored,
} from "./malicious.ts";
import type { LeafForgery } from "./malicious.ts";
import {
  capabilities,
  commitAll,
  creator,
  crypto,
  groupId,
  keyPackageOf,
  now,
  person,
  suite,
} from "./people.ts";
import type { Person } from "./people.ts";

// Every path by which a change can come, against everything that may be wrong with it.

interface Three {
  readonly ada: Person;
  readonly bob: Person;
  readonly cyd: Person;
}

const outsider = person("outsider");
const senders = { type: 5, data: encodeExternalSenders([outsiderEntry()]) };

function outsiderEntry() {
  const { signer, credential } = outsider;
  return { signatureKey: signer.publicKey, credential };
}

/** A flat tree: where parents vouch for a leaf, its hash would be what is found wrong first. */
function three(): Three {
  const ada = creator("ada", { extensions: [senders, { type: 0xff00, data: toUtf8("x") }] });
  const [bob, cyd] = [person("bob"), person("cyd")] as [Person, Person];
  const joiners = [bob, cyd].map((who) => [who, keyPackageOf(who)] as const);
  const proposals = joiners.map(([, { keyPackage }]) => ({ kind: "add", keyPackage }) as const);
  commitAll(ada, [], { proposals, forcePath: false }, joiners);
  return { ada, bob, cyd };
}

const eve = person("eve");

function forgedKeyPackage(forgery: LeafForgery): KeyPackage {
  const { keyPackage } = keyPackageOf(eve);
  const leafNode = forgeLeaf(keyPackage.leafNode, eve.signer, undefined, forgery);
  const unsigned = { ...keyPackage, leafNode };
  const { privateKey } = forgery.key ?? eve.signer;
  const tbs = encodeWith(writeKeyPackageTbs, unsigned);
  const signature = signWithLabel(crypto, suite(), privateKey, "KeyPackageTBS", tbs);
  return { ...unsigned, signature };
}

function updateOf(who: Person, forgery: LeafForgery): Proposal {
  const { ownLeaf } = who.group;
  const old = memberAt(who.group, ownLeaf)?.leaf as LeafNode;
  const { publicKey } = crypto.generateDh("x25519");
  const fresh = { ...old, encryptionKey: publicKey, source: { kind: "update" } } as const;
  const place = { groupId, leafIndex: ownLeaf };
  return { kind: "update", leafNode: forgeLeaf(fresh, who.signer, place, forgery) };
}

const byValue = (proposal: Proposal) => ({ kind: "proposal", proposal }) as const;
const byReference = (reference: Uint8Array) => ({ kind: "reference", reference }) as const;

/** What `who` answers, and that it left the group to the byte as it was. */
function answer(who: Person, message: Uint8Array, judge: Judge = acceptAll): string {
  const before = bytesOf(who.group);
  const result = process({ crypto, group: who.group, message, judge, nowSeconds: now });
  expect(bytesOf(who.group)).toEqual(before);
  return result.kind === "refused" ? result.reason.code : result.kind;
}

/** A GroupInfo or Welcome of a member who puts another leaf into the tree, with the hash of that tree. */
function withCydsLeaf(group: Group, cyd: Person, forgery: LeafForgery): Group {
  const old = memberAt(group, 2)?.leaf as LeafNode;
  const leaf = forgeLeaf(old, cyd.signer, { groupId, leafIndex: 2 }, forgery);
  const tree = replaceLeaf(group.tree, 2, leaf, (parent) => parent);
  const context = { ...group.context, treeHash: treeHash(crypto, tree) };
  return { ...group, tree, context, state: { ...group.state, tree, context } };
}

function fromWelcome({ ada, cyd }: Three, forgery: LeafForgery, judge: Judge): string {
  const dan = person("dan");
  const own = keyPackageOf(dan);
  const made = commit({
    crypto,
    group: ada.group,
    signer: ada.signer,
    proposals: [{ kind: "add", keyPackage: own.keyPackage }],
    forcePath: false,
    nowSeconds: now,
  });
  const { staged } = made.pending;
  const after = {
    ...ada.group,
    tree: staged.state.tree,
    state: staged.state,
    context: staged.state.context,
  };
  const bent = withCydsLeaf(after, cyd, forgery);
  const welcome = rewelcome(made.welcome as Uint8Array, own, ada.signer, ({ secrets, info }) => ({
    secrets,
    info: {
      ...info,
      groupContext: bent.context,
      confirmationTag: tagOf(secrets.joinerSecret, bent.context),
      extensions: [{ type: 2, data: encodeRatchetTree(bent.tree) }],
    },
  }));
  const result = join({ crypto, welcome, keyPackages: [own], judge });
  return result.kind === "refused" ? result.reason.code : result.kind;
}

/** Whoever made the commit can make the tag that fits any context. */
function tagOf(joinerSecret: Uint8Array, context: GroupContext): Uint8Array {
  const memberSecret = deriveMemberSecret(crypto, suite(), joinerSecret, zeroSecret(suite()));
  const bytes = groupContextBytes(context);
  const epochSecret = deriveEpochSecret(crypto, suite(), memberSecret, bytes);
  const { confirmationKey } = deriveEpochSecrets(crypto, suite(), epochSecret).secrets;
  return confirmationTag(crypto, suite(), confirmationKey, context.confirmedTranscriptHash);
}

function fromGroupInfo({ ada, cyd }: Three, forgery: LeafForgery, judge: Judge): string {
  const { state } = withCydsLeaf(ada.group, cyd, forgery);
  const groupInfo = encodeMlsMessage({
    kind: "group-info",
    groupInfo: signGroupInfo(crypto, state, ada.signer, { ratchetTree: true, externalPub: true }),
  });
  const { signer, credential } = person("dan");
  const result = joinByCommit({ crypto, groupInfo, signer, credential, capabilities, judge });
  return result.kind === "refused" ? result.reason.code : result.kind;
}

type Way = (three: Three, forgery: LeafForgery, judge: Judge) => string;

/** Each way a leaf can come in. What a proposal would be refused for on its own is refused in a commit that refers to it, too. */
const ways: Readonly<Record<string, Way>> = {
  "an Add by value": ({ ada, bob }, forgery, judge) => {
    const add = { kind: "add", keyPackage: forgedKeyPackage(forgery) } as const;
    return answer(bob, forceCommit(ada, [byValue(add)], {}, false), judge);
  },
  "an Add on its own": ({ ada, bob }, forgery, judge) => {
    const add = { kind: "add", keyPackage: forgedKeyPackage(forgery) } as const;
    return answer(bob, forceProposal(ada, add), judge);
  },
  "an Add by reference": ({ ada, bob }, forgery, judge) => {
    const add = { kind: "add", keyPackage: forgedKeyPackage(forgery) } as const;
    const sender: Sender = { kind: "external", senderIndex: 0 };
    const [reference] = [ada, bob].map((who) => withStored(who, sender, add)) as [Uint8Array];
    return answer(bob, forceCommit(ada, [byReference(reference)], {}, false), judge);
  },
  "an Update on its own": ({ bob, cyd }, forgery, judge) =>
    answer(bob, forceProposal(cyd, updateOf(cyd, forgery)), judge),
  "an Update by reference": ({ ada, bob, cyd }, forgery, judge) => {
    const update = updateOf(cyd, forgery);
    const sender: Sender = { kind: "member", leafIndex: 2 };
    const [reference] = [ada, bob].map((who) => withStored(who, sender, update)) as [Uint8Array];
    return answer(bob, forceCommit(ada, [byReference(reference)]), judge);
  },
  "the leaf of an update path": ({ bob, cyd }, forgery, judge) =>
    answer(bob, forceCommit(cyd, [], forgery), judge),
  "the leaf of an external commit": ({ ada, bob }, forgery, judge) =>
    answer(bob, forceExternalCommit(ada, eve, [], forgery), judge),
  "the tree of a Welcome": fromWelcome,
  "the tree of a GroupInfo": fromGroupInfo,
};

const bad = "mls/bad-leaf";
const keyOf = (group: Group, leafIndex: number): LeafNode =>
  memberAt(group, leafIndex)?.leaf as LeafNode;
const low = new Uint8Array(32).with(0, 1);

interface Defect {
  readonly code: string;
  readonly forgery: (three: Three) => LeafForgery;
  /** Ways by which this cannot come, or is found by something else first, with why. */
  readonly except?: Readonly<Record<string, string>>;
}

/** A proposal on its own is not looked at together with the members: the commit that brings it in is. */
const together = { "an Add on its own": "proposal", "an Update on its own": "proposal" };

const lacking = (change: Partial<typeof capabilities>): LeafForgery => ({
  alter: (leaf) => ({ ...leaf, capabilities: { ...capabilities, ...change } }),
});

const defects: Readonly<Record<string, Defect>> = {
  "a signature that does not hold": {
    code: "mls/bad-signature",
    forgery: () => ({
      bend: (leaf) => ({
        ...leaf,
        signature: leaf.signature.with(0, (leaf.signature[0] as number) ^ 1),
      }),
    }),
  },
  "a signature for another place": {
    code: "mls/bad-signature",
    forgery: () => ({
      bend: (leaf) => ({ ...leaf, encryptionKey: crypto.generateDh("x25519").publicKey }),
    }),
  },
  "an encryption key of the wrong size": {
    code: bad,
    forgery: () => ({ alter: (leaf) => ({ ...leaf, encryptionKey: new Uint8Array(33).fill(9) }) }),
  },
  "MLS-07: an encryption key of low order": {
    code: bad,
    forgery: () => ({ alter: (leaf) => ({ ...leaf, encryptionKey: low }) }),
  },
  "a signature key of the wrong size": {
    code: bad,
    forgery: () => ({ alter: (leaf) => ({ ...leaf, signatureKey: new Uint8Array(31) }) }),
    // The message itself is signed under that key.
    except: { "the leaf of an external commit": "mls/bad-signature" },
  },
  "two extensions of a type": {
    code: "mls/duplicate-extension",
    forgery: () => ({
      alter: (leaf) => {
        const extension = { type: 0xff00, data: new Uint8Array(0) };
        return { ...leaf, extensions: [extension, extension] };
      },
    }),
  },
  "an extension that its capabilities do not list": {
    code: "mls/unsupported",
    forgery: () => ({
      alter: (leaf) => ({ ...leaf, extensions: [{ type: 0xff77, data: new Uint8Array(0) }] }),
    }),
  },
  "capabilities without an extension of the group": {
    code: "mls/unsupported",
    forgery: () => lacking({ extensions: [10] }),
  },
  "a credential that its capabilities do not list": {
    code: "mls/unsupported",
    forgery: () => lacking({ credentials: [2, 0x4a4a] }),
  },
  "a credential that the others do not support": {
    code: "mls/unsupported",
    forgery: () => ({
      alter: (leaf) => ({
        ...leaf,
        credential: { kind: "x509", certificates: [toUtf8("certificate")] },
        capabilities: { ...capabilities, credentials: [1, 2, 0x4a4a] },
      }),
    }),
    except: together,
  },
  "another member's encryption key": {
    code: "mls/duplicate-key",
    forgery: ({ ada }) => ({
      alter: (leaf) => ({ ...leaf, encryptionKey: keyOf(ada.group, 1).encryptionKey }),
    }),
    except: together,
  },
  "another member's signature key": {
    code: "mls/duplicate-key",
    forgery: ({ bob }) => ({ key: bob.signer }),
    except: together,
  },
  "the application's rule: a name that is not welcome": {
    code: "app/not-welcome",
    forgery: () => ({
      alter: (leaf) => ({ ...leaf, credential: { kind: "basic", identity: toUtf8("mallory") } }),
    }),
  },
};

function welcomes({ credential }: LeafNode): boolean {
  return !(
    credential.kind === "basic" && new TextDecoder().decode(credential.identity) === "mallory"
  );
}

/** One rule about leaves, for every kind of view there is. */
const noMallory: Judge = (view) => {
  const ok = leavesIn(view).every(welcomes);
  return ok ? { kind: "accept" } : { kind: "refuse", code: "app/not-welcome" };
};

function leavesIn(view: CommitView | ProposalView | JoinView): LeafNode[] {
  if (view.kind === "join") return view.group.members().map(({ leaf }) => leaf);
  const proposals =
    view.kind === "commit" ? view.proposals.map(({ proposal }) => proposal) : [view.proposal];
  const leaves = proposals.flatMap((proposal) => {
    if (proposal.kind === "add") return [proposal.keyPackage.leafNode];
    return proposal.kind === "update" ? [proposal.leafNode] : [];
  });
  return view.kind === "commit" && view.pathLeaf ? [...leaves, view.pathLeaf] : leaves;
}

const rows = Object.entries(defects).flatMap(([what, defect]) =>
  Object.keys(ways).map((way) => [what, way, defect.except?.[way] ?? defect.code] as const),
);

test("the ways work: a leaf with nothing wrong comes in by each of them", () => {
  for (const [name, way] of Object.entries(ways)) {
    const result = way(three(), {}, noMallory);
    expect([name, ["committed", "proposal", "joined"].includes(result)]).toEqual([name, true]);
  }
});

test.each(rows)("%s, in %s: %s", (what, way, code) => {
  const group = three();
  const forgery = (defects[what] as Defect).forgery(group);
  expect((ways[way] as Way)(group, forgery, noMallory)).toBe(code);
});

/** Only leaf 0 changes who is in and what the group is; every author is asked after, not only the committer. */
const onlyAda: Judge = (view): Verdict => {
  if (view.kind === "join") return { kind: "accept" };
  const all = view.kind === "commit" ? view.proposals : [view];
  const harmless = new Set<Proposal["kind"]>(["update", "external-init", "psk"]);
  const allowed = all.every(
    ({ proposal, sender }) =>
      harmless.has(proposal.kind) || (sender.kind === "member" && sender.leafIndex === 0),
  );
  return allowed ? { kind: "accept" } : { kind: "refuse", code: "app/not-admin" };
};

const changes: Readonly<
  Record<string, () => Exclude<Proposal, { kind: "update" | "external-init" }>>
> = {
  removal: () => ({ kind: "remove", removed: 1 }),
  extensions: () => ({
    kind: "group-context-extensions",
    extensions: [{ type: 0xff00, data: toUtf8("mine") }],
  }),
  addition: () => ({ kind: "add", keyPackage: keyPackageOf(person("dan")).keyPackage }),
  reinit: () => ({
    kind: "reinit",
    groupId: toUtf8("next"),
    version: 1,
    cipherSuite: 3,
    extensions: [],
  }),
  custom: () => ({ kind: "custom", type: 0xff07, data: toUtf8("x") }),
};

type Change = ReturnType<(typeof changes)[string]>;

/** Proposals that are known from before the rule was in force, so that the commit is what is judged. */
function known(who: Person, message: Uint8Array): void {
  const result = process({ crypto, group: who.group, message, judge: acceptAll, nowSeconds: now });
  if (result.kind !== "proposal") throw new Error(result.kind);
  who.group = result.group;
}

const asCommit = (who: Person, more: Partial<Parameters<typeof commit>[0]>): Uint8Array =>
  commit({ crypto, group: who.group, signer: who.signer, nowSeconds: now, ...more }).message;

const authors: Readonly<Record<string, (three: Three, change: Change, judge: Judge) => string>> = {
  "by value, by cyd": ({ bob, cyd }, change, judge) =>
    answer(bob, asCommit(cyd, { proposals: [change] }), judge),
  "on its own, by cyd": ({ bob, cyd }, change, judge) => {
    const { group, signer } = cyd;
    return answer(bob, propose({ crypto, group, signer, proposal: change }).message, judge);
  },
  "by reference, by cyd in her own commit": ({ bob, cyd }, change, judge) => {
    const { group, signer } = cyd;
    const sent = propose({ crypto, group, signer, proposal: change });
    known(bob, sent.message);
    return answer(bob, asCommit({ ...cyd, group: sent.group }, { references: [sent.ref] }), judge);
  },
  "by reference, by cyd in ada's commit": ({ ada, bob, cyd }, change, judge) => {
    const { group, signer } = cyd;
    const sent = propose({ crypto, group, signer, proposal: change });
    known(ada, sent.message);
    known(bob, sent.message);
    return answer(bob, asCommit(ada, { references: [sent.ref] }), judge);
  },
  "by reference, by an external sender in ada's commit": ({ ada, bob }, change, judge) => {
    if (change.kind === "custom") return "app/not-admin"; // RFC 9420 §12.1.8 lets no external sender propose it
    const message = proposeAsExternal({
      crypto,
      cipherSuite: suite(),
      groupId,
      epoch: ada.group.epoch,
      signer: outsider.signer,
      senderIndex: 0,
      proposal: change,
    });
    expect(answer(bob, message, judge)).toBe("app/not-admin");
    known(ada, message);
    known(bob, message);
    return answer(bob, asCommit(ada, { references: "all" }), judge);
  },
};

const grid = Object.keys(changes).flatMap((what) =>
  Object.keys(authors).map((way) => [what, way] as const),
);

test.each(grid)("a %s that its author may not make is refused %s", (what, way) => {
  const change = (changes[what] as () => Change)();
  const act = authors[way] as (typeof authors)[string];
  expect(act(three(), change, onlyAda)).toBe("app/not-admin");
});

test("a removal in an external commit is judged with its newcomer as author", () => {
  const { ada, bob, cyd } = three();
  const { signer, credential } = eve;
  const groupInfo = exportGroupInfo({ crypto, group: ada.group, signer: ada.signer });
  const base = { crypto, groupInfo, signer, credential, capabilities, judge: acceptAll };
  const taking = joinByCommit({ ...base, resync: 2 });
  if (taking.kind !== "joined") throw new Error(taking.kind);
  for (const who of [ada, bob, cyd]) {
    expect(answer(who, taking.message, onlyAda)).toBe("app/not-admin");
  }
  const coming = joinByCommit(base);
  if (coming.kind !== "joined") throw new Error(coming.kind);
  expect(answer(bob, coming.message, onlyAda)).toBe("committed");
});
