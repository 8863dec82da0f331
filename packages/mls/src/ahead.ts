import { labels } from "@coterie/crypto";
import type { CipherSuite, CryptoProvider, SignatureClaim } from "@coterie/crypto";
import { isRemembered, labelled } from "./crypto-labels.ts";
import { keyPackageTbsBytes } from "./key-package.ts";
import { membersOf } from "./tree.ts";
import type { RatchetTree } from "./tree.ts";
import type { KeyPackage, LeafNode, Proposal } from "./types.ts";
import { leafContent } from "./validate-leaf.ts";

// What an operation on many members is about to ask of the provider, in the order in which it will ask, for helpers that may begin with it.

/** The key packages that a commit adds: their signatures, and, where we are to welcome them, their init keys. */
export function announceAdds(
  crypto: CryptoProvider,
  suite: CipherSuite,
  proposals: readonly { readonly proposal: Proposal }[],
  welcome: boolean,
): void {
  if (!crypto.ahead) return;
  const added: KeyPackage[] = [];
  for (const { proposal } of proposals) {
    if (proposal.kind === "add") added.push(proposal.keyPackage);
  }
  announceUnknown(crypto, suite, added.flatMap(claimsOf));
  if (!welcome) return;
  crypto.ahead.dhEphemeral(
    suite.dh,
    added.map(({ initKey }) => initKey),
  );
}

/** Key packages that are about to be verified one by one, all of one suite. */
export function announceKeyPackages(
  crypto: CryptoProvider,
  suite: CipherSuite,
  keyPackages: readonly KeyPackage[],
): void {
  if (crypto.ahead) announceUnknown(crypto, suite, keyPackages.flatMap(claimsOf));
}

function claimsOf(keyPackage: KeyPackage): SignatureClaim[] {
  const { leafNode, signature } = keyPackage;
  const message = labelled(labels.mlsSign.keyPackage, keyPackageTbsBytes(keyPackage));
  const { signatureKey: publicKey } = leafNode;
  return [leafClaim(leafNode, undefined), { publicKey, message, signature }];
}

/** The leaves of a tree that is about to be validated. */
export function announceLeaves(
  crypto: CryptoProvider,
  tree: RatchetTree,
  groupId: Uint8Array,
): void {
  if (!crypto.ahead) return;
  const claims = membersOf(tree).map(({ leafIndex, leaf }) =>
    leafClaim(leaf, { groupId, leafIndex }),
  );
  announceUnknown(crypto, tree.suite, claims);
}

function leafClaim(
  leaf: LeafNode,
  place: { readonly groupId: Uint8Array; readonly leafIndex: number } | undefined,
): SignatureClaim {
  const { signatureKey: publicKey, signature } = leaf;
  // A leaf that claims another source than its place allows has no content to sign, and is refused for that.
  const bare = place === undefined && leaf.source.kind !== "key-package";
  const content = bare ? new Uint8Array(0) : leafContent(leaf, place);
  return { publicKey, message: labelled(labels.mlsSign.leafNode, content), signature };
}

/** Most of a tree may have been verified before, when its members were met elsewhere: a sample tells. */
function announceUnknown(
  crypto: CryptoProvider,
  suite: CipherSuite,
  claims: readonly SignatureClaim[],
): void {
  const step = Math.max(1, Math.floor(claims.length / 16));
  let known = 0;
  let asked = 0;
  for (let i = 0; i < claims.length; i += step) {
    asked++;
    if (isRemembered(crypto, suite, claims[i] as SignatureClaim)) known++;
  }
  if (2 * known < asked) crypto.ahead?.verify(suite.signature, claims);
}
