import { readFileSync, writeFileSync } from "node:fs";
import { fromHex, fromUtf8, toHex } from "@coterie/base";
import { expect, test } from "vitest";
import {
  acceptAll,
  adopt,
  commit,
  decodePending,
  encodePending,
  process,
  propose,
  restoreGroup,
  snapshot,
} from "../src/index.ts";
import { commitAll, crypto, groupOfPeople, hear, receive, say } from "./people.ts";
import type { Person } from "./people.ts";

/** What a version wrote, with messages that a group restored from it has to read. Never changed once it is released. */
interface Golden {
  readonly entries: Readonly<Record<string, string>>;
  readonly pending: string;
  readonly messages: readonly {
    readonly bytes: string;
    readonly text: string;
    readonly epoch: string;
  }[];
  readonly adopted: string;
  readonly commit: string;
  readonly authenticator: string;
}

const file = (version: number): URL => new URL(`data/snapshot-v${version}.json`, import.meta.url);

for (const version of [1]) {
  test(`a snapshot of version ${version} is read for ever, and goes on`, () => {
    if (globalThis.process.env["COTERIE_WRITE_GOLDEN"] === String(version)) {
      writeFileSync(file(version), `${JSON.stringify(make(), undefined, 1)}\n`);
    }
    const golden = JSON.parse(readFileSync(file(version), "utf8")) as Golden;
    const stored = Object.entries(golden.entries).map(([key, hex]) => [key, fromHex(hex)] as const);
    let group = restoreGroup({ crypto, entries: new Map(stored) });
    const written = [...snapshot(group)].map(([key, bytes]) => [key, toHex(bytes)] as const);
    expect(Object.fromEntries(written)).toEqual(golden.entries);

    const pending = decodePending(crypto, fromHex(golden.pending));
    expect(toHex(encodePending(pending))).toBe(golden.pending);
    const adopted = adopt({ group, pending }).group;
    expect(toHex(adopted.epochAuthenticator)).toBe(golden.adopted);

    for (const { bytes, text, epoch } of golden.messages) {
      const result = process({ crypto, group, message: fromHex(bytes), judge: acceptAll });
      if (result.kind !== "message") throw new Error(result.kind);
      expect([fromUtf8(result.plaintext), String(result.epoch)]).toEqual([text, epoch]);
      ({ group } = result);
    }
    const message = fromHex(golden.commit);
    const result = process({ crypto, group, message, judge: acceptAll });
    if (result.kind !== "committed") throw new Error(result.kind);
    expect(toHex(result.group.epochAuthenticator)).toBe(golden.authenticator);
  });
}

/** Something in every entry: past epochs, used ratchets, skipped keys, proposals of our own and of others. */
function make(): Golden {
  const [ada, bob, cyd] = groupOfPeople(["ada", "bob", "cyd"]) as [Person, Person, Person];
  const messages: { bytes: string; text: string; epoch: string }[] = [];
  const late = (text: string): void => {
    messages.push({ bytes: toHex(say(ada, text)), text, epoch: String(ada.group.epoch) });
  };
  late("late, of a past epoch");
  hear(bob, say(ada, "heard"));
  commitAll(cyd, [ada, bob], {
    proposals: [
      { kind: "group-context-extensions", extensions: [{ type: 0xff00, data: fromHex("0102") }] },
    ],
  });
  late("late, of this epoch");
  hear(bob, say(ada, "heard"));
  late("still to come");
  for (const who of [ada, bob]) {
    const { group, signer } = who;
    const sent = propose({ crypto, group, signer, proposal: { kind: "update" } });
    who.group = sent.group;
    for (const other of [ada, bob, cyd]) {
      if (other === who) continue;
      const result = receive(other, sent.message);
      if (result.kind !== "proposal") throw new Error(result.kind);
      other.group = result.group;
    }
  }
  const entries = [...snapshot(bob.group)].map(([key, bytes]) => [key, toHex(bytes)] as const);
  const { group, signer } = bob;
  const proposals = [{ kind: "remove", removed: 2 }] as const;
  const { pending } = commit({ crypto, group, signer, references: "all", proposals });
  const byCyd = commitAll(cyd, [], { references: "all" });
  return {
    entries: Object.fromEntries(entries),
    pending: toHex(encodePending(pending)),
    messages,
    adopted: toHex(pending.staged.state.secrets.epochAuthenticator),
    commit: toHex(byCyd.message),
    authenticator: toHex(cyd.group.epochAuthenticator),
  };
}
