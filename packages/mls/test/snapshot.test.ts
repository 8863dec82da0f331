import { invariant, toHex, wipe } from "@coterie/base";
import { expect, test } from "vitest";
import {
  adopt,
  commit,
  decodePending,
  discard,
  encodePending,
  members,
  propose,
  restoreGroup,
  snapshot,
  snapshotChanges,
} from "../src/index.ts";
import type { Group } from "../src/index.ts";
import {
  commitAll,
  crypto,
  groupOfPeople,
  hear,
  joinBy,
  keyPackageOf,
  now,
  person,
  receive,
  say,
} from "./people.ts";
import type { Person } from "./people.ts";
import { seeded } from "./seeded.ts";

function bytesOf(group: Group): Record<string, string> {
  return Object.fromEntries(
    [...snapshot(group)].map(([key, bytes]) => [key, toHex(bytes)] as const).toSorted(),
  );
}

function restored(group: Group): Group {
  return restoreGroup({ crypto, entries: snapshot(group) });
}

/** A store that follows a group by its changes alone. */
class Follower {
  readonly entries = new Map<string, Uint8Array>();
  last: Group | undefined;
  follow(group: Group): { puts: number; bytes: number } {
    const { puts, deletes } = snapshotChanges(this.last, group);
    let bytes = 0;
    for (const key of deletes) invariant(this.entries.delete(key), `${key} is there to delete`);
    for (const [key, entry] of puts) {
      this.entries.set(key, entry);
      bytes += key.length + entry.length;
    }
    this.last = group;
    return { puts: puts.length, bytes };
  }
}

test("a group goes on from its snapshot as if nothing had happened", () => {
  const [ada, bob, cyd] = groupOfPeople(["ada", "bob", "cyd"]) as [Person, Person, Person];
  const early = say(ada, "one");
  say(ada, "two");
  hear(bob, say(ada, "three"));
  commitAll(cyd, [ada, bob]);
  bob.group = restored(bob.group);
  expect(hear(bob, early).generation).toBe(0);
  ada.group = restored(ada.group);
  commitAll(ada, [bob, cyd]);
  hear(ada, say(bob, "four"));
  expect(toHex(ada.group.epochAuthenticator)).toBe(toHex(bob.group.epochAuthenticator));
});

test("changes applied one after another make the same snapshot as the whole, and restore to it", () => {
  const random = seeded(7);
  const people = groupOfPeople(["p0", "p1", "p2", "p3", "p4", "p5"]);
  const followers = new Map(people.map((who) => [who, new Follower()] as const));
  let names = people.length;
  for (let step = 0; step < 60; step++) {
    const from = people[random(people.length)] as Person;
    const others = people.filter((who) => who !== from);
    const action = random(10);
    if (action < 5) {
      const message = say(from, `message ${step}`);
      for (const other of others) if (random(3) > 0) hear(other, message);
    } else if (action < 6) {
      const { group, signer } = from;
      const sent = propose({ crypto, group, signer, proposal: { kind: "update" } });
      from.group = sent.group;
      for (const other of others) {
        const result = receive(other, sent.message);
        if (result.kind !== "proposal") throw new Error(result.kind);
        other.group = result.group;
      }
    } else if (action < 8) commitAll(from, others, { references: "all" });
    else if (action === 8 && people.length > 3) {
      const gone = others[random(others.length)] as Person;
      people.splice(people.indexOf(gone), 1);
      const rest = others.filter((who) => who !== gone);
      const proposals = [{ kind: "remove", removed: gone.group.ownLeaf }] as const;
      const { message } = commitAll(from, rest, { proposals });
      const result = receive(gone, message);
      if (result.kind !== "committed") throw new Error(result.kind);
      gone.group = result.group;
      expect(bytesOf(restored(gone.group))).toEqual(bytesOf(gone.group));
    } else {
      const who = person(`p${names++}`);
      const kp = keyPackageOf(who);
      const proposals = [{ kind: "add", keyPackage: kp.keyPackage }] as const;
      commitAll(from, others, { proposals }, [[who, kp]]);
      people.push(who);
      followers.set(who, new Follower());
    }
    for (const who of people) {
      const follower = followers.get(who) as Follower;
      follower.follow(who.group);
      const stored = Object.fromEntries(
        [...follower.entries].map(([key, bytes]) => [key, toHex(bytes)] as const).toSorted(),
      );
      expect(stored).toEqual(bytesOf(who.group));
      const again = restoreGroup({ crypto, entries: follower.entries });
      expect(bytesOf(again)).toEqual(stored);
      if (random(4) === 0) {
        who.group = again;
        follower.last = again;
      }
    }
  }
  const authenticators = new Set(people.map(({ group }) => toHex(group.epochAuthenticator)));
  expect(authenticators.size).toBe(1);
});

test("one message writes one ratchet entry; a sender's first one also what lies beside its way", () => {
  const [ada, bob] = groupOfPeople(Array.from({ length: 9 }, (_, i) => `p${i}`)) as [
    Person,
    Person,
  ];
  const follower = new Follower();
  follower.follow(bob.group);
  hear(bob, say(ada, "first"));
  expect(follower.follow(bob.group).puts).toBe(5);
  for (let i = 0; i < 10; i++) {
    const message = say(ada, "next");
    if (i % 3 === 2) continue;
    hear(bob, message);
    const { puts, bytes } = follower.follow(bob.group);
    expect(puts).toBe(1);
    expect(bytes).toBeLessThan(2_048);
  }
});

test("secrets that were used up are in no entry afterwards", () => {
  const [ada, bob] = groupOfPeople(["ada", "bob", "cyd"]) as [Person, Person];
  const contains = (group: Group, secret: string): boolean =>
    [...snapshot(group).values()].some((entry) => toHex(entry).includes(secret));
  const message = say(ada, "one");
  const before = bob.group;
  const { spent } = receive(bob, message) as { spent: readonly Uint8Array[] };
  const used = spent.map(toHex);
  expect(used.length).toBeGreaterThan(2);
  expect(used.some((secret) => contains(before, secret))).toBe(true);
  hear(bob, message);
  for (const secret of used) expect(contains(bob.group, secret)).toBe(false);

  const { group, signer } = bob;
  const made = commit({ crypto, group, signer });
  const { group: after, spent: ended } = adopt({ group: made.group, pending: made.pending });
  for (const secret of ended.map(toHex)) expect(contains(after, secret)).toBe(false);
  expect(ended.map(toHex)).toContain(toHex(group.state.secrets.init));
});

test("wiping what was spent leaves the next value whole, and may be done twice", () => {
  const [ada, bob] = groupOfPeople(["ada", "bob", "cyd"]) as [Person, Person];
  const check = (spent: readonly Uint8Array[], next: Group): void => {
    const whole = bytesOf(next);
    wipe(...spent);
    wipe(...spent);
    expect(bytesOf(next)).toEqual(whole);
  };
  for (let epoch = 0; epoch < 5; epoch++) {
    for (let i = 0; i < 3; i++) {
      const heard = hear(bob, say(ada, "one"));
      check(heard.spent, bob.group);
    }
    const { group, signer } = ada;
    const made = commit({ crypto, group, signer });
    check(made.spent, made.group);
    const adopted = adopt({ group: made.group, pending: made.pending });
    check(adopted.spent, adopted.group);
    ada.group = adopted.group;
    const result = receive(bob, made.message);
    if (result.kind !== "committed") throw new Error(result.kind);
    check(result.spent, result.group);
    bob.group = result.group;
    expect(toHex(ada.group.epochAuthenticator)).toBe(toHex(bob.group.epochAuthenticator));
  }
});

test("a pending commit survives a restart, with all that a judge needs to see", () => {
  const [ada, bob, cyd] = groupOfPeople(["ada", "bob", "cyd"]) as [Person, Person, Person];
  const dan = person("dan");
  const kp = keyPackageOf(dan);
  const { group, signer } = ada;
  const proposals = [
    { kind: "remove", removed: 2 },
    { kind: "add", keyPackage: kp.keyPackage },
  ] as const;
  const made = commit({ crypto, group, signer, proposals, nowSeconds: now });
  const entries = snapshot(made.group);
  const pending = decodePending(crypto, encodePending(made.pending));
  const { view } = pending;
  expect(view.before.members()).toEqual(members(group));
  expect(view.before.memberAt(2)).toEqual({ leafIndex: 2, leaf: members(group)[2]?.leaf });
  expect(view.after.memberAt(2)?.leaf.credential).toEqual(dan.credential);
  expect(view.proposals).toEqual(made.pending.view.proposals);
  expect(view.committer).toEqual(members(group)[0]);
  expect(view.before.context).toEqual(group.context);
  ada.group = adopt({ group: restoreGroup({ crypto, entries }), pending }).group;
  bob.group = (receive(bob, made.message) as { group: Group }).group;
  joinBy(dan, made.welcome as Uint8Array, kp);
  expect(toHex(ada.group.epochAuthenticator)).toBe(toHex(bob.group.epochAuthenticator));
  expect(toHex(dan.group.epochAuthenticator)).toBe(toHex(bob.group.epochAuthenticator));
  expect(receive(cyd, made.message)).toMatchObject({ kind: "committed", removed: true });
  expect(encodePending(pending)).toEqual(encodePending(made.pending));
});

test("a pending commit fits only the epoch it was built on", () => {
  const [ada, bob] = groupOfPeople(["ada", "bob"]) as [Person, Person];
  const { group, signer } = ada;
  const made = commit({ crypto, group, signer });
  commitAll(bob, [ada]);
  expect(() => adopt({ group: ada.group, pending: made.pending })).toThrow(
    expect.objectContaining({ code: "mls/pending-mismatch" }),
  );
});

test("discarding a commit that lost the race leaves the group whole", () => {
  const [ada, bob] = groupOfPeople(["ada", "bob", "cyd"]) as [Person, Person];
  const { group, signer } = ada;
  const { keyPackage } = keyPackageOf(person("dan"));
  const proposals = [{ kind: "add", keyPackage }] as const;
  const lost = commit({ crypto, group, signer, proposals, nowSeconds: now });
  expect(lost.pending.pathLeaf).toBeUndefined();
  const whole = bytesOf(lost.group);
  const { spent } = discard({ group: lost.group, pending: lost.pending });
  wipe(...spent);
  expect(bytesOf(lost.group)).toEqual(whole);
  expect(lost.pending.staged.encryptionSecret.every((byte) => byte === 0)).toBe(true);
  ada.group = lost.group;
  commitAll(bob, [ada]);
  expect(toHex(ada.group.epochAuthenticator)).toBe(toHex(bob.group.epochAuthenticator));
});
