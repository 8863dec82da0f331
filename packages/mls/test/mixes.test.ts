import { invariant, toHex, toUtf8 } from "@coterie/base";
import { expect, test } from "vitest";
import {
  acceptAll,
  adopt,
  commit,
  encodeExternalSenders,
  join,
  members,
  process,
  propose,
  proposeAsExternal,
} from "../src/index.ts";
import type { Proposal, ProposalToSend } from "../src/index.ts";
import { crypto, groupOfPeople, keyPackageOf, now, person, receive } from "./people.ts";
import type { Person } from "./people.ts";
import { seeded } from "./seeded.ts";

const secret = toUtf8("a secret that all know");
const psks = (): Uint8Array => secret;

function leafOf(who: Person): number {
  return who.group.ownLeaf;
}

/**
 * Rounds of proposals of every kind by several authors, by reference and by value at once, in private and public messages. All who stay
 * agree on the epoch; who is gone is gone; who is added is in.
 */
for (const suiteId of [2, 3]) {
  test(`MLS-02, RFC 9420 §12.2: proposals in every mix, by value and by reference, suite ${suiteId}`, () => {
    const random = seeded(1_000 + suiteId);
    const outsider = person("outsider", suiteId);
    const listed = {
      type: 5,
      data: encodeExternalSenders([
        { signatureKey: outsider.signer.publicKey, credential: outsider.credential },
      ]),
    };
    const names = Array.from({ length: 7 }, (_, i) => `p${i}`);
    let people = groupOfPeople(names, { suiteId, extensions: [listed] });
    let count = names.length;
    const seen = new Map<string, number>();

    for (let round = 0; round < 40; round++) {
      const committer = people[random(people.length)] as Person;
      const joiners: [Person, ReturnType<typeof keyPackageOf>][] = [];
      const gone = new Set<Person>();
      const byValue: Proposal[] = [];
      const wireFormat = random(2) === 0 ? "public" : "private";

      const someone = (): Person => people[random(people.length)] as Person;
      const proposalFor = (author: Person): ProposalToSend | undefined => {
        const kind = random(6);
        if (kind === 0) return author === committer ? undefined : { kind: "update" };
        if (kind === 1) {
          const target = someone();
          if (target === committer || people.length - gone.size < 4) return undefined;
          if (gone.has(target)) return undefined;
          gone.add(target);
          return { kind: "remove", removed: leafOf(target) };
        }
        if (kind === 2) {
          const who = person(`p${count++}`, suiteId);
          const kp = keyPackageOf(who);
          joiners.push([who, kp]);
          return { kind: "add", keyPackage: kp.keyPackage };
        }
        if (kind === 3) {
          const nonce = crypto.bytes(32);
          return { kind: "psk", psk: { kind: "external", pskId: toUtf8("p"), nonce } };
        }
        if (kind === 4) return { kind: "custom", type: 0xff07, data: toUtf8(`${round}`) };
        const data = toUtf8(`round ${round}`);
        return {
          kind: "group-context-extensions",
          extensions: [listed, { type: 0xff00, data }],
        };
      };
      const note = (how: string, { kind }: { readonly kind: string }): void => {
        seen.set(`${kind} ${how}`, (seen.get(`${kind} ${how}`) ?? 0) + 1);
      };

      const spread = (message: Uint8Array, from?: Person): void => {
        for (const who of people) {
          if (who === from) continue;
          const heard = receive(who, message);
          if (heard.kind === "refused") throw heard.reason;
          if (heard.kind !== "proposal") throw new Error(heard.kind);
          who.group = heard.group;
        }
      };
      let extensionsProposed = false;
      for (let i = random(6); i > 0; i--) {
        const author = someone();
        const proposal = proposalFor(author);
        if (!proposal) continue;
        extensionsProposed ||= proposal.kind === "group-context-extensions";
        note("by reference", proposal);
        const { group, signer } = author;
        const sent = propose({ crypto, group, signer, proposal, wireFormat });
        author.group = sent.group;
        spread(sent.message, author);
      }
      if (random(3) === 0) {
        const who = person(`p${count++}`, suiteId);
        const kp = keyPackageOf(who);
        joiners.push([who, kp]);
        note("by an external sender", { kind: "add" });
        const { groupId, epoch } = committer.group;
        spread(
          proposeAsExternal({
            crypto,
            cipherSuite: outsider.suite,
            groupId,
            epoch,
            signer: outsider.signer,
            senderIndex: 0,
            proposal: { kind: "add", keyPackage: kp.keyPackage },
          }),
        );
      }
      for (let i = random(4); i > 0; i--) {
        const proposal = proposalFor(committer);
        if (!proposal || proposal.kind === "update") continue;
        if (proposal.kind === "group-context-extensions" && extensionsProposed) continue;
        extensionsProposed ||= proposal.kind === "group-context-extensions";
        note("by value", proposal);
        byValue.push(proposal);
      }

      const { group, signer } = committer;
      const path = random(2) === 0 ? { forcePath: true } : {};
      const made = commit({
        crypto,
        group,
        signer,
        proposals: byValue,
        references: "all",
        wireFormat,
        psks,
        nowSeconds: now,
        ...path,
      });
      const { message, welcome } = made;
      committer.group = adopt({ group: made.group, pending: made.pending }).group;
      for (const who of people) {
        if (who === committer) continue;
        const result = process({ crypto, group: who.group, message, judge: acceptAll, psks });
        if (result.kind === "refused") throw result.reason;
        expect(result).toMatchObject({ kind: "committed", removed: gone.has(who) });
        if (result.kind === "committed") who.group = result.group;
      }
      for (const [who, kp] of joiners) {
        invariant(welcome, "whoever is added gets a Welcome");
        const joined = join({ crypto, welcome, keyPackages: [kp], judge: acceptAll, psks });
        if (joined.kind === "refused") throw joined.reason;
        invariant(joined.kind === "joined", "nothing to wait for");
        who.group = joined.group;
      }
      people = [...people.filter((who) => !gone.has(who)), ...joiners.map(([who]) => who)];
      expect(new Set(people.map((who) => toHex(who.group.epochAuthenticator))).size).toBe(1);
      expect(members(committer.group)).toHaveLength(people.length);
      expect(committer.group.proposals.size).toBe(0);
    }
    const kinds = ["update", "remove", "add", "psk", "custom", "group-context-extensions"];
    for (const kind of kinds) expect(seen.get(`${kind} by reference`)).toBeGreaterThan(1);
    for (const kind of kinds.slice(1)) expect(seen.get(`${kind} by value`)).toBeGreaterThan(1);
    expect(seen.get("add by an external sender")).toBeGreaterThan(1);
  });
}
