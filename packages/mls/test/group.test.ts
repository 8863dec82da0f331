import { fromUtf8, toHex } from "@coterie/base";
import { expect, test } from "vitest";
import { exportSecret, members } from "../src/index.ts";
import {
  commitAll,
  crypto,
  groupOfPeople,
  hear,
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
  test(`suite ${suiteId}: create, add, talk, update, remove`, () => {
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
