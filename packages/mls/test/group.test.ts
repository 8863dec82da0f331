import { fromUtf8, toHex } from "@coterie/base";
import { expect, test } from "vitest";
import {
  adopt,
  commit,
  decodePending,
  encodePending,
  exportSecret,
  members,
  restoreGroup,
  snapshot,
} from "../src/index.ts";
import {
  commitAll,
  committed,
  crypto,
  groupOfPeople,
  hear,
  joinBy,
  keyPackageOf,
  person,
  receive,
  say,
} from "./people.ts";
import type { Person } from "./people.ts";

function agree(people: readonly Person[]): void {
  const seen = people.map(({ group }) => ({
    epoch: group.epoch,
    authenticator: toHex(group.epochAuthenticator),
    exported: toHex(
      exportSecret({ crypto, group, label: "test", context: new Uint8Array(3), length: 40 }),
    ),
    members: members(group).length,
  }));
  for (const one of seen) expect(one).toEqual(seen[0]);
}

for (const suiteId of [1, 2, 3, 4, 5, 6, 7]) {
  test(`MLS-01: suite ${suiteId}: create, add, talk, update, remove`, () => {
    const people = groupOfPeople(["ada", "bob", "cyd", "dan", "eve"], { suiteId });
    agree(people);
    const [ada, bob, cyd, dan, eve] = people as [Person, Person, Person, Person, Person];
    const heard = hear(bob, say(ada, "hello"));
    expect(fromUtf8(heard.plaintext)).toBe("hello");
    expect(heard.sender.leafIndex).toBe(0);
    expect(heard.sender.leaf.credential).toEqual(ada.credential);
    expect([heard.epoch, heard.generation]).toEqual([1n, 0]);

    commitAll(cyd, [ada, bob, dan, eve]);
    agree(people);
    const made = commitAll(ada, [bob, cyd, dan], { proposals: [{ kind: "remove", removed: 4 }] });
    const out = receive(eve, made.message);
    expect(out).toMatchObject({ kind: "committed", removed: true });
    agree([ada, bob, cyd, dan]);

    const fay = person("fay", suiteId);
    const keyPackage = keyPackageOf(fay);
    const add = { kind: "add", keyPackage: keyPackage.keyPackage } as const;
    commitAll(dan, [ada, bob, cyd], { proposals: [add] }, [[fay, keyPackage]]);
    agree([ada, bob, cyd, dan, fay]);
    expect(fromUtf8(hear(fay, say(bob, "welcome")).plaintext)).toBe("welcome");
    expect(fromUtf8(hear(bob, say(fay, "thanks")).plaintext)).toBe("thanks");
  });
}

test("what a caller passes in stays the caller's: a Buffer may be used again", () => {
  const [ada, bob, cyd] = groupOfPeople(["ada", "bob", "cyd"]) as [Person, Person, Person];
  const passed = (bytes: Uint8Array): Buffer => Buffer.from(bytes);
  const dan = person("dan");
  const kp = keyPackageOf(dan);
  const proposals = [{ kind: "add", keyPackage: kp.keyPackage }] as const;
  const made = commit({ crypto, group: ada.group, signer: ada.signer, proposals, forcePath: true });
  const buffers = [passed(made.message), passed(made.welcome as Uint8Array)] as const;
  committed(bob, buffers[0]);
  joinBy(dan, buffers[1], kp);
  const stored = new Map([...snapshot(bob.group)].map(([key, entry]) => [key, passed(entry)]));
  bob.group = restoreGroup({ crypto, entries: stored });
  const pending = passed(encodePending(made.pending));
  const decoded = decodePending(crypto, pending);
  for (const buffer of [...buffers, ...stored.values(), pending]) buffer.fill(0xff);
  ada.group = adopt({ group: made.group, pending: decoded }).group;
  committed(cyd, made.message);
  for (const who of [bob, dan, ada]) {
    const others = [ada, bob, cyd, dan].filter((other) => other !== who);
    commitAll(who, others);
  }
  agree([ada, bob, cyd, dan]);
});
