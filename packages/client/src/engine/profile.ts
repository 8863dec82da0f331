import { toUtf8 } from "@coterie/base";
import { cipherSuites, generateKeyPair, xWingHpkeSuite } from "@coterie/crypto";
import type { CipherSuite, CryptoProvider, KeyPair } from "@coterie/crypto";
import {
  announceKeyPackages,
  createKeyPackage,
  decodeKeyPackage,
  verifyKeyPackage,
} from "@coterie/mls";
import type {
  Capabilities,
  Extension,
  KeyPackage,
  KeyPackageSecrets,
  Lifetime,
} from "@coterie/mls";
import {
  WelcomePointeeEncryptionAeadTypesExtension,
  WelcomeWrapperEncryption,
} from "@coterie/wire";
import { ClientError } from "../errors.ts";
import type { UsableKeyPackage } from "./compose.ts";
import { extensionType, findExtension } from "./extensions.ts";
import { inboxCredential, ownerOf } from "./leaf.ts";
import { encodeVl } from "./vl.ts";
import { pointeeAead, wrapper } from "./welcome-wrap.ts";

/** XGC-01. */
export const cipherSuite: CipherSuite = cipherSuites.get(3) as CipherSuite;

/** XKP-04, in upstream's order: all that is required and the two of key packages (XGC-30). Nothing of proposal mode (XGC-25, XGC-60). */
export const leafCapabilities: Capabilities = {
  versions: [1],
  cipherSuites: [cipherSuite.id],
  extensions: [
    extensionType.lastResort,
    extensionType.applicationId,
    extensionType.immutableMetadata,
    extensionType.permissions,
    extensionType.mutableMetadata,
    extensionType.membership,
    extensionType.welcomeWrapper,
    extensionType.pointeeAead,
  ],
  proposals: [7],
  credentials: [1],
};

const hour = 3_600n;
const day = 86_400n;

/** XKP-05: valid from an hour ago for 84 days. */
export function keyPackageLifetime(nowNs: bigint): Lifetime {
  const now = nowNs / 1_000_000_000n;
  return { notBefore: now - hour, notAfter: now + 84n * day };
}

/** XKP-03: the inbox id with a length of its own inside the extension's. */
export function leafExtensions(inboxId: string): readonly Extension[] {
  return [{ type: extensionType.applicationId, data: encodeVl(toUtf8(inboxId)) }];
}

export interface NewKeyPackage {
  readonly keyPackage: KeyPackage;
  readonly bytes: Uint8Array;
  readonly secrets: KeyPackageSecrets;
  readonly wrapper: KeyPair;
}

/** XKP-01 to XKP-06: a key package with fresh keys, its welcome wrapper included. */
export function newKeyPackage(
  crypto: CryptoProvider,
  signer: KeyPair,
  inboxId: string,
  nowNs: bigint,
): NewKeyPackage {
  const xWing = generateKeyPair(crypto, xWingHpkeSuite);
  const created = createKeyPackage({
    crypto,
    cipherSuite,
    signer,
    credential: inboxCredential(inboxId),
    capabilities: leafCapabilities,
    lifetime: keyPackageLifetime(nowNs),
    leafExtensions: leafExtensions(inboxId),
    // XKP-02
    extensions: [
      { type: extensionType.lastResort, data: new Uint8Array(0) },
      {
        type: extensionType.pointeeAead,
        data: WelcomePointeeEncryptionAeadTypesExtension.encode({
          supportedAeadTypes: [pointeeAead.chacha20Poly1305],
        }),
      },
      {
        type: extensionType.welcomeWrapper,
        data: WelcomeWrapperEncryption.encode({
          pubKey: xWing.publicKey,
          algorithm: wrapper.xWing,
        }),
      },
    ],
  });
  return { ...created, wrapper: xWing };
}

function bad(rule: string, cause?: unknown): ClientError {
  return new ClientError("client/bad-key-package", { rule }, { cause });
}

/** Says to helpers, where there are any, which key packages {@link checkKeyPackage} will be asked about. */
export function announceChecks(crypto: CryptoProvider, packages: readonly Uint8Array[]): void {
  if (!crypto.ahead) return;
  const decoded = packages.flatMap((bytes) => {
    try {
      const keyPackage = decodeKeyPackage(bytes);
      return keyPackage.cipherSuite === cipherSuite.id ? [keyPackage] : [];
    } catch {
      // Told when its turn comes.
      return [];
    }
  });
  announceKeyPackages(crypto, cipherSuite, decoded);
}

/**
 * Checks a fetched key package (XKP-11) and says how its welcomes are wrapped (XKP-13). Throws `client/bad-key-package`: its
 * installation is a failed one then (XKP-12).
 */
export function checkKeyPackage(
  crypto: CryptoProvider,
  bytes: Uint8Array,
  expected: { readonly installationId: string; readonly inboxId: string; readonly nowNs: bigint },
): UsableKeyPackage {
  if (bytes.length === 0) throw bad("XKP-12");
  let keyPackage: KeyPackage;
  try {
    keyPackage = decodeKeyPackage(bytes);
    verifyKeyPackage({
      crypto,
      keyPackage,
      cipherSuite,
      nowSeconds: expected.nowNs / 1_000_000_000n,
    });
  } catch (cause) {
    throw bad("XKP-11", cause);
  }
  const { leafNode } = keyPackage;
  const owner = ownerOf(leafNode);
  if (owner?.installationId !== expected.installationId || owner.inboxId !== expected.inboxId) {
    throw bad("XKP-11");
  }
  // XKP-05
  if (leafNode.source.kind !== "key-package") throw bad("XKP-11");
  const { notBefore, notAfter } = leafNode.source.lifetime;
  if (notAfter - notBefore > 84n * day + hour) throw bad("XKP-05");
  return {
    installationId: expected.installationId,
    keyPackage,
    recipient: { installationId: expected.installationId, ...wrapperOf(keyPackage) },
  };
}

function wrapperOf(keyPackage: KeyPackage): {
  readonly wrapperKey: Uint8Array;
  readonly wrapperAlgorithm: number;
  readonly pointerCapable: boolean;
} {
  const { extensions } = keyPackage;
  const pointee = findExtension(extensions, extensionType.pointeeAead);
  const encryption = findExtension(extensions, extensionType.welcomeWrapper);
  try {
    const pointerCapable =
      pointee !== undefined &&
      WelcomePointeeEncryptionAeadTypesExtension.decode(pointee).supportedAeadTypes.includes(
        pointeeAead.chacha20Poly1305,
      );
    if (!encryption) {
      return {
        wrapperKey: keyPackage.initKey,
        wrapperAlgorithm: wrapper.curve25519,
        pointerCapable,
      };
    }
    const { pubKey, algorithm } = WelcomeWrapperEncryption.decode(encryption);
    const xWing = algorithm === wrapper.xWing;
    if (pubKey.length !== (xWing ? 1216 : 32)) throw bad("XKP-13");
    return {
      wrapperKey: pubKey,
      wrapperAlgorithm: xWing ? wrapper.xWing : wrapper.curve25519,
      pointerCapable,
    };
  } catch (cause) {
    throw bad("XKP-13", cause);
  }
}
