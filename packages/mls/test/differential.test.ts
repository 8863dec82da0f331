import { equal, invariant, toHex, toUtf8 } from "@coterie/base";
import {
  acceptAll as theirAcceptAll,
  createApplicationMessage,
  createCommit,
  createProposal,
  decodeMlsMessage as theirDecode,
  defaultCapabilities,
  emptyPskIndex,
  encodeMlsMessage as theirEncode,
  generateKeyPackageWithKey,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  mlsExporter,
  processMessage,
} from "ts-mls";
import type {
  CiphersuiteImpl,
  CiphersuiteName,
  ClientState,
  MLSMessage,
  Proposal as TheirProposal,
} from "ts-mls";
import { expect, test } from "vitest";
import {
  decodeMlsMessage,
  encodeMlsMessage,
  exportSecret,
  members,
  propose,
} from "../src/index.ts";
import type { Capabilities, KeyPackage, Proposal } from "../src/index.ts";
import {
  commitAll,
  creator,
  crypto,
  hear,
  joinBy,
  keyPackageOf,
  person,
  receive,
  say,
} from "./people.ts";
import type { Person } from "./people.ts";
import { seeded } from "./seeded.ts";

/** ts-mls does not decode capabilities with numbers that it does not know. */
const plain: Capabilities = {
  versions: [1],
  cipherSuites: [1, 2, 3],
  extensions: [0xff00, 0xff01],
  proposals: [],
  credentials: [1],
};

/**
 * ts-mls wants equal lists of unmerged leaves on all levels, where RFC 9420 §12.4.3.1 wants a leaf that is in one list to be in those below
 * it. Its own members, who did not join by this tree, go on with it.
 */
const unjoinable = "non-blank intermediate node must list leaf node in its unmerged_leaves";

/** ts-mls looks at the clock of the machine. */
const always = { notBefore: 0n, notAfter: 2n ** 63n - 1n };

/** One member of a mixed group, whichever implementation it runs. */
interface Peer {
  readonly name: string;
  readonly ours: boolean;
  /** MLSMessages of a commit of its own, which it has adopted, and of the Welcome to those it adds. */
  commit(proposals: readonly Proposal[]): Promise<{ commit: Uint8Array; welcome?: Uint8Array }>;
  propose(proposal: Proposal): Promise<Uint8Array>;
  say(text: string): Promise<Uint8Array>;
  /** Takes in any message; answers what it says, if it says something. */
  take(message: Uint8Array): Promise<Uint8Array | undefined>;
  keyPackage(): Promise<KeyPackage>;
  /** False where it cannot join what the others are in: see `unjoinable`. */
  join(welcome: Uint8Array): Promise<boolean>;
  secrets(): Promise<readonly string[]>;
}

function ourPeer(who: Person): Peer {
  let waiting: ReturnType<typeof keyPackageOf> | undefined;
  return {
    name: who.name,
    ours: true,
    async commit(proposals) {
      const made = commitAll(who, [], { proposals, references: "all" });
      return { commit: made.message, ...(made.welcome ? { welcome: made.welcome } : {}) };
    },
    async propose(proposal) {
      const { group, signer } = who;
      invariant(proposal.kind === "remove" || proposal.kind === "add", "what this test proposes");
      const sent = propose({ crypto, group, signer, proposal });
      who.group = sent.group;
      return sent.message;
    },
    async say(text) {
      return say(who, text);
    },
    async take(message) {
      const result = receive(who, message);
      if (result.kind === "refused") throw result.reason;
      if (result.kind === "message") return hear(who, message).plaintext;
      invariant("group" in result, `a step forward, not ${result.kind}`);
      who.group = result.group;
      return undefined;
    },
    async keyPackage() {
      waiting = keyPackageOf(who, { capabilities: plain, lifetime: always });
      return waiting.keyPackage;
    },
    async join(welcome) {
      invariant(waiting, "asked to be added");
      joinBy(who, welcome, waiting);
      return true;
    },
    async secrets() {
      const { group } = who;
      const what = { label: "differential", context: toUtf8("c"), length: 32 };
      return [
        String(group.epoch),
        toHex(group.epochAuthenticator),
        toHex(exportSecret({ crypto, group, ...what })),
      ];
    },
  };
}

function theirPeer({ name, signer }: Person, impl: CiphersuiteImpl): Peer {
  let state: ClientState | undefined;
  let waiting: Awaited<ReturnType<typeof generateKeyPackageWithKey>> | undefined;
  const now = (): ClientState => {
    invariant(state, "in the group");
    return state;
  };
  const encode = (message: MLSMessage): Uint8Array => theirEncode(message);
  return {
    name,
    ours: false,
    async commit(proposals) {
      const extraProposals = proposals.map(toTheirs);
      const options = { extraProposals, ratchetTreeExtension: true };
      const made = await createCommit({ state: now(), cipherSuite: impl }, options);
      state = made.newState;
      const { welcome } = made;
      const commit = encode(made.commit);
      if (!welcome) return { commit };
      return { commit, welcome: encode({ version: "mls10", wireformat: "mls_welcome", welcome }) };
    },
    async propose(proposal) {
      const sent = await createProposal(now(), false, toTheirs(proposal), impl);
      state = sent.newState;
      return encode(sent.message);
    },
    async say(text) {
      const sent = await createApplicationMessage(now(), toUtf8(text), impl);
      state = sent.newState;
      const { privateMessage } = sent;
      return encode({ version: "mls10", wireformat: "mls_private_message", privateMessage });
    },
    async take(message) {
      const decoded = theirDecode(message, 0)?.[0];
      invariant(decoded?.wireformat === "mls_private_message", "a PrivateMessage");
      const result = await processMessage(decoded, now(), emptyPskIndex, theirAcceptAll, impl);
      state = result.newState;
      return result.kind === "applicationMessage" ? result.message : undefined;
    },
    async keyPackage() {
      const credential = { credentialType: "basic", identity: toUtf8(name) } as const;
      // Signature keys are ours: its own P-256 ones are compressed points, which RFC 9420 §5.1.1 does not allow.
      const { publicKey, privateKey: signKey } = signer;
      waiting = await generateKeyPackageWithKey(
        credential,
        theirCapabilities(),
        always,
        [],
        { signKey, publicKey },
        impl,
      );
      const keyPackage = waiting.publicPackage;
      const bytes = encode({ version: "mls10", wireformat: "mls_key_package", keyPackage });
      const decoded = decodeMlsMessage(bytes);
      invariant(decoded.kind === "key-package", "a key package");
      return decoded.keyPackage;
    },
    async join(welcome) {
      const decoded = theirDecode(welcome, 0)?.[0];
      invariant(decoded?.wireformat === "mls_welcome" && waiting, "a Welcome for a key package");
      const { publicPackage, privatePackage } = waiting;
      try {
        state = await joinGroup(
          decoded.welcome,
          publicPackage,
          privatePackage,
          emptyPskIndex,
          impl,
        );
      } catch (error) {
        if (error instanceof Error && error.message === unjoinable) return false;
        throw error;
      }
      return true;
    },
    async secrets() {
      const { keySchedule, groupContext } = now();
      const { exporterSecret, epochAuthenticator } = keySchedule;
      const context = toUtf8("c");
      const exported = await mlsExporter(exporterSecret, "differential", context, 32, impl);
      return [String(groupContext.epoch), toHex(epochAuthenticator), toHex(exported)];
    },
  };
}

function theirCapabilities(): ReturnType<typeof defaultCapabilities> {
  const capabilities = defaultCapabilities();
  return { ...capabilities, extensions: [...capabilities.extensions, 0xff00, 0xff01] };
}

function toTheirs(proposal: Proposal): TheirProposal {
  if (proposal.kind === "remove") {
    return { proposalType: "remove", remove: { removed: proposal.removed } };
  }
  invariant(proposal.kind === "add", "what this test has them commit");
  const bytes = encodeMlsMessage({ kind: "key-package", keyPackage: proposal.keyPackage });
  const decoded = theirDecode(bytes, 0)?.[0];
  invariant(decoded?.wireformat === "mls_key_package", "a key package");
  return { proposalType: "add", add: { keyPackage: decoded.keyPackage } };
}

const names: Readonly<Record<number, CiphersuiteName>> = {
  1: "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
  2: "MLS_128_DHKEMP256_AES128GCM_SHA256_P256",
  3: "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
};

const seed = Number(process.env["COTERIE_SEED"] ?? 20_260_101);
const steps = Number(process.env["COTERIE_STEPS"] ?? 25);

for (const suiteId of [1, 2, 3]) {
  test(
    `ts-mls and ours agree after every step of a mixed group, suite ${suiteId}`,
    { timeout: 600_000 },
    async () => {
      console.log(`differential: suite ${suiteId}, seed ${seed}, ${steps} steps`);
      const random = seeded(seed + suiteId);
      const impl = await getCiphersuiteImpl(
        getCiphersuiteFromName(names[suiteId] as CiphersuiteName),
      );
      const witness = creator("p0", { suiteId, capabilities: plain });
      const peers: Peer[] = [ourPeer(witness)];
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
      const spread = async (
        from: Peer,
        message: Uint8Array,
      ): Promise<(Uint8Array | undefined)[]> => {
        const heard = [];
        for (const peer of peers) if (peer !== from) heard.push(await peer.take(message));
        return heard;
      };
      const newcomer = (): Peer => {
        const name = `p${count++}`;
        return count % 2 === 0
          ? theirPeer(person(name, suiteId), impl)
          : ourPeer(person(name, suiteId));
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
        const found = members(witness.group).find(({ leaf }) => {
          const { credential } = leaf;
          return (
            peer && credential.kind === "basic" && equal(credential.identity, toUtf8(peer.name))
          );
        });
        return peer && found ? { peer, removed: found.leafIndex } : undefined;
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
          for (const plaintext of heard) expect(plaintext).toEqual(toUtf8(text));
        }
      }
      console.log(`differential: ${[...done].map(([what, n]) => `${what} ${n}`).join(", ")}`);
      expect(witness.group.epoch).toBeGreaterThan(0n);
    },
  );
}
