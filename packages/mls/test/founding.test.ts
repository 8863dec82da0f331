import { toHex, toUtf8 } from "@coterie/base";
import { expect, test } from "vitest";
import {
  acceptAll,
  adopt,
  commit,
  createGroup,
  join,
  restoreGroup,
  resumptionPsk,
  snapshot,
} from "../src/index.ts";
import type { Group, Proposal } from "../src/index.ts";
import {
  capabilities,
  commitAll,
  crypto,
  groupOfPeople,
  keyPackageOf,
  lifetime,
  now,
  receive,
  say,
  suite,
} from "./people.ts";
import type { Person } from "./people.ts";

const three = (): [Person, Person, Person] =>
  groupOfPeople(["ada", "bob", "cyd"]) as [Person, Person, Person];

const newId = toUtf8("the next group");

function found(
  by: Person,
  from: Group,
  usage: "reinit" | "branch",
  others: readonly Person[],
): { group: Group; joinAs(who: Person, foundedFrom: Group): ReturnType<typeof join> } {
  const { signer, credential } = by;
  const created = createGroup({
    crypto,
    cipherSuite: suite(3),
    groupId: newId,
    signer,
    credential,
    capabilities,
    lifetime,
  });
  const psk = resumptionPsk({ crypto, group: from, usage });
  const kps = new Map(others.map((who) => [who, keyPackageOf(who)] as const));
  const proposals: Proposal[] = [
    { kind: "psk", psk: psk.id },
    ...[...kps.values()].map(({ keyPackage }) => ({ kind: "add", keyPackage }) as const),
  ];
  const made = commit({
    crypto,
    group: created,
    signer,
    proposals,
    founding: usage,
    psks: () => psk.secret,
    nowSeconds: now,
  });
  const { group } = adopt({ group: made.group, pending: made.pending });
  return {
    group,
    joinAs: (who, foundedFrom) => {
      const kp = kps.get(who);
      if (!kp) throw new Error("a key package");
      const welcome = made.welcome as Uint8Array;
      return join({ crypto, welcome, keyPackages: [kp], judge: acceptAll, foundedFrom });
    },
  };
}

test("RFC 9420 §11.2: a ReInit closes the group, and the next one is linked to it", () => {
  const [ada, bob, cyd] = three();
  const reinit = {
    kind: "reinit",
    groupId: newId,
    version: 1,
    cipherSuite: 3,
    extensions: [],
  } as const;
  commitAll(ada, [bob, cyd], { proposals: [reinit] });
  for (const who of [ada, bob, cyd]) {
    expect(who.group.status).toMatchObject({ kind: "reinit", reinit: { cipherSuite: 3 } });
    who.group = restoreGroup({ crypto, entries: snapshot(who.group) });
    expect(who.group.status).toMatchObject({ kind: "reinit" });
  }
  expect(() => say(bob, "too late")).toThrow(expect.objectContaining({ code: "mls/inactive" }));
  const { group, joinAs } = found(bob, bob.group, "reinit", [ada, cyd]);
  const joined = joinAs(cyd, cyd.group);
  if (joined.kind !== "joined") throw new Error(joined.kind);
  expect(toHex(joined.group.epochAuthenticator)).toBe(toHex(group.epochAuthenticator));
});

test("RFC 9420 §11.2: a group that is not what its ReInit announced is refused", () => {
  const [ada, bob, cyd] = three();
  const reinit = {
    kind: "reinit",
    groupId: toUtf8("another"),
    version: 1,
    cipherSuite: 3,
    extensions: [],
  } as const;
  commitAll(ada, [bob, cyd], { proposals: [reinit] });
  const { joinAs } = found(bob, bob.group, "reinit", [ada]);
  expect(joinAs(ada, ada.group)).toMatchObject({
    kind: "refused",
    reason: { code: "mls/bad-founding", details: { why: "group-id" } },
  });
});

test("RFC 9420 §11.3: a branch starts from the members' common secret", () => {
  const [ada, bob, cyd] = three();
  const { group, joinAs } = found(ada, ada.group, "branch", [bob]);
  const joined = joinAs(bob, bob.group);
  if (joined.kind !== "joined") throw new Error(joined.kind);
  expect(toHex(joined.group.epochAuthenticator)).toBe(toHex(group.epochAuthenticator));
  commitAll(cyd, [ada, bob]);
  expect(joinAs(bob, bob.group)).toMatchObject({ reason: { code: "mls/bad-founding" } });
});

test("RFC 9420 §12.1.4: PSKs of usage reinit and branch found groups and do nothing else", () => {
  const [ada] = three();
  for (const usage of ["reinit", "branch"] as const) {
    const { id } = resumptionPsk({ crypto, group: ada.group, usage });
    const proposals = [{ kind: "psk", psk: id }] as const;
    expect(() => commit({ crypto, group: ada.group, signer: ada.signer, proposals })).toThrow(
      expect.objectContaining({ code: "mls/bad-proposal" }),
    );
  }
});

test("RFC 9420 §8.6: a resumption PSK of a kept epoch needs no lookup", () => {
  const [ada, bob, cyd] = three();
  const { id } = resumptionPsk({ crypto, group: ada.group, usage: "application" });
  commitAll(bob, [ada, cyd]);
  commitAll(ada, [bob, cyd], { proposals: [{ kind: "psk", psk: id }] });
  expect(toHex(ada.group.epochAuthenticator)).toBe(toHex(cyd.group.epochAuthenticator));
  const forgotten = { ...id, epoch: 77n };
  const proposals = [{ kind: "psk", psk: forgotten }] as const;
  expect(() => commit({ crypto, group: ada.group, signer: ada.signer, proposals })).toThrow(
    expect.objectContaining({ code: "mls/unknown-psk" }),
  );
});

test("RFC 9420 §12.2: a ReInit comes alone", () => {
  const [ada, bob] = three();
  const reinit = {
    kind: "reinit",
    groupId: newId,
    version: 1,
    cipherSuite: 3,
    extensions: [],
  } as const;
  const proposals = [reinit, { kind: "remove", removed: 2 }] as const;
  expect(() => commit({ crypto, group: ada.group, signer: ada.signer, proposals })).toThrow(
    expect.objectContaining({ code: "mls/bad-proposal" }),
  );
  expect(
    receive(
      bob,
      commit({ crypto, group: ada.group, signer: ada.signer, proposals: [reinit] }).message,
    ).kind,
  ).toBe("committed");
});
