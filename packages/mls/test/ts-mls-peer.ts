import { equal, fromHex, invariant, toHex, toUtf8 } from "@coterie/base";
import {
  acceptAll as theirAcceptAll,
  bytesToBase64,
  createApplicationMessage,
  createCommit,
  createGroupInfoWithExternalPubAndRatchetTree,
  createProposal,
  decodeMlsMessage as theirDecode,
  defaultCapabilities,
  encodeMlsMessage as theirEncode,
  generateKeyPackageWithKey,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  joinGroupExternal,
  makePskIndex,
  mlsExporter,
  processMessage,
} from "ts-mls";
import type {
  CiphersuiteImpl,
  CiphersuiteName,
  ClientState,
  MLSMessage,
  Proposal as TheirProposal,
  PskIndex,
} from "ts-mls";
import {
  acceptAll,
  adopt,
  commit,
  decodeMlsMessage,
  encodeMlsMessage,
  exportGroupInfo,
  exportSecret,
  join,
  joinByCommit,
  members,
  process,
  propose,
} from "../src/index.ts";
import type { Capabilities, KeyPackage, Proposal, PskLookup } from "../src/index.ts";
import { crypto, keyPackageOf, now as clock, say } from "./people.ts";
import type { Person } from "./people.ts";

/** ts-mls does not decode capabilities with numbers that it does not know. */
export const plain: Capabilities = {
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

/** How a group of this test talks. */
export interface Habits {
  readonly suiteId: number;
  readonly handshakes: "public" | "private";
  /** External pre-shared keys that everybody has, by id. */
  readonly psks: ReadonlyMap<string, Uint8Array>;
}

export interface Taken {
  /** What an application message says. */
  readonly text?: Uint8Array;
  /** Not shown by ts-mls. */
  readonly authenticatedData?: Uint8Array;
}

/** One member of a mixed group, whichever implementation it runs. */
export interface Peer {
  readonly name: string;
  readonly ours: boolean;
  /** MLSMessages of a commit of its own, which it has adopted, and of the Welcome to those it adds. */
  commit(
    proposals: readonly Proposal[],
    authenticatedData?: Uint8Array,
  ): Promise<{ commit: Uint8Array; welcome?: Uint8Array }>;
  propose(proposal: Proposal | "update"): Promise<Uint8Array>;
  say(text: string): Promise<Uint8Array>;
  take(message: Uint8Array): Promise<Taken>;
  keyPackage(): Promise<KeyPackage>;
  /** False where it cannot join what the others are in: see `unjoinable`. */
  join(welcome: Uint8Array): Promise<boolean>;
  groupInfo(): Promise<Uint8Array>;
  /** An external commit, or undefined as with `join`. */
  joinByCommit(groupInfo: Uint8Array): Promise<Uint8Array | undefined>;
  secrets(): Promise<readonly string[]>;
}

export function ourPeer(who: Person, habits: Habits): Peer {
  const { handshakes: wireFormat } = habits;
  const psks: PskLookup = (id) =>
    id.kind === "external" ? habits.psks.get(toHex(id.pskId)) : undefined;
  let waiting: ReturnType<typeof keyPackageOf> | undefined;
  return {
    name: who.name,
    ours: true,
    async commit(proposals, authenticatedData = new Uint8Array(0)) {
      const { group, signer } = who;
      const made = commit({
        crypto,
        group,
        signer,
        nowSeconds: clock,
        proposals,
        references: "all",
        wireFormat,
        authenticatedData,
        psks,
      });
      who.group = adopt({ group: made.group, pending: made.pending }).group;
      return { commit: made.message, ...(made.welcome ? { welcome: made.welcome } : {}) };
    },
    async propose(proposal) {
      const { group, signer } = who;
      invariant(proposal === "update" || isPlain(proposal), "what these tests propose");
      const what = proposal === "update" ? ({ kind: "update" } as const) : proposal;
      const sent = propose({ crypto, group, signer, proposal: what, wireFormat });
      who.group = sent.group;
      return sent.message;
    },
    async say(text) {
      return say(who, text);
    },
    async take(message) {
      const result = process({ crypto, group: who.group, message, judge: acceptAll, psks });
      if (result.kind === "refused") throw result.reason;
      invariant("group" in result, `a step forward, not ${result.kind}`);
      who.group = result.group;
      if (result.kind === "message") {
        return { text: result.plaintext, authenticatedData: result.authenticatedData };
      }
      if (result.kind !== "committed") return {};
      return { authenticatedData: result.view.authenticatedData };
    },
    async keyPackage() {
      waiting = keyPackageOf(who, { capabilities: plain, lifetime: always });
      return waiting.keyPackage;
    },
    async join(welcome) {
      invariant(waiting, "asked to be added");
      const joined = join({ crypto, welcome, keyPackages: [waiting], judge: acceptAll, psks });
      if (joined.kind === "refused") throw joined.reason;
      invariant(joined.kind === "joined", "nothing to wait for");
      who.group = joined.group;
      return true;
    },
    async groupInfo() {
      return exportGroupInfo({ crypto, group: who.group, signer: who.signer });
    },
    async joinByCommit(groupInfo) {
      const { signer, credential } = who;
      const joined = joinByCommit({
        crypto,
        groupInfo,
        signer,
        credential,
        capabilities: plain,
        judge: acceptAll,
      });
      if (joined.kind === "refused") throw joined.reason;
      invariant(joined.kind === "joined", "nothing to wait for");
      who.group = joined.group;
      return joined.message;
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

export function theirPeer({ name, signer }: Person, impl: CiphersuiteImpl, habits: Habits): Peer {
  const inPublic = habits.handshakes === "public";
  const external = Object.fromEntries(
    [...habits.psks].map(([id, psk]) => [bytesToBase64(fromHex(id)), psk]),
  );
  let state: ClientState | undefined;
  let waiting: Awaited<ReturnType<typeof generateKeyPackageWithKey>> | undefined;
  const now = (): ClientState => {
    invariant(state, "in the group");
    return state;
  };
  const pskIndex = (): PskIndex => makePskIndex(state, external);
  const encode = (message: MLSMessage): Uint8Array => theirEncode(message);
  const newKeyPackage = async (): Promise<typeof waiting> => {
    const credential = { credentialType: "basic", identity: toUtf8(name) } as const;
    // Signature keys are ours: its own P-256 ones are compressed points, which RFC 9420 §5.1.1 does not allow.
    const { publicKey, privateKey: signKey } = signer;
    const keys = { signKey, publicKey };
    return generateKeyPackageWithKey(credential, theirCapabilities(), always, [], keys, impl);
  };
  const joining = async (step: () => Promise<ClientState>): Promise<boolean> => {
    try {
      state = await step();
    } catch (error) {
      if (error instanceof Error && error.message === unjoinable) return false;
      throw error;
    }
    return true;
  };
  return {
    name,
    ours: false,
    async commit(proposals, authenticatedData) {
      const extraProposals = proposals.map(toTheirs);
      const options = {
        extraProposals,
        ratchetTreeExtension: true,
        wireAsPublicMessage: inPublic,
        ...(authenticatedData ? { authenticatedData } : {}),
      };
      const context = { state: now(), cipherSuite: impl, pskIndex: pskIndex() };
      const made = await createCommit(context, options);
      state = made.newState;
      const { welcome } = made;
      const commitBytes = encode(made.commit);
      if (!welcome) return { commit: commitBytes };
      const wrapped = encode({ version: "mls10", wireformat: "mls_welcome", welcome });
      return { commit: commitBytes, welcome: wrapped };
    },
    async propose(proposal) {
      invariant(proposal !== "update", "ts-mls cannot take in the commit of an Update of its own");
      const sent = await createProposal(now(), inPublic, toTheirs(proposal), impl);
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
      invariant(
        decoded?.wireformat === "mls_private_message" ||
          decoded?.wireformat === "mls_public_message",
        "a message of the group",
      );
      const result = await processMessage(decoded, now(), pskIndex(), theirAcceptAll, impl);
      state = result.newState;
      return result.kind === "applicationMessage" ? { text: result.message } : {};
    },
    async keyPackage() {
      waiting = await newKeyPackage();
      invariant(waiting, "made");
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
      return joining(() =>
        joinGroup(decoded.welcome, publicPackage, privatePackage, pskIndex(), impl),
      );
    },
    async groupInfo() {
      const groupInfo = await createGroupInfoWithExternalPubAndRatchetTree(now(), [], impl);
      return encode({ version: "mls10", wireformat: "mls_group_info", groupInfo });
    },
    async joinByCommit(groupInfo) {
      const decoded = theirDecode(groupInfo, 0)?.[0];
      invariant(decoded?.wireformat === "mls_group_info", "a GroupInfo");
      const own = await newKeyPackage();
      invariant(own, "made");
      let message: Uint8Array | undefined;
      const { publicPackage, privatePackage } = own;
      const joined = await joining(async () => {
        const info = decoded.groupInfo;
        const made = await joinGroupExternal(info, publicPackage, privatePackage, false, impl);
        const { publicMessage } = made;
        message = encode({ version: "mls10", wireformat: "mls_public_message", publicMessage });
        return made.newState;
      });
      return joined ? message : undefined;
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

type PlainProposal = Proposal & { readonly kind: "add" | "remove" | "psk" };

function isPlain(proposal: Proposal): proposal is PlainProposal {
  return proposal.kind === "add" || proposal.kind === "remove" || proposal.kind === "psk";
}

function toTheirs(proposal: Proposal): TheirProposal {
  invariant(isPlain(proposal), "what these tests have them commit");
  if (proposal.kind === "remove") {
    return { proposalType: "remove", remove: { removed: proposal.removed } };
  }
  if (proposal.kind === "psk") {
    invariant(proposal.psk.kind === "external", "an external PSK");
    const { pskId, nonce: pskNonce } = proposal.psk;
    return {
      proposalType: "psk",
      psk: { preSharedKeyId: { psktype: "external", pskId, pskNonce } },
    };
  }
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

export function theirSuite(suiteId: number): Promise<CiphersuiteImpl> {
  return getCiphersuiteImpl(getCiphersuiteFromName(names[suiteId] as CiphersuiteName));
}

/** Leaf index of a peer, as a member of ours sees it. */
export function leafOf(witness: Person, peer: Peer): number {
  const found = members(witness.group).find(({ leaf: { credential } }) => {
    return credential.kind === "basic" && equal(credential.identity, toUtf8(peer.name));
  });
  invariant(found, "in the group");
  return found.leafIndex;
}
