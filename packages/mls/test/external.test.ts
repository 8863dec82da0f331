import { toHex, toUtf8 } from "@coterie/base";
import { expect, test } from "vitest";
import {
  acceptAll,
  encodeExternalSenders,
  encodeRatchetTree,
  exportGroupInfo,
  extensionTypes,
  joinByCommit,
  members,
  propose,
  proposeAsExternal,
  proposeToJoin,
} from "../src/index.ts";
import type { ExternalJoinInput, Group, Proposal } from "../src/index.ts";
import { expectRefused, inCommit, resign } from "./forge.ts";
import {
  capabilities,
  commitAll,
  committed,
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

const three = (): [Person, Person, Person] =>
  groupOfPeople(["ada", "bob", "cyd"]) as [Person, Person, Person];

function comeIn(
  who: Person,
  groupInfo: Uint8Array,
  more: Partial<ExternalJoinInput> = {},
): { message: Uint8Array; group: Group } {
  const { signer, credential } = who;
  const input = { crypto, groupInfo, signer, credential, capabilities, judge: acceptAll };
  const result = joinByCommit({ ...input, ...more });
  if (result.kind === "refused") throw result.reason;
  if (result.kind === "waiting") throw new Error("nothing to wait for");
  return result;
}

function infoOf(who: Person): Uint8Array {
  return exportGroupInfo({ crypto, group: who.group, signer: who.signer });
}

function sameEpoch(people: readonly Person[]): void {
  const authenticators = new Set(people.map(({ group }) => toHex(group.epochAuthenticator)));
  expect(authenticators.size).toBe(1);
}

for (const suiteId of [1, 2, 3]) {
  test(`RFC 9420 §12.4.3.2: an external commit joins, suite ${suiteId}`, () => {
    const people = groupOfPeople(["ada", "bob", "cyd", "dan"], { suiteId });
    const eve = person("eve", suiteId);
    const { message, group } = comeIn(eve, infoOf(people[1] as Person));
    for (const who of people) {
      const { view } = committed(who, message);
      expect(view).toMatchObject({ external: true, committer: { leafIndex: 4 } });
      expect(view.before.memberAt(4)).toBeUndefined();
      expect(view.after.memberAt(4)?.leaf.credential).toEqual(eve.credential);
      expect(view.proposals.map(({ proposal }) => proposal.kind)).toEqual(["external-init"]);
    }
    eve.group = group;
    people.push(eve);
    sameEpoch(people);
    hear(people[0] as Person, say(eve, "hello"));
    hear(eve, say(people[2] as Person, "hello"));
    for (const who of people)
      commitAll(
        who,
        people.filter((other) => other !== who),
      );
    sameEpoch(people);
  });
}

test("RFC 9420 §12.4.3.2: a resync replaces the joiner's old leaf; the old appearance is out", () => {
  const [ada, bob, cyd] = three();
  const lost = { ...bob };
  const { message, group } = comeIn(bob, infoOf(ada), { resync: 1 });
  for (const who of [ada, cyd]) committed(who, message);
  expect(receive(lost, message)).toMatchObject({ kind: "committed", removed: true });
  bob.group = group;
  expect(bob.group.ownLeaf).toBe(1);
  sameEpoch([ada, bob, cyd]);
  expect(members(ada.group)).toHaveLength(3);
});

test("an external commit with the tree beside the GroupInfo, and with a PSK", () => {
  const [ada, bob, cyd] = three();
  const dan = person("dan");
  const groupInfo = exportGroupInfo({
    crypto,
    group: ada.group,
    signer: ada.signer,
    ratchetTree: false,
  });
  const { signer, credential } = dan;
  const base = { crypto, groupInfo, signer, credential, capabilities, judge: acceptAll };
  expect(joinByCommit(base)).toMatchObject({
    kind: "refused",
    reason: { code: "mls/missing-tree" },
  });
  const psk = {
    kind: "resumption",
    usage: "application",
    groupId,
    epoch: 1n,
    nonce: crypto.bytes(32),
  } as const;
  const { message, group } = comeIn(dan, groupInfo, {
    ratchetTree: encodeRatchetTree(ada.group.tree),
    psks: [psk],
    pskLookup: () => bob.group.state.secrets.resumptionPsk,
  });
  for (const who of [ada, bob, cyd]) committed(who, message);
  dan.group = group;
  sameEpoch([ada, bob, cyd, dan]);
});

test("RFC 9420 §12.2: external commits hold one ExternalInit, and nothing that joiners may not do", () => {
  const [ada, bob] = three();
  const dan = person("dan");
  const { message } = comeIn(dan, infoOf(ada));
  const altered = (alter: (proposals: readonly Proposal[]) => readonly Proposal[]): Uint8Array =>
    resign(
      dan,
      ada.group,
      message,
      inCommit((value) => {
        const given = value.proposals.flatMap((item) =>
          item.kind === "proposal" ? [item.proposal] : [],
        );
        const proposals = alter(given).map((proposal) => ({ kind: "proposal", proposal }) as const);
        return { ...value, proposals };
      }),
    );
  const gce = { kind: "group-context-extensions", extensions: [] } as const;
  const remove = { kind: "remove", removed: 1 } as const;
  const bad = "mls/bad-proposal";
  expectRefused(
    bob,
    altered(() => []),
    bad,
    "no-external-init",
  );
  expectRefused(
    bob,
    altered((all) => [...all, ...all]),
    bad,
    "duplicate-external-init",
  );
  expectRefused(
    bob,
    altered((all) => [...all, gce]),
    bad,
    "not-in-external-commit",
  );
  const two = [remove, { ...remove, removed: 2 }];
  expectRefused(
    bob,
    altered((all) => [...all, ...two]),
    bad,
    "duplicate-remove",
  );
  const psk = { kind: "external", pskId: toUtf8("p"), nonce: new Uint8Array(32) } as const;
  const { group, signer } = ada;
  const sent = propose({ crypto, group, signer, proposal: { kind: "psk", psk } });
  const known = receive(bob, sent.message);
  if (known.kind !== "proposal") throw new Error(known.kind);
  bob.group = known.group;
  const reference = { kind: "reference", reference: sent.ref } as const;
  const referring = resign(
    dan,
    ada.group,
    message,
    inCommit((value) => ({ ...value, proposals: [...value.proposals, reference] })),
  );
  expectRefused(bob, referring, bad, "by-reference");
  const pathless = resign(
    dan,
    ada.group,
    message,
    inCommit((v) => ({ ...v, path: undefined })),
  );
  expectRefused(bob, pathless, "mls/missing-path");
  committed(bob, message);
});

test("a member's commit cannot hold an ExternalInit", () => {
  const [ada, bob] = three();
  const { message } = comeIn(person("dan"), infoOf(ada));
  const forged = resign(ada, ada.group, message, (content) => ({
    ...content,
    sender: { kind: "member", leafIndex: 0 },
  }));
  expectRefused(bob, forged, "mls/bad-proposal", "external-init");
});

test("a GroupInfo without external_pub, or signed by somebody else, joins nobody", () => {
  const [ada, bob] = three();
  const dan = person("dan");
  const { signer, credential } = dan;
  const base = { crypto, signer, credential, capabilities, judge: acceptAll };
  const bare = exportGroupInfo({
    crypto,
    group: ada.group,
    signer: ada.signer,
    externalPub: false,
  });
  expect(joinByCommit({ ...base, groupInfo: bare })).toMatchObject({
    reason: { code: "mls/missing-external-pub" },
  });
  const forged = exportGroupInfo({ crypto, group: ada.group, signer: bob.signer });
  expect(joinByCommit({ ...base, groupInfo: forged })).toMatchObject({
    reason: { code: "mls/bad-signature" },
  });
});

test("RFC 9420 §12.1.8: external senders of the extension may propose, others may not", () => {
  const watcher = crypto.generateSigner("ed25519");
  const credential = { kind: "basic", identity: toUtf8("watcher") } as const;
  const data = encodeExternalSenders([{ signatureKey: watcher.publicKey, credential }]);
  const extensions = [{ type: extensionTypes.externalSenders, data }];
  const [ada, bob, cyd] = groupOfPeople(["ada", "bob", "cyd"], { extensions }) as [
    Person,
    Person,
    Person,
  ];
  const base = { crypto, cipherSuite: ada.suite, groupId, epoch: 1n, signer: watcher };
  const proposal = { kind: "remove", removed: 2 } as const;
  const message = proposeAsExternal({ ...base, senderIndex: 0, proposal });
  for (const who of [ada, bob, cyd]) {
    const result = receive(who, message);
    if (result.kind !== "proposal") throw new Error(result.kind);
    expect(result.sender).toMatchObject({ kind: "external", senderIndex: 0, credential });
    who.group = result.group;
  }
  const made = commitAll(ada, [bob], { references: "all" });
  expect(made.pending.view.proposals[0]?.sender).toMatchObject({ kind: "external" });
  expect(receive(cyd, made.message)).toMatchObject({ removed: true });
  sameEpoch([ada, bob]);

  const now = { ...base, epoch: 2n };
  const stranger = proposeAsExternal({ ...now, senderIndex: 1, proposal });
  expectRefused(bob, stranger, "mls/unknown-sender");
  const wrongKey = { ...now, signer: cyd.signer };
  const forged = proposeAsExternal({ ...wrongKey, senderIndex: 0, proposal });
  expectRefused(bob, forged, "mls/bad-signature");
  const custom = { kind: "custom", type: 0xff07, data: new Uint8Array(0) } as const;
  const odd = proposeAsExternal({ ...now, senderIndex: 0, proposal: custom });
  expectRefused(bob, odd, "mls/bad-proposal", "sender");
});

test("RFC 9420 §12.1.8: somebody new may ask to be added, and for nothing else", () => {
  const [ada, bob, cyd] = three();
  const dan = person("dan");
  const kp = keyPackageOf(dan);
  const base = { crypto, cipherSuite: ada.suite, groupId, epoch: 1n, signer: dan.signer };
  const message = proposeToJoin({ ...base, keyPackage: kp.keyPackage });
  for (const who of [ada, bob, cyd]) {
    const result = receive(who, message);
    if (result.kind !== "proposal") throw new Error(result.kind);
    expect(result.sender).toEqual({ kind: "new-member" });
    who.group = result.group;
  }
  commitAll(bob, [ada, cyd], { references: "all" }, [[dan, kp]]);
  sameEpoch([ada, bob, cyd, dan]);
  const eve = person("eve");
  const asked = proposeToJoin({
    ...base,
    epoch: 2n,
    signer: dan.signer,
    keyPackage: keyPackageOf(eve).keyPackage,
  });
  expectRefused(bob, asked, "mls/bad-signature");
  const other = resign(
    eve,
    ada.group,
    proposeToJoin({ ...base, epoch: 2n, keyPackage: kp.keyPackage }),
    (content) => ({
      ...content,
      content: { kind: "proposal", proposal: { kind: "remove", removed: 0 } },
    }),
  );
  expectRefused(bob, other, "mls/wrong-sender");
});
