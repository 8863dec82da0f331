import { equal } from "@coterie/base";
import type { CipherSuite, CryptoProvider, SignatureName } from "@coterie/crypto";
import { labels } from "@coterie/crypto";
import { Writer } from "./codec.ts";
import { verifyRemembered } from "./crypto-labels.ts";
import { isDhKey } from "./dh-key.ts";
import { beforeSignature } from "./encoded.ts";
import { MlsError } from "./errors.ts";
import { credentialType, leafNodeBytes, writeLeafNodeTbs } from "./leaf-node.ts";
import { checkDistinctExtensions, checkSupport, unsupported } from "./required-capabilities.ts";
import { allSupportExtension, supportOfLeaf } from "./tree-support.ts";
import type { Extension, LeafNode, Lifetime } from "./types.ts";

/** Where a leaf node appears, which decides what its source has to be and what its signature covers. */
export type LeafPlace =
  | { readonly kind: "key-package" }
  | {
      readonly kind: "update" | "commit";
      readonly groupId: Uint8Array;
      readonly leafIndex: number;
      /** The leaf that stands there before; none for an external commit. */
      readonly replaces: LeafNode | undefined;
    }
  | { readonly kind: "tree"; readonly groupId: Uint8Array; readonly leafIndex: number };

/**
 * RFC 9420 §7.3 as far as one leaf goes: source, keys, extensions, capabilities, lifetime, signature. What concerns several members
 * (unique keys, credentials that all support) is `validateMembers`. Throws `mls/bad-leaf` with `why`, `mls/unsupported`,
 * `mls/duplicate-extension`, `mls/bad-lifetime` or `mls/bad-signature`.
 */
export function validateLeaf(input: {
  readonly crypto: CryptoProvider;
  readonly suite: CipherSuite;
  readonly leaf: LeafNode;
  readonly place: LeafPlace;
  /** Of the group context, where there is a group. */
  readonly extensions?: readonly Extension[] | undefined;
  /** Unix seconds; the lifetime is not looked at without. */
  readonly nowSeconds?: bigint | undefined;
}): void {
  const { crypto, suite, leaf, place } = input;
  const details = place.kind === "key-package" ? {} : { leafIndex: place.leafIndex };
  const refuse = (why: string): MlsError => new MlsError("mls/bad-leaf", { why, ...details });

  if (place.kind !== "tree" && leaf.source.kind !== place.kind) throw refuse("source");
  if (!isDhKey(suite, leaf.encryptionKey)) throw refuse("encryption-key");
  if (leaf.signatureKey.length !== signatureKeyLengths[suite.signature]) {
    throw refuse("signature-key");
  }
  if ("replaces" in place && place.replaces) {
    if (equal(leaf.encryptionKey, place.replaces.encryptionKey)) throw refuse("same-key");
  }

  checkDistinctExtensions(leaf.extensions);
  const support = supportOfLeaf(leaf.capabilities, credentialType(leaf.credential));
  for (const { type } of leaf.extensions) {
    if (!allSupportExtension(support, type)) throw unsupported("extension", type);
  }
  const credential = credentialType(leaf.credential);
  if (!support.credentials.includes(credential)) throw unsupported("credential", credential);
  if (input.extensions) checkSupport(support, input.extensions);

  if (leaf.source.kind === "key-package" && input.nowSeconds !== undefined) {
    checkLifetime(leaf.source.lifetime, input.nowSeconds);
  }
  if (!leafSignatureValid(crypto, suite, leaf, place)) {
    throw new MlsError("mls/bad-signature", { what: "leaf", ...details });
  }
}

/** Throws `mls/bad-lifetime` unless now is within it. */
function checkLifetime(lifetime: Lifetime, nowSeconds: bigint): void {
  if (nowSeconds >= lifetime.notBefore && nowSeconds <= lifetime.notAfter) return;
  const { notBefore, notAfter } = lifetime;
  throw new MlsError("mls/bad-lifetime", { notBefore, notAfter, nowSeconds });
}

/** The content that a leaf's signature covers. */
export function leafTbs(
  leaf: Omit<LeafNode, "signature">,
  place: { readonly groupId: Uint8Array; readonly leafIndex: number } | undefined,
): Uint8Array {
  const writer = new Writer(512);
  writeLeafNodeTbs(writer, leaf, place);
  return writer.finish();
}

/** As {@link leafTbs}, out of the bytes that the leaf was read from. Throws for a leaf that needs a place and has none. */
export function leafContent(
  leaf: LeafNode,
  place: { readonly groupId: Uint8Array; readonly leafIndex: number } | undefined,
): Uint8Array {
  const bare = leaf.source.kind === "key-package";
  if (!bare && place === undefined) return leafTbs(leaf, place);
  const head = beforeSignature(leafNodeBytes(leaf), leaf.signature);
  if (bare || place === undefined) return head;
  const writer = new Writer(head.length + place.groupId.length + 8);
  writer.bytes(head);
  writer.opaque(place.groupId);
  writer.u32(place.leafIndex);
  return writer.finish();
}

function leafSignatureValid(
  crypto: CryptoProvider,
  suite: CipherSuite,
  leaf: LeafNode,
  place: LeafPlace,
): boolean {
  const content = leafContent(leaf, place.kind === "key-package" ? undefined : place);
  const label = labels.mlsSign.leafNode;
  return verifyRemembered(crypto, suite, leaf.signatureKey, label, content, leaf.signature);
}

const signatureKeyLengths: Readonly<Record<SignatureName, number>> = {
  ed25519: 32,
  ed448: 57,
  p256: 65,
  p384: 97,
  p521: 133,
};
