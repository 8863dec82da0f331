import { toUtf8, wipe } from "@coterie/base";
import { hpkeSendExport, labels } from "@coterie/crypto";
import type { CryptoProvider, KeyPair } from "@coterie/crypto";
import { decodeWith } from "./codec.ts";
import { signContent } from "./content-auth.ts";
import { MlsError } from "./errors.ts";
import { groupOf } from "./group.ts";
import type { Group } from "./group.ts";
import { signGroupInfo } from "./group-info.ts";
import { checkedGroup, knownSuite } from "./join.ts";
import { ask } from "./judge.ts";
import type { Judge, Refusal } from "./judge.ts";
import { decodeMlsMessage, encodeMlsMessage } from "./message.ts";
import { contextAfter, provisionalContext, stageEpoch } from "./next-epoch.ts";
import { groupOptions } from "./options.ts";
import type { GroupOptions } from "./options.ts";
import { refusing } from "./process.ts";
import { noProposals } from "./proposals.ts";
import { derivePskSecret } from "./psk.ts";
import { findPsks } from "./psk-lookup.ts";
import type { PskLookup } from "./psk-lookup.ts";
import { extensionTypes } from "./registry.ts";
import { findExtension } from "./required-capabilities.ts";
import { createSecretTree } from "./secret-tree.ts";
import { interimTranscriptHash } from "./transcript.ts";
import { applyRemove, leafCount, withFreeLeaf } from "./tree.ts";
import type { Member } from "./tree.ts";
import { validateMembers } from "./tree-validation.ts";
import type {
  Capabilities,
  Credential,
  Extension,
  FramedContent,
  GroupInfo,
  PreSharedKeyId,
  Proposal,
} from "./types.ts";
import { createPath, sealPath } from "./update-path.ts";
import { checkExternalList } from "./validate-proposals.ts";
import { viewOf } from "./views.ts";
import { groupContextBytes } from "./welcome-types.ts";

/** A signed GroupInfo of the current epoch as MLSMessage, for newcomers (RFC 9420 §12.4.3). Both extensions by default. */
export function exportGroupInfo(input: {
  readonly crypto: CryptoProvider;
  readonly group: Group;
  readonly signer: KeyPair;
  readonly ratchetTree?: boolean;
  readonly externalPub?: boolean;
}): Uint8Array {
  const { crypto, group, signer, ratchetTree = true, externalPub = true } = input;
  const groupInfo = signGroupInfo(crypto, group.state, signer, { ratchetTree, externalPub });
  return encodeMlsMessage({ kind: "group-info", groupInfo });
}

export interface ExternalJoinInput {
  readonly crypto: CryptoProvider;
  /** MLSMessage with a GroupInfo that has `external_pub`. */
  readonly groupInfo: Uint8Array;
  /** The content of a `ratchet_tree` extension, where the GroupInfo does not bring it. */
  readonly ratchetTree?: Uint8Array | undefined;
  readonly signer: KeyPair;
  readonly credential: Credential;
  readonly capabilities: Capabilities;
  readonly leafExtensions?: readonly Extension[];
  /** Leaf of an older appearance of ours, to take out in the same commit. */
  readonly resync?: number;
  readonly psks?: readonly PreSharedKeyId[];
  readonly pskLookup?: PskLookup;
  readonly judge: Judge;
  readonly authenticatedData?: Uint8Array;
  readonly options?: Partial<GroupOptions> | undefined;
}

export type ExternalJoin =
  | {
      readonly kind: "joined";
      /** In the epoch that the commit begins: keep it once the commit was accepted, drop it otherwise. */
      readonly group: Group;
      /** MLSMessage with a PublicMessage: an outsider cannot encrypt to the group. */
      readonly message: Uint8Array;
      /** Who signed the GroupInfo. */
      readonly sender: Member;
    }
  | { readonly kind: "refused"; readonly reason: MlsError | Refusal }
  | { readonly kind: "waiting"; readonly for: unknown };

/** Joins without an invitation, by a commit of our own (RFC 9420 §12.4.3.2). The judge sees the group as it was before. */
export function joinByCommit(input: ExternalJoinInput): ExternalJoin {
  return refusing(() => joinChecked({ ...input, groupInfo: new Uint8Array(input.groupInfo) }));
}

function joinChecked(input: ExternalJoinInput): ExternalJoin {
  const { crypto, signer, authenticatedData = new Uint8Array(0) } = input;
  const decoded = decodeMlsMessage(input.groupInfo);
  if (decoded.kind !== "group-info") {
    throw new MlsError("mls/wrong-wire-format", { wireFormat: decoded.kind });
  }
  const info = decoded.groupInfo;
  const before = info.groupContext;
  const suite = knownSuite(before.cipherSuite);
  const { tree: treeBefore, signer: sender } = checkedGroup(input, suite, info);
  const init = hpkeSendExport({
    crypto,
    suite,
    publicKey: externalPub(info),
    info: new Uint8Array(0),
    context: toUtf8(labels.mlsExternalInit),
    length: suite.hashLength,
  });

  const proposals: Proposal[] = [{ kind: "external-init", kemOutput: init.enc }];
  if (input.resync !== undefined) proposals.push({ kind: "remove", removed: input.resync });
  for (const psk of input.psks ?? []) proposals.push({ kind: "psk", psk });
  const from = { kind: "new-member-commit" } as const;
  checkExternalList(
    { crypto, state: { context: before, tree: treeBefore } },
    proposals.map((proposal) => ({ proposal, sender: from, byReference: false })),
  );
  const pskSecret = derivePskSecret(
    crypto,
    suite,
    findPsks(input.psks ?? [], undefined, input.pskLookup),
  );

  const remaining = input.resync === undefined ? treeBefore : applyRemove(treeBefore, input.resync);
  const { tree: roomy, leafIndex } = withFreeLeaf(remaining);
  const newPath = createPath({
    crypto,
    tree: roomy,
    leafIndex,
    groupId: before.groupId,
    signer,
    leaf: {
      credential: input.credential,
      capabilities: input.capabilities,
      extensions: input.leafExtensions ?? [],
    },
  });
  const { tree, own, commitSecret } = newPath;
  validateMembers(tree, before.extensions);
  const provisional = provisionalContext(crypto, { context: before }, tree, before.extensions);
  const groupContext = groupContextBytes(provisional);
  const path = sealPath({ crypto, path: newPath, groupContext, added: [] });

  const items = proposals.map((proposal) => ({ kind: "proposal", proposal }) as const);
  const content: FramedContent = {
    groupId: before.groupId,
    epoch: before.epoch,
    sender: from,
    authenticatedData,
    content: { kind: "commit", commit: { proposals: items, path } },
  };
  const contextBytes = groupContextBytes(before);
  const { privateKey } = signer;
  const wireFormat = "public";
  const signature = signContent(crypto, suite, { wireFormat, content, contextBytes, privateKey });
  const confirmed = before.confirmedTranscriptHash;
  const interim = interimTranscriptHash(crypto, suite, confirmed, info.confirmationTag);
  const transcript = { wireFormat, content, signature } as const;
  const { staged, joinerSecret, memberSecret } = stageEpoch({
    crypto,
    context: contextAfter(
      crypto,
      suite,
      { interimTranscriptHash: interim },
      provisional,
      transcript,
    ),
    tree,
    own,
    initSecret: init.secret,
    commitSecret,
    pskSecret,
    leavesBefore: new Map(),
    reinit: undefined,
  });
  wipe(joinerSecret, memberSecret, pskSecret, commitSecret, init.secret, ...newPath.spent);

  const verdict = ask(input.judge, {
    kind: "join",
    signer: sender,
    group: viewOf(before, treeBefore),
    ownLeaf: leafIndex,
  });
  if (verdict.kind !== "accept") {
    wipe(staged.encryptionSecret, ...Object.values(staged.state.secrets), ...own.keys.values());
    if (verdict.kind === "wait") return { kind: "waiting", for: verdict.for };
    return { kind: "refused", reason: { code: verdict.code, details: verdict.details } };
  }
  const { confirmationTag } = staged.state;
  const auth = { signature, confirmationTag };
  const message = { content, auth, membershipTag: undefined };
  const group = groupOf({
    suite,
    options: groupOptions(input.options),
    status: { kind: "active" },
    state: staged.state,
    messageKeys: createSecretTree(staged.encryptionSecret, leafCount(tree)),
    past: [],
    proposals: noProposals,
  });
  return { kind: "joined", group, message: encodeMlsMessage({ kind: "public", message }), sender };
}

/** RFC 9420 §12.4.3.2: the extension holds an HPKEPublicKey, which brings its own length. */
function externalPub(info: GroupInfo): Uint8Array {
  const carried = findExtension(info.extensions, extensionTypes.externalPub);
  if (!carried) throw new MlsError("mls/missing-external-pub");
  return decodeWith((r) => r.opaque(), carried.data);
}
