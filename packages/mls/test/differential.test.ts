import { invariant, toUtf8 } from "@coterie/base";
import { expect, test } from "vitest";
import type { Proposal } from "../src/index.ts";
import { creator, person } from "./people.ts";
import { seeded } from "./seeded.ts";
import { leafOf, ourPeer, plain, theirPeer, theirSuite } from "./ts-mls-peer.ts";
import type { Habits, Peer, Taken } from "./ts-mls-peer.ts";

const seed = Number(process.env["COTERIE_SEED"] ?? 20_260_101);
const steps = Number(process.env["COTERIE_STEPS"] ?? 25);

for (const suiteId of [1, 2, 3]) {
  test(
    `ts-mls and ours agree after every step of a mixed group, suite ${suiteId}`,
    { timeout: 600_000 },
    async () => {
      console.log(`differential: suite ${suiteId}, seed ${seed}, ${steps} steps`);
      const random = seeded(seed + suiteId);
      const impl = await theirSuite(suiteId);
      const habits: Habits = { suiteId, handshakes: "private", psks: new Map() };
      const witness = creator("p0", { suiteId, capabilities: plain });
      const peers: Peer[] = [ourPeer(witness, habits)];
      let count = 1;
      const done = new Map<string, number>();
      let side = "";
      const note = (what: string): void => {
        done.set(`${what} by ${side}`, (done.get(`${what} by ${side}`) ?? 0) + 1);
      };

      const agree = async (): Promise<void> => {
        const all = await Promise.all(peers.map((peer) => peer.secrets()));
        for (const secrets of all) expect(secrets).toEqual(all[0]);
      };
      const spread = async (from: Peer, message: Uint8Array): Promise<Taken[]> => {
        const heard: Taken[] = [];
        for (const peer of peers) if (peer !== from) heard.push(await peer.take(message));
        return heard;
      };
      const newcomer = (): Peer => {
        const name = `p${count++}`;
        return count % 2 === 0
          ? theirPeer(person(name, suiteId), impl, habits)
          : ourPeer(person(name, suiteId), habits);
      };
      const run = async (from: Peer, proposals: readonly Proposal[], joiners: readonly Peer[]) => {
        const { commit, welcome } = await from.commit(proposals);
        await spread(from, commit);
        for (const joiner of joiners) {
          invariant(welcome, "whoever is added gets a Welcome");
          if (await joiner.join(welcome)) peers.push(joiner);
          else note("unjoinable");
        }
        await agree();
      };
      /** Leaf index of a peer that is not the one who acts, nor the witness. */
      const victim = (from: Peer): { peer: Peer; removed: number } | undefined => {
        const candidates = peers.filter((peer) => peer !== from && peer !== peers[0]);
        const peer = candidates[random(candidates.length || 1)];
        return peer && { peer, removed: leafOf(witness, peer) };
      };

      for (let step = 0; step < steps; step++) {
        // Either side acts as often as the other, whoever happens to be in.
        const turn = random(1_000) < 500;
        const sides = peers.filter((peer) => peer.ours === turn);
        const from = (sides[random(sides.length || 1)] ?? peers[0]) as Peer;
        const action = peers.length < 3 ? 0 : random(12);
        side = from.ours ? "ours" : "theirs";
        if (action < 2) {
          note("add");
          const joiners = Array.from({ length: 1 + random(3) }, newcomer);
          const proposals: Proposal[] = [];
          for (const peer of joiners)
            proposals.push({ kind: "add", keyPackage: await peer.keyPackage() });
          await run(from, proposals, joiners);
        } else if (action < 4) {
          const gone = victim(from);
          if (!gone) continue;
          note("remove");
          peers.splice(peers.indexOf(gone.peer), 1);
          const joiners = random(2) === 0 ? [newcomer()] : [];
          const proposals: Proposal[] = [{ kind: "remove", removed: gone.removed }];
          for (const peer of joiners)
            proposals.push({ kind: "add", keyPackage: await peer.keyPackage() });
          await run(from, proposals, joiners);
        } else if (action < 6) {
          note("update");
          await run(from, [], []);
        } else if (action === 6) {
          const gone = victim(from);
          if (!gone) continue;
          const proposer = peers.find((peer) => peer !== from && peer !== gone.peer);
          if (!proposer) continue;
          note("proposal");
          await spread(proposer, await proposer.propose({ kind: "remove", removed: gone.removed }));
          peers.splice(peers.indexOf(gone.peer), 1);
          await run(from, [], []);
        } else if (action === 7 && from.ours) {
          // As a committer of extensions ts-mls leaves out the path, so only ours do.
          note("extensions");
          const extensions = [{ type: 0xff00 + random(2), data: toUtf8(`step ${step}`) }];
          await run(from, [{ kind: "group-context-extensions", extensions }], []);
        } else {
          note("message");
          const text = `message ${step}`;
          const heard = await spread(from, await from.say(text));
          for (const taken of heard) expect(taken.text).toEqual(toUtf8(text));
        }
      }
      console.log(`differential: ${[...done].map(([what, n]) => `${what} ${n}`).join(", ")}`);
      expect(witness.group.epoch).toBeGreaterThan(0n);
    },
  );
}
