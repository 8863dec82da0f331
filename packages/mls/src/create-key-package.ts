import { equal, invariant } from "@coterie/base";
import { cipherSuites, generateKeyPair, labels } from "@coterie/crypto";
import type { CipherSuite, CryptoProvider, KeyPair } from "@coterie/crypto";
import { encodeWith } from "./codec.ts";
import { refHash, signWithLabel, verifyRemembered } from "./crypto-labels.ts";
import { isDhKey } from "./dh-key.ts";
import { MlsError } from "./errors.ts";
import { encodeKeyPackage, keyPackageTbsBytes, writeKeyPackageTbs } from "./key-package.ts";
import { credentialType } from "./leaf-node.ts";
import { mls10 } from "./registry.ts";
import { checkDistinctExtensions, unsupported } from "./required-capabilities.ts";
import { allSupportExtension, supportOfLeaf } from "./tree-support.ts";
import type {
  Capabilities,
  Credential,
  Extension,
  KeyPackage,
  LeafNode,
  Lifetime,
  UnsignedLeafNode,
} from "./types.ts";
import { leafTbs, validateLeaf } from "./validate-leaf.ts";

/** The private halves of a key package, needed to join by it. */
export interface KeyPackageSecrets {
  readonly initKey: KeyPair;
  readonly encryptionKey: KeyPair;
}

export interface CreatedKeyPackage {
  readonly keyPackage: KeyPackage;
  /** The bare structure, without the MLSMessage around it. */
  readonly bytes: Uint8Array;
  readonly secrets: KeyPackageSecrets;
}

/**
 * Makes a signed key package with fresh keys (RFC 9420 §10). Throws `mls/unsupported` where the capabilities do not cover its own
 * credential or extensions, which others would refuse.
 */
export function createKeyPackage(input: {
  readonly crypto: CryptoProvider;
  readonly cipherSuite: CipherSuite;
  readonly signer: KeyPair;
  readonly credential: Credential;
  readonly capabilities: Capabilities;
  readonly lifetime: Lifetime;
  readonly leafExtensions?: readonly Extension[];
  readonly extensions?: readonly Extension[];
}): CreatedKeyPackage {
  const { crypto, cipherSuite: suite, signer, extensions = [] } = input;
  const initKey = generateKeyPair(crypto, suite);
  const encryptionKey = generateKeyPair(crypto, suite);
  checkCovers(input.capabilities, input.credential, extensions);
  const leafNode = signLeaf({
    crypto,
    suite,
    signer,
    place: undefined,
    leaf: {
      encryptionKey: encryptionKey.publicKey,
      signatureKey: signer.publicKey,
      credential: input.credential,
      capabilities: input.capabilities,
      source: { kind: "key-package", lifetime: input.lifetime },
      extensions: input.leafExtensions ?? [],
    },
  });
  const unsigned = {
    version: mls10,
    cipherSuite: suite.id,
    initKey: initKey.publicKey,
    leafNode,
    extensions,
  };
  const tbs = encodeWith(writeKeyPackageTbs, unsigned);
  const signature = signWithLabel(crypto, suite, signer.privateKey, labels.mlsSign.keyPackage, tbs);
  const keyPackage: KeyPackage = { ...unsigned, signature };
  return {
    keyPackage,
    bytes: encodeKeyPackage(keyPackage),
    secrets: { initKey, encryptionKey },
  };
}

/** Signs a leaf node; `place` is undefined exactly for one that goes into a key package (RFC 9420 §7.2). */
export function signLeaf(input: {
  readonly crypto: CryptoProvider;
  readonly suite: CipherSuite;
  readonly signer: KeyPair;
  readonly leaf: UnsignedLeafNode;
  readonly place: { readonly groupId: Uint8Array; readonly leafIndex: number } | undefined;
}): LeafNode {
  const { crypto, suite, signer, leaf, place } = input;
  invariant((place === undefined) === (leaf.source.kind === "key-package"), "leaf has its place");
  checkCovers(leaf.capabilities, leaf.credential, leaf.extensions);
  const label = labels.mlsSign.leafNode;
  const tbs = leafTbs(leaf, place);
  return { ...leaf, signature: signWithLabel(crypto, suite, signer.privateKey, label, tbs) };
}

/** KeyPackageRef (RFC 9420 §5.2), with the hash of the key package's own suite. */
export function keyPackageRef(crypto: CryptoProvider, keyPackage: KeyPackage): Uint8Array {
  const suite = suiteOf(keyPackage);
  return refHash(crypto, suite, labels.mlsReference.keyPackage, encodeKeyPackage(keyPackage));
}

/**
 * RFC 9420 §10.1: version, suite, keys, leaf, signatures; the lifetime where `nowSeconds` is given, the group's requirements where
 * `extensions` of its context are. Throws an {@link MlsError} that says what is wrong.
 */
export function verifyKeyPackage(input: {
  readonly crypto: CryptoProvider;
  readonly keyPackage: KeyPackage;
  /** The group's suite, which the key package has to name. */
  readonly cipherSuite?: CipherSuite | undefined;
  readonly extensions?: readonly Extension[] | undefined;
  readonly nowSeconds?: bigint | undefined;
}): void {
  const { crypto, keyPackage } = input;
  const { leafNode } = keyPackage;
  const refuse = (why: string): MlsError => new MlsError("mls/bad-key-package", { why });
  if (keyPackage.version !== mls10) throw refuse("version");
  const suite = suiteOf(keyPackage);
  if (input.cipherSuite && input.cipherSuite.id !== suite.id) throw refuse("cipher-suite");
  if (!isDhKey(suite, keyPackage.initKey)) throw refuse("init-key");
  if (equal(keyPackage.initKey, leafNode.encryptionKey)) throw refuse("same-key");
  checkCovers(leafNode.capabilities, leafNode.credential, keyPackage.extensions);
  validateLeaf({
    crypto,
    suite,
    leaf: leafNode,
    place: { kind: "key-package" },
    extensions: input.extensions,
    nowSeconds: input.nowSeconds,
  });
  const tbs = keyPackageTbsBytes(keyPackage);
  const label = labels.mlsSign.keyPackage;
  const { signatureKey } = leafNode;
  if (!verifyRemembered(crypto, suite, signatureKey, label, tbs, keyPackage.signature)) {
    throw new MlsError("mls/bad-signature", { what: "key-package" });
  }
}

/** RFC 9420 §7.2, §10: capabilities list the credential and every non-default extension that comes with them. */
function checkCovers(
  capabilities: Capabilities,
  credential: Credential,
  extensions: readonly Extension[],
): void {
  checkDistinctExtensions(extensions);
  const type = credentialType(credential);
  const support = supportOfLeaf(capabilities, type);
  if (!support.credentials.includes(type)) throw unsupported("credential", type);
  for (const extension of extensions) {
    if (!allSupportExtension(support, extension.type)) {
      throw unsupported("extension", extension.type);
    }
  }
}

function suiteOf(keyPackage: KeyPackage): CipherSuite {
  const suite = cipherSuites.get(keyPackage.cipherSuite);
  if (suite === undefined) {
    throw new MlsError("mls/unsupported-suite", { cipherSuite: keyPackage.cipherSuite });
  }
  return suite;
}
