import { InvariantError, toUtf8 } from "@coterie/base";
import { expect, test } from "vitest";
import { acceptAll, commit, join, process, propose } from "../src/index.ts";
import type { CommitView, Judge, JoinView, ProposalView, Verdict } from "../src/index.ts";
import { bytesOf } from "./forge.ts";
import { crypto, groupOfPeople, keyPackageOf, now, person } from "./people.ts";
import type { Person } from "./people.ts";

const three = (): [Person, Person, Person] =>
  groupOfPeople(["ada", "bob", "cyd"]) as [Person, Person, Person];

test("a judge sees every proposal with its own author, the committer, the path's leaf and both groups", () => {
  const [ada, bob, cyd] = three();
  const proposed = propose({
    crypto,
    group: cyd.group,
    signer: cyd.signer,
    proposal: { kind: "update", newLeaf: { extensions: [{ type: 0xff00, data: toUtf8("x") }] } },
  });
  const asked: ProposalView[] = [];
  const keep: Judge = (view) => {
    if (view.kind === "proposal") asked.push(view);
    return { kind: "accept" };
  };
  for (const who of [ada, bob]) {
    const result = process({ crypto, group: who.group, message: proposed.message, judge: keep });
    if (result.kind !== "proposal") throw new Error(result.kind);
    who.group = result.group;
  }
  expect(asked[0]).toMatchObject({ kind: "proposal", sender: { kind: "member", leafIndex: 2 } });

  const dan = person("dan");
  const kp = keyPackageOf(dan);
  const made = commit({
    crypto,
    group: ada.group,
    signer: ada.signer,
    references: "all",
    proposals: [{ kind: "add", keyPackage: kp.keyPackage }],
    authenticatedData: toUtf8("aad"),
  });
  const views: CommitView[] = [made.pending.view];
  const judge: Judge = (view) => {
    if (view.kind === "commit") views.push(view);
    return { kind: "accept" };
  };
  const result = process({ crypto, group: bob.group, message: made.message, judge });
  expect(result.kind).toBe("committed");
  expect(views).toHaveLength(2);
  for (const view of views) {
    expect(view.committer).toMatchObject({ leafIndex: 0 });
    expect(view.committer.leaf).toEqual(view.before.memberAt(0)?.leaf);
    expect(view.pathLeaf).toEqual(view.after.memberAt(0)?.leaf);
    expect(view.external).toBe(false);
    expect(view.authenticatedData).toEqual(toUtf8("aad"));
    expect(view.proposals.map(({ proposal, byReference }) => [proposal.kind, byReference])).toEqual(
      [
        ["update", true],
        ["add", false],
      ],
    );
    expect(view.proposals.map(({ sender }) => sender)).toMatchObject([
      { kind: "member", leafIndex: 2 },
      { kind: "member", leafIndex: 0 },
    ]);
    expect(view.before.members()).toHaveLength(3);
    expect(view.after.members()).toHaveLength(4);
    expect(view.before.memberAt(3)).toBeUndefined();
    expect(view.after.memberAt(3)?.leaf.credential).toEqual(dan.credential);
    expect(view.after.context.epoch).toBe(view.before.context.epoch + 1n);
    expect(view.after.memberAt(2)?.leaf.extensions).toHaveLength(1);
    expect(view.before.memberAt(2)?.leaf.extensions).toHaveLength(0);
  }
});

test("refused and waiting leave the group as it was, ratchet included; later the same bytes are taken", () => {
  const [ada, bob] = three();
  const before = bytesOf(bob.group);
  const made = commit({ crypto, group: ada.group, signer: ada.signer });
  const answer = (verdict: Verdict) =>
    process({ crypto, group: bob.group, message: made.message, judge: () => verdict });
  const details = { inbox: "none" };
  expect(answer({ kind: "refuse", code: "policy/no", details })).toEqual({
    kind: "refused",
    reason: { code: "policy/no", details },
  });
  expect(answer({ kind: "wait", for: { inbox: 7 } })).toEqual({
    kind: "waiting",
    for: { inbox: 7 },
  });
  expect(bytesOf(bob.group)).toEqual(before);
  expect(answer({ kind: "accept" }).kind).toBe("committed");
});

test("a judge is asked only about what MLS accepts, and not about what is not for it", () => {
  const [ada, bob] = three();
  const never: Judge = () => {
    throw new Error("asked");
  };
  const made = commit({ crypto, group: ada.group, signer: ada.signer });
  const bent = made.message.slice();
  bent[bent.length - 1] = (bent.at(-1) as number) ^ 1;
  expect(process({ crypto, group: bob.group, message: bent, judge: never }).kind).toBe("refused");
  expect(process({ crypto, group: ada.group, message: made.message, judge: never }).kind).toBe(
    "own",
  );
});

test("a promise is not a verdict: an invariant, and nothing changes", () => {
  const [ada, bob] = three();
  const before = bytesOf(bob.group);
  const { message } = commit({ crypto, group: ada.group, signer: ada.signer });
  const judge = (async () => ({ kind: "accept" })) as unknown as Judge;
  expect(() => process({ crypto, group: bob.group, message, judge })).toThrow(InvariantError);
  expect(bytesOf(bob.group)).toEqual(before);
});

test("the same judge sees the whole group before it joins, and may refuse or wait", () => {
  const [ada] = three();
  const dan = person("dan");
  const kp = keyPackageOf(dan);
  const proposals = [{ kind: "add", keyPackage: kp.keyPackage }] as const;
  const made = commit({ crypto, group: ada.group, signer: ada.signer, proposals, nowSeconds: now });
  const welcome = made.welcome as Uint8Array;
  const views: JoinView[] = [];
  const joinWith = (verdict: Verdict) =>
    join({
      crypto,
      welcome,
      keyPackages: [kp],
      judge: (view) => {
        if (view.kind === "join") views.push(view);
        return verdict;
      },
    });
  expect(joinWith({ kind: "refuse", code: "policy/no" })).toMatchObject({ kind: "refused" });
  expect(joinWith({ kind: "wait", for: 1 })).toEqual({ kind: "waiting", for: 1 });
  expect(joinWith({ kind: "accept" })).toMatchObject({ kind: "joined", sender: { leafIndex: 0 } });
  expect(views[0]).toMatchObject({ kind: "join", ownLeaf: 3, signer: { leafIndex: 0 } });
  expect(views[0]?.group.members()).toHaveLength(4);
  expect(views[0]?.group.context).toEqual(made.pending.staged.state.context);
  const lookup = (ref: Uint8Array) => (ref.length === 32 ? kp : undefined);
  expect(join({ crypto, welcome, keyPackages: lookup, judge: acceptAll }).kind).toBe("joined");
});

test("a proposal that the judge refuses is not kept, and a commit cannot refer to it", () => {
  const [ada, bob, cyd] = three();
  const proposal = { kind: "remove", removed: 1 } as const;
  const sent = propose({ crypto, group: cyd.group, signer: cyd.signer, proposal });
  const { message } = sent;
  const refuse: Judge = () => ({ kind: "refuse", code: "policy/no" });
  expect(process({ crypto, group: ada.group, message, judge: refuse })).toMatchObject({
    kind: "refused",
    reason: { code: "policy/no" },
  });
  const references = [sent.ref];
  expect(() => commit({ crypto, group: ada.group, signer: ada.signer, references })).toThrow(
    expect.objectContaining({ code: "mls/unknown-proposal" }),
  );
  const byCyd = commit({ crypto, group: sent.group, signer: cyd.signer, references });
  expect(
    process({ crypto, group: bob.group, message: byCyd.message, judge: acceptAll }),
  ).toMatchObject({ kind: "refused", reason: { code: "mls/unknown-proposal" } });
});
