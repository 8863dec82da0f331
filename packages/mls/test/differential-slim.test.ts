import { invariant, toHex, toUtf8 } from "@coterie/base";
import { expect, test } from "vitest";
import type { Proposal } from "../src/index.ts";
import { creator, crypto, person } from "./people.ts";
import { seeded } from "./seeded.ts";
import { leafOf, ourPeer, plain, theirPeer, theirSuite } from "./ts-mls-peer.ts";
import type { Habits, Peer, Taken } from "./ts-mls-peer.ts";

// SLIM's way of using MLS: suite 0x0002, handshakes as PublicMessages, authenticated data on commits.

const seed = Number(process.env["COTERIE_SEED"] ?? 20_260_202);
const operations = Number(process.env["COTERIE_OPERATIONS"] ?? 500);
/** ts-mls hashes whole trees: small groups, whose trees still grow, shrink and have gaps. */
const mostMembers = 6;
const suiteId = 2;

test(
  `ts-mls and ours agree after each of ${operations} operations of suite 0x0002 in public messages`,
  { timeout: 600_000 },
  async () => {
    const random = seeded(seed);
    const impl = await theirSuite(suiteId);
    const psks = new Map(
      [0, 1, 2].map((i) => [toHex(toUtf8(`psk ${i}`)), new Uint8Array(32).fill(i + 1)]),
    );
    const habits: Habits = { suiteId, handshakes: "public", psks };
    const witness = creator("p0", { suiteId, capabilities: plain });
    const peers: Peer[] = [ourPeer(witness, habits)];
    const done = new Map<string, number>();
    let count = 1;
    let widest = 1;
    let reused = 0;
    const vacated = new Set<number>();

    const note = (what: string, by: Peer): void => {
      const name = `${what} by ${by.ours ? "ours" : "theirs"}`;
      done.set(name, (done.get(name) ?? 0) + 1);
    };
    const pick = (from: readonly Peer[]): Peer | undefined => from[random(from.length || 1)];
    const newcomer = (ours = random(2) === 0): Peer => {
      const who = person(`p${count++}`, suiteId);
      return ours ? ourPeer(who, habits) : theirPeer(who, impl, habits);
    };
    const spread = async (from: Peer | undefined, message: Uint8Array): Promise<Taken[]> =>
      Promise.all(peers.filter((peer) => peer !== from).map((peer) => peer.take(message)));
    const arrive = (peer: Peer): void => {
      peers.push(peer);
      if (vacated.delete(leafOf(witness, peer))) reused++;
    };
    /** Commits with authenticated data, which all of ours see. */
    const run = async (from: Peer, proposals: readonly Proposal[], joiners: readonly Peer[]) => {
      const authenticatedData = toUtf8(`aad ${random(1_000)}`);
      const { commit, welcome } = await from.commit(proposals, authenticatedData);
      for (const taken of await spread(from, commit)) {
        if (taken.authenticatedData) expect(taken.authenticatedData).toEqual(authenticatedData);
      }
      const ghosts: Proposal[] = [];
      for (const joiner of joiners) {
        invariant(welcome, "whoever is added gets a Welcome");
        if (await joiner.join(welcome)) arrive(joiner);
        else ghosts.push({ kind: "remove", removed: leafOf(witness, joiner) });
      }
      if (ghosts.length === 0) return;
      note("join that ts-mls refuses", from);
      await spread(from, (await from.commit(ghosts)).commit);
    };
    const others = (from: Peer): Peer[] => peers.filter((peer) => peer !== from);
    const leave = (gone: Peer): void => {
      peers.splice(peers.indexOf(gone), 1);
    };
    const adds = async (joiners: readonly Peer[]): Promise<Proposal[]> => {
      const proposals: Proposal[] = [];
      for (const peer of joiners)
        proposals.push({ kind: "add", keyPackage: await peer.keyPackage() });
      return proposals;
    };
    const psk = (): Proposal => ({
      kind: "psk",
      psk: {
        kind: "external",
        pskId: toUtf8(`psk ${random(3)}`),
        nonce: crypto.bytes(32),
      },
    });

    const operation = async (): Promise<void> => {
      const turn = random(1_000) < 500;
      const sides = peers.filter((peer) => peer.ours === turn);
      const from = pick(sides) ?? (peers[0] as Peer);
      // The witness, at leaf 0, is never removed.
      const victim = pick(others(from).filter((peer) => peer !== peers[0]));
      const full = peers.length >= mostMembers;
      const action = peers.length < 3 ? random(2) : random(14);
      if (action < 2 && !full) {
        const joiners = Array.from({ length: 1 + random(3) }, () => newcomer());
        note("add", from);
        await run(from, await adds(joiners), joiners);
      } else if (action < 4 && victim && peers.length > 3) {
        const removed = leafOf(witness, victim);
        const joiners = random(2) === 0 ? [newcomer()] : [];
        note(joiners.length > 0 ? "remove and add" : "remove", from);
        leave(victim);
        vacated.add(removed);
        await run(from, [{ kind: "remove", removed }, ...(await adds(joiners))], joiners);
      } else if (action === 4 && victim && peers.length > 3) {
        const removed = leafOf(witness, victim);
        const proposer = pick(others(from).filter((peer) => peer !== victim));
        if (!proposer) return;
        note("proposed remove", from);
        await spread(proposer, await proposer.propose({ kind: "remove", removed }));
        leave(victim);
        vacated.add(removed);
        await run(from, [], []);
      } else if (action < 7) {
        // Updates by reference from leaf 0 and from others of ours, committed by either side.
        const authors = others(from).filter((peer) => peer.ours && random(2) === 0);
        for (const author of authors) {
          note(leafOf(witness, author) === 0 ? "update of leaf 0" : "proposed update", from);
          await spread(author, await author.propose("update"));
        }
        if (authors.length === 0) note("update", from);
        await run(from, [], []);
      } else if (action < 9 && !full) {
        // Each side reads `external_pub` as it writes it: ts-mls leaves out the length of the key inside.
        const joiner = newcomer(from.ours);
        const message = await joiner.joinByCommit(await from.groupInfo());
        if (message === undefined) return note("join that ts-mls refuses", from);
        note("external commit", joiner);
        await spread(undefined, message);
        arrive(joiner);
      } else if (action === 9) {
        const joiners = full ? [] : [newcomer()];
        note(joiners.length > 0 ? "PSK and add" : "PSK", from);
        await run(
          from,
          [psk(), ...(random(2) === 0 ? [psk()] : []), ...(await adds(joiners))],
          joiners,
        );
      } else if (action === 10) {
        const proposer = pick(others(from));
        if (!proposer) return;
        note("proposed PSK", from);
        await spread(proposer, await proposer.propose(psk()));
        await run(from, [], []);
      } else {
        note("message", from);
        const text = `message ${random(1_000)}`;
        const heard = await spread(from, await from.say(text));
        for (const taken of heard) expect(taken.text).toEqual(toUtf8(text));
      }
    };

    for (let i = 0; i < operations; i++) {
      await operation();
      widest = Math.max(widest, ...peers.map((peer) => leafOf(witness, peer) + 1));
      const [first, ...rest] = await Promise.all(peers.map((peer) => peer.secrets()));
      for (const secrets of rest) expect(secrets).toEqual(first);
    }
    const counts = [...done].map(([what, n]) => `${what} ${n}`).toSorted();
    console.log(
      `differential, SLIM: seed ${seed}, ${operations} operations, epoch ${witness.group.epoch}`,
    );
    console.log(
      `differential, SLIM: ${counts.join(", ")}; ${reused} slots used again, ${widest} leaves`,
    );
    if (operations < 500) return;
    for (const what of ["add", "remove", "update", "external commit", "PSK", "message"]) {
      for (const side of ["ours", "theirs"]) {
        expect(done.get(`${what} by ${side}`), `${what} by ${side}`).toBeGreaterThan(3);
      }
    }
    expect(done.get("update of leaf 0 by theirs")).toBeGreaterThan(3);
    expect(reused).toBeGreaterThan(3);
    expect(widest).toBeGreaterThan(4);
  },
);
