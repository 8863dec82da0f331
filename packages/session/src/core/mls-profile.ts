import { CoterieError, equal, fromUtf8, InvariantError, toUtf8, wipe } from "@coterie/base";
import { cipherSuites, decompressP256 } from "@coterie/crypto";
import type { CipherSuite } from "@coterie/crypto";
import type { VerifiedToken } from "@coterie/identity/slim";
import {
  adopt,
  commit,
  createGroup,
  createKeyPackage,
  decodeMlsMessage,
  encodeMlsMessage,
  join,
  members,
  process,
  seal,
} from "@coterie/mls";
import type {
  Capabilities,
  Credential,
  Group,
  GroupOptions,
  Judge,
  KeyPackage,
  Lifetime,
  Proposal,
} from "@coterie/mls";
import { slimAppId } from "@coterie/wire/slim";
import { SessionError } from "../errors.ts";
import { wallSeconds } from "./context.ts";
import type { SessionMls } from "./mls-state.ts";
import type { Context } from "./model.ts";

/** SML-01: the one suite of SLIM 2; every other is refused. */
const suite = cipherSuites.get(2) as CipherSuite;
/** SML-04. */
const capabilities: Capabilities = {
  versions: [1],
  cipherSuites: [2],
  extensions: [],
  proposals: [],
  credentials: [1],
};
/** SML-05, in seconds. */
const validity = 31_536_000n;
const backdated = 60n;
/** SML-13, SML-40. */
const options: Partial<GroupOptions> = {
  pastEpochs: 5,
  maxForwardRatchet: 1_024,
  outOfOrderWindow: 1_024,
};
const pointLength = 65;

/** SML-06: a group of one; with the peer of a pair it will be two (SPP-07). */
export function foundGroup(context: Context, mls: SessionMls): void {
  const { crypto, identity } = context.parts;
  mls.group = createGroup({
    crypto,
    cipherSuite: suite,
    groupId: crypto.bytes(32),
    signer: identity.keys,
    credential: credentialOf(identity.token()),
    capabilities,
    lifetime: lifetimeOf(context),
    options,
  });
  mls.mintedAt = wallSeconds(context);
}

/** SML-07: a key package as the wire has it, with the private halves kept until a Welcome uses one of them (SGR-23). */
export function offerKeyPackage(context: Context, mls: SessionMls): Uint8Array {
  const { crypto, identity } = context.parts;
  const { keyPackage, secrets } = createKeyPackage({
    crypto,
    cipherSuite: suite,
    signer: identity.keys,
    credential: credentialOf(identity.token()),
    capabilities,
    lifetime: lifetimeOf(context),
  });
  const offer = {
    keyPackage: { keyPackage, secrets, signer: identity.keys },
    mintedAt: wallSeconds(context),
  };
  mls.offers = [...mls.offers.slice(1 - maxOffers), offer];
  return encodeMlsMessage({ kind: "key-package", keyPackage });
}

const maxOffers = 8;

/** A key package that was checked, and who it stands for. */
export interface Admission {
  readonly keyPackage: KeyPackage;
  readonly token: VerifiedToken;
}

/**
 * SML-20: what a newcomer offers is for this suite, with keys in full, and speaks for the one who sent it. `replaces`: the leaf that it
 * stands in for, which is to be of the same member. Its signatures and lifetime are looked at by the commit.
 */
export function admit(
  context: Context,
  mls: SessionMls,
  bytes: Uint8Array | undefined,
  from: VerifiedToken,
  replaces?: number,
): Admission {
  const message = decodeMlsMessage(bytes ?? new Uint8Array(0));
  if (message.kind !== "key-package") throw refused("key-package");
  const { keyPackage } = message;
  const { leafNode } = keyPackage;
  const { credential } = leafNode;
  if (keyPackage.cipherSuite !== suite.id) throw refused("suite");
  const keys = [keyPackage.initKey, leafNode.encryptionKey, leafNode.signatureKey];
  if (keys.some(({ length }) => length !== pointLength)) throw refused("key-length");
  if (credential.kind !== "basic") throw refused("credential");
  const token = context.parts.verifier.verify(fromUtf8(credential.identity));
  if (!isKeyOf(token, leafNode.signatureKey)) throw refused("credential-key");
  if (token.tokenId !== from.tokenId) throw refused("credential-owner");
  for (const { leafIndex, leaf } of members(groupOf(mls))) {
    // one key pair an app (SML-02): the same member twice would have the same key
    if (leafIndex !== replaces && equal(leaf.signatureKey, leafNode.signatureKey)) {
      throw refused("already-in-tree");
    }
  }
  return { keyPackage, token };
}

/** What a commit by the moderator gives to send. */
export interface Change {
  readonly commitId: number;
  readonly commit: Uint8Array;
  readonly welcome: Uint8Array | undefined;
  /** Of the member that was added. */
  readonly leaf: number | undefined;
}

/**
 * SML-08: one commit of the moderator, proposals by value, as a PublicMessage; it is in force at once, because nobody else commits. A path
 * carries a fresh token of ours, so each one renews our leaf (SML-21). Throws, and changes nothing, where MLS refuses.
 */
export function change(
  context: Context,
  mls: SessionMls,
  what: {
    readonly add?: KeyPackage | undefined;
    readonly remove?: number | undefined;
    /** SML-09. */
    readonly path?: boolean | undefined;
  },
): Change {
  const { crypto, identity } = context.parts;
  const { add, remove } = what;
  const proposals: Proposal[] = [
    ...(remove === undefined ? [] : [{ kind: "remove", removed: remove } as const]),
    ...(add === undefined ? [] : [{ kind: "add", keyPackage: add } as const]),
  ];
  const group = groupOf(mls);
  const withPath = remove !== undefined || add === undefined || what.path === true;
  const made = commit({
    crypto,
    group,
    signer: identity.keys,
    proposals,
    wireFormat: "public",
    forcePath: withPath,
    nowSeconds: BigInt(wallSeconds(context)),
    ...(withPath ? { newLeaf: { credential: credentialOf(identity.token()) } } : {}),
  });
  const { group: next, spent } = adopt({ group: made.group, pending: made.pending });
  const leaf =
    add === undefined
      ? undefined
      : members(next).find((one) => equal(one.leaf.signatureKey, add.leafNode.signatureKey))
          ?.leafIndex;
  replaceGroup(mls, next, [...made.spent, ...spent]);
  mls.lastCommit += 1;
  if (withPath) mls.mintedAt = wallSeconds(context);
  return { commitId: mls.lastCommit, commit: made.message, welcome: made.welcome, leaf };
}

/** Joins by a Welcome that this member signed (SGR-24). Throws, and changes nothing, where it is not for us or not good. */
export function joinByWelcome(
  context: Context,
  mls: SessionMls,
  welcome: Uint8Array,
  from: VerifiedToken,
): void {
  const { crypto } = context.parts;
  const joined = join({
    crypto,
    welcome,
    keyPackages: mls.offers.map(({ keyPackage }) => keyPackage),
    judge: (view) =>
      view.kind === "join" && isKeyOf(from, view.signer.leaf.signatureKey)
        ? { kind: "accept" }
        : { kind: "refuse", code: "session/refused" },
    options,
  });
  if (joined.kind !== "joined") throw refused(`welcome-${joined.kind}`);
  if (joined.group.suite.id !== suite.id) throw refused("suite");
  const used = mls.offers.find(({ keyPackage }) => keyPackage.keyPackage === joined.keyPackage);
  mls.mintedAt = used?.mintedAt ?? wallSeconds(context);
  mls.group = joined.group;
  for (const { keyPackage } of mls.offers) {
    const { initKey, encryptionKey } = keyPackage.secrets;
    wipe(initKey.privateKey, encryptionKey.privateKey);
  }
  mls.offers = [];
}

/** The group that a step gave. What the one before had and this one has not can be read by nobody from now on (SML-41). */
function replaceGroup(mls: SessionMls, next: Group, spent: readonly Uint8Array[]): void {
  mls.group = next;
  wipe(...spent);
}

/** Applies a commit of the moderator: additions and removals by value, and nothing from anybody else. Throws, and changes nothing, otherwise. */
export function applyCommit(
  context: Context,
  mls: SessionMls,
  bytes: Uint8Array,
  from: VerifiedToken,
): void {
  const applied = process({
    crypto: context.parts.crypto,
    group: groupOf(mls),
    message: bytes,
    judge: moderatorsCommit(from),
    nowSeconds: BigInt(wallSeconds(context)),
  });
  if (applied.kind !== "committed") throw refused(`commit-${applied.kind}`);
  replaceGroup(mls, applied.group, applied.spent);
}

function moderatorsCommit(from: VerifiedToken): Judge {
  return (view) =>
    view.kind === "commit" &&
    !view.external &&
    isKeyOf(from, view.committer.leaf.signatureKey) &&
    view.proposals.every(
      ({ proposal, byReference }) =>
        !byReference && (proposal.kind === "add" || proposal.kind === "remove"),
    )
      ? { kind: "accept" }
      : { kind: "refuse", code: "session/refused" };
}

/** SML-10. The key is used up, so the next group is kept at once. */
export function sealBlob(
  context: Context,
  mls: SessionMls,
  plaintext: Uint8Array,
  authenticatedData: Uint8Array,
): Uint8Array {
  const { crypto, identity } = context.parts;
  const group = groupOf(mls);
  const sealed = seal({ crypto, group, signer: identity.keys, plaintext, authenticatedData });
  replaceGroup(mls, sealed.group, sealed.spent);
  return sealed.message;
}

export type Opened =
  | {
      readonly kind: "opened";
      readonly plaintext: Uint8Array;
      readonly epoch: bigint;
      /** The encryption key of the leaf that sealed it: another one each time that its member is added. */
      readonly leafKey: Uint8Array;
    }
  /** Of an epoch that we have not reached. */
  | { readonly kind: "ahead" }
  /** `isPast`: of an epoch whose keys we never had, or have no more. */
  | { readonly kind: "refused"; readonly reason: string; readonly isPast?: boolean };

/** SML-11: always checked. The leaf that sealed it has to be that of the one whose token is in the header. */
export function openBlob(
  context: Context,
  mls: SessionMls,
  message: Uint8Array,
  authenticatedData: Uint8Array,
  from: VerifiedToken,
): Opened {
  const { crypto } = context.parts;
  const group = groupOf(mls);
  const opened = process({ crypto, group, message, judge: nothingElse });
  if (opened.kind === "ignored" && (opened.epoch ?? 0n) > group.epoch) return { kind: "ahead" };
  if (opened.kind !== "message") {
    const isPast = opened.kind === "ignored" && (opened.epoch ?? group.epoch) < group.epoch;
    return { kind: "refused", reason: `mls-${opened.kind}`, isPast };
  }
  if (!equal(opened.authenticatedData, authenticatedData)) {
    return { kind: "refused", reason: "header-integrity" };
  }
  if (!isKeyOf(from, opened.sender.leaf.signatureKey)) {
    return { kind: "refused", reason: "sender-key" };
  }
  replaceGroup(mls, opened.group, opened.spent);
  const { encryptionKey: leafKey } = opened.sender.leaf;
  return { kind: "opened", plaintext: opened.plaintext, epoch: opened.epoch, leafKey };
}

/** Handshakes come in commands alone. */
const nothingElse: Judge = () => ({ kind: "refuse", code: "session/refused" });

/** SSG-06: a token may name the point in its short form. */
export function isKeyOf({ publicKey }: VerifiedToken, point: Uint8Array): boolean {
  if (publicKey === undefined) return false;
  const full = publicKey.length === pointLength ? publicKey : decompress(publicKey);
  return full !== undefined && equal(full, point);
}

function decompress(key: Uint8Array): Uint8Array | undefined {
  return key.length === 33 ? decompressP256(key) : undefined;
}

function groupOf(mls: SessionMls): Group {
  if (mls.group === undefined) throw refused("no-group");
  return mls.group;
}

/** SNM-04, once for each token. */
const ids = new WeakMap<VerifiedToken, bigint>();
export function appIdOf(token: VerifiedToken): bigint {
  let id = ids.get(token);
  if (id === undefined) {
    id = slimAppId(token.tokenId);
    ids.set(token, id);
  }
  return id;
}

/** SML-03. */
function credentialOf(token: string): Credential {
  return { kind: "basic", identity: toUtf8(token) };
}

function lifetimeOf(context: Context): Lifetime {
  const notBefore = BigInt(wallSeconds(context)) - backdated;
  return { notBefore, notAfter: notBefore + validity };
}

export function refused(reason: string): SessionError {
  return new SessionError("session/refused", { reason });
}

/** Bad input as a reason to count; a bug stays one. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof CoterieError) || error instanceof InvariantError) throw error;
  const { reason } = error.details;
  return error.code === "session/refused" && typeof reason === "string" ? reason : error.code;
}
