import { equal, invariant, toHex, wipe } from "@coterie/base";
import { cipherSuites, CryptoError, labels } from "@coterie/crypto";
import type { CipherSuite, CryptoProvider, KeyPair } from "@coterie/crypto";
import { announceLeaves } from "./ahead.ts";
import { decodeWith } from "./codec.ts";
import { keyPackageRef } from "./create-key-package.ts";
import type { KeyPackageSecrets } from "./create-key-package.ts";
import { decryptWithLabel } from "./encrypt-labels.ts";
import { MlsError } from "./errors.ts";
import { groupOf } from "./group.ts";
import type { EpochState, Group } from "./group.ts";
import { checkFounding, foundingPsk } from "./founding.ts";
import { checkGroupInfoSignature } from "./group-info.ts";
import { ask } from "./judge.ts";
import type { Judge, Refusal } from "./judge.ts";
import {
  deriveEpochSecret,
  deriveEpochSecrets,
  deriveMemberSecret,
  deriveWelcomeKey,
} from "./key-schedule.ts";
import { leafNodeBytes } from "./leaf-node.ts";
import { decodeMlsMessage } from "./message.ts";
import { groupOptions } from "./options.ts";
import type { GroupOptions } from "./options.ts";
import { createPrivateTree } from "./private-tree.ts";
import type { PrivateTree } from "./private-tree.ts";
import { refusing } from "./process.ts";
import { noProposals } from "./proposals.ts";
import { derivePskSecret } from "./psk.ts";
import { findPsks } from "./psk-lookup.ts";
import type { PskLookup } from "./psk-lookup.ts";
import { implantPathSecret } from "./receive-path.ts";
import { extensionTypes } from "./registry.ts";
import { checkDistinctExtensions, findExtension } from "./required-capabilities.ts";
import { createSecretTree } from "./secret-tree.ts";
import { confirmationTag, interimTranscriptHash, tagFits } from "./transcript.ts";
import { leafCount, memberAt, membersOf } from "./tree.ts";
import type { Member, RatchetTree } from "./tree.ts";
import { decodeRatchetTree } from "./tree-codec.ts";
import { treeHash } from "./tree-hash.ts";
import { validateTree } from "./tree-validation.ts";
import type { GroupInfo, GroupSecrets, KeyPackage, Welcome } from "./types.ts";
import { viewOf } from "./views.ts";
import { groupContextBytes, readGroupInfo, readGroupSecrets } from "./welcome-types.ts";

/** A key package of ours with its private halves. */
export interface OwnKeyPackage {
  readonly keyPackage: KeyPackage;
  readonly secrets: KeyPackageSecrets;
  /** Checked against the leaf, where it is given. */
  readonly signer?: KeyPair;
}

export interface JoinInput {
  readonly crypto: CryptoProvider;
  /** MLSMessage. */
  readonly welcome: Uint8Array;
  /** Those of ours that the Welcome may be for, or a way to find one by its reference. */
  readonly keyPackages: readonly OwnKeyPackage[] | ((ref: Uint8Array) => OwnKeyPackage | undefined);
  /** The content of a `ratchet_tree` extension, where the Welcome does not bring it. */
  readonly ratchetTree?: Uint8Array | undefined;
  readonly judge: Judge;
  readonly psks?: PskLookup | undefined;
  /** The group that this one is founded from, to check a reinit or branch (RFC 9420 §11.2, §11.3) and for its resumption PSKs. */
  readonly foundedFrom?: Group | undefined;
  readonly options?: Partial<GroupOptions> | undefined;
}

export type Joined =
  | {
      readonly kind: "joined";
      readonly group: Group;
      /** Who signed the GroupInfo: the member that added us. */
      readonly sender: Member;
      readonly keyPackage: KeyPackage;
      readonly spent: readonly Uint8Array[];
    }
  | { readonly kind: "refused"; readonly reason: MlsError | Refusal }
  | { readonly kind: "waiting"; readonly for: unknown };

/**
 * Joins a group by a Welcome (RFC 9420 §12.4.3.1). The judge sees the whole group before there is one. What is wrong with the Welcome
 * never throws. That the group id is new to this client is for the caller to see; so is deleting the key package's secrets.
 */
export function join(input: JoinInput): Joined {
  return refusing(() => joinChecked({ ...input, welcome: new Uint8Array(input.welcome) }));
}

function joinChecked(input: JoinInput): Joined {
  const { crypto } = input;
  const decoded = decodeMlsMessage(input.welcome);
  if (decoded.kind !== "welcome") {
    throw new MlsError("mls/wrong-wire-format", { wireFormat: decoded.kind });
  }
  const { welcome } = decoded;
  const suite = knownSuite(welcome.cipherSuite);
  const { ours, secrets } = openSecrets(input, suite, welcome);
  const founded = foundingPsk(secrets);
  const pskSecret = derivePskSecret(
    crypto,
    suite,
    findPsks(secrets.psks, input.foundedFrom, input.psks),
  );
  const memberSecret = deriveMemberSecret(crypto, suite, secrets.joinerSecret, pskSecret);
  const info = openGroupInfo(crypto, suite, memberSecret, welcome.encryptedGroupInfo);
  const { tree, signer } = checkedGroup(input, suite, info);
  if (founded) checkFounding(founded, info, input.foundedFrom);
  const ownLeaf = findOwnLeaf(tree, ours.keyPackage);

  let own: PrivateTree = createPrivateTree(
    ownLeaf,
    new Uint8Array(ours.secrets.encryptionKey.privateKey),
  );
  const { pathSecret } = secrets;
  if (pathSecret) {
    own = implantPathSecret({ crypto, tree, own, committerLeaf: info.signer, pathSecret });
  }
  const { state, encryptionSecret } = epochOf(crypto, info, tree, own, memberSecret);
  wipe(memberSecret, pskSecret, secrets.joinerSecret, pathSecret);

  const verdict = ask(input.judge, {
    kind: "join",
    signer,
    group: viewOf(info.groupContext, tree),
    ownLeaf,
  });
  if (verdict.kind !== "accept") {
    wipe(encryptionSecret, ...Object.values(state.secrets), ...own.keys.values());
    if (verdict.kind === "wait") return { kind: "waiting", for: verdict.for };
    return { kind: "refused", reason: { code: verdict.code, details: verdict.details } };
  }
  const group = groupOf({
    suite,
    options: groupOptions(input.options),
    status: { kind: "active" },
    state,
    messageKeys: createSecretTree(encryptionSecret, leafCount(tree)),
    past: [],
    proposals: noProposals,
  });
  return { kind: "joined", group, sender: signer, keyPackage: ours.keyPackage, spent: [] };
}

export function knownSuite(id: number): CipherSuite {
  const suite = cipherSuites.get(id);
  if (!suite) throw new MlsError("mls/unsupported-suite", { cipherSuite: id });
  return suite;
}

/** Finds the entry that is for one of our key packages, and opens it. */
function openSecrets(
  input: JoinInput,
  suite: CipherSuite,
  welcome: Welcome,
): { readonly ours: OwnKeyPackage; readonly secrets: GroupSecrets } {
  const { crypto, keyPackages } = input;
  const byRef = typeof keyPackages === "function" ? undefined : index(crypto, keyPackages);
  for (const { newMember, encryptedGroupSecrets } of welcome.secrets) {
    const ours = byRef ? byRef.get(toHex(newMember)) : lookUp(keyPackages, newMember);
    if (!ours) continue;
    if (ours.keyPackage.cipherSuite !== suite.id) {
      throw new MlsError("mls/wrong-suite", { cipherSuite: suite.id });
    }
    const { signer, keyPackage } = ours;
    if (signer && !equal(signer.publicKey, keyPackage.leafNode.signatureKey)) {
      throw new MlsError("mls/wrong-signer");
    }
    const { initKey } = ours.secrets;
    const label = labels.mlsEncrypt.welcome;
    const context = welcome.encryptedGroupInfo;
    const sealed = encryptedGroupSecrets;
    const plaintext = decryptWithLabel(crypto, suite, initKey, label, context, sealed);
    return { ours, secrets: decodeWith(readGroupSecrets, plaintext) };
  }
  throw new MlsError("mls/not-for-us", { secrets: welcome.secrets.length });
}

function index(
  crypto: CryptoProvider,
  keyPackages: readonly OwnKeyPackage[],
): Map<string, OwnKeyPackage> {
  return new Map(
    keyPackages.map((own) => [toHex(keyPackageRef(crypto, own.keyPackage)), own] as const),
  );
}

function lookUp(keyPackages: JoinInput["keyPackages"], ref: Uint8Array): OwnKeyPackage | undefined {
  invariant(typeof keyPackages === "function", "a list was indexed before");
  return keyPackages(ref);
}

function openGroupInfo(
  crypto: CryptoProvider,
  suite: CipherSuite,
  memberSecret: Uint8Array,
  sealed: Uint8Array,
): GroupInfo {
  const { key, nonce } = deriveWelcomeKey(crypto, suite, memberSecret);
  try {
    const plaintext = crypto.aeadOpen(suite.aead, key, nonce, new Uint8Array(0), sealed);
    return decodeWith(readGroupInfo, plaintext);
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause;
    throw new MlsError("mls/open-failed", { what: "group-info" }, { cause });
  } finally {
    wipe(key, nonce);
  }
}

/** The tree that a GroupInfo speaks of, wherever it comes from, after every check of a newcomer (RFC 9420 §12.4.3.1). */
export function checkedGroup(
  input: Pick<JoinInput, "crypto" | "ratchetTree">,
  suite: CipherSuite,
  info: GroupInfo,
): { readonly tree: RatchetTree; readonly signer: Member } {
  const { crypto, ratchetTree } = input;
  const { groupContext, extensions } = info;
  if (groupContext.cipherSuite !== suite.id) {
    throw new MlsError("mls/wrong-suite", { cipherSuite: groupContext.cipherSuite });
  }
  checkDistinctExtensions(extensions);
  checkDistinctExtensions(groupContext.extensions);
  const carried = findExtension(extensions, extensionTypes.ratchetTree)?.data ?? ratchetTree;
  if (!carried) throw new MlsError("mls/missing-tree");
  const tree = decodeRatchetTree(suite, new Uint8Array(carried));
  announceLeaves(crypto, tree, groupContext.groupId);
  const leaf = memberAt(tree, info.signer);
  if (!leaf) throw new MlsError("mls/unknown-sender", { leafIndex: info.signer });
  checkGroupInfoSignature(crypto, suite, info, leaf.signatureKey);
  if (!equal(treeHash(crypto, tree), groupContext.treeHash)) {
    throw new MlsError("mls/wrong-tree-hash");
  }
  // XGC-10: lifetimes of leaves that are in a group already are not looked at.
  const { groupId } = groupContext;
  validateTree({ crypto, tree, groupId, extensions: groupContext.extensions });
  return { tree, signer: { leafIndex: info.signer, leaf } };
}

/** RFC 9420 §12.4.3.1: the leaf that is identical to the one in the key package. */
function findOwnLeaf(tree: RatchetTree, keyPackage: KeyPackage): number {
  const wanted = leafNodeBytes(keyPackage.leafNode);
  const found = membersOf(tree).find(({ leaf }) => equal(leafNodeBytes(leaf), wanted));
  if (!found) throw new MlsError("mls/not-in-tree");
  return found.leafIndex;
}

function epochOf(
  crypto: CryptoProvider,
  info: GroupInfo,
  tree: RatchetTree,
  own: PrivateTree,
  memberSecret: Uint8Array,
): { readonly state: EpochState; readonly encryptionSecret: Uint8Array } {
  const { suite } = tree;
  const context = info.groupContext;
  const confirmed = context.confirmedTranscriptHash;
  const epochSecret = deriveEpochSecret(crypto, suite, memberSecret, groupContextBytes(context));
  const { secrets, encryptionSecret } = deriveEpochSecrets(crypto, suite, epochSecret);
  epochSecret.fill(0);
  const tag = confirmationTag(crypto, suite, secrets.confirmationKey, confirmed);
  if (!tagFits(tag, info.confirmationTag)) throw new MlsError("mls/bad-confirmation-tag");
  const interim = interimTranscriptHash(crypto, suite, confirmed, tag);
  const state = { context, tree, own, secrets, confirmationTag: tag };
  return { state: { ...state, interimTranscriptHash: interim }, encryptionSecret };
}
