import { wipe } from "@coterie/base";
import { labels } from "@coterie/crypto";
import type { CryptoProvider } from "@coterie/crypto";
import type { Applied } from "./apply-proposals.ts";
import { encodeWith } from "./codec.ts";
import { keyPackageRef } from "./create-key-package.ts";
import { encryptContext, sealTo } from "./encrypt-labels.ts";
import { MlsError } from "./errors.ts";
import { deriveWelcomeKey } from "./key-schedule.ts";
import { encodeMlsMessage } from "./message.ts";
import type { RatchetTree } from "./tree.ts";
import type { GroupInfo } from "./types.ts";
import { pathSecretFor } from "./update-path.ts";
import type { NewPath } from "./update-path.ts";
import { groupInfoBytes, writeGroupSecrets } from "./welcome-types.ts";

/** One Welcome for all new members of a commit (RFC 9420 §12.4.3.1), as MLSMessage bytes. */
export function makeWelcome(input: {
  readonly crypto: CryptoProvider;
  readonly tree: RatchetTree;
  readonly groupInfo: GroupInfo;
  readonly joinerSecret: Uint8Array;
  readonly memberSecret: Uint8Array;
  readonly applied: Pick<Applied, "added" | "psks">;
  readonly path: NewPath | undefined;
}): Uint8Array {
  const { crypto, joinerSecret, applied, path } = input;
  const { suite } = input.tree;
  const { key, nonce } = deriveWelcomeKey(crypto, suite, input.memberSecret);
  const plaintext = groupInfoBytes(input.groupInfo);
  const aad = new Uint8Array(0);
  const encryptedGroupInfo = crypto.aeadSeal(suite.aead, key, nonce, aad, plaintext);
  wipe(key, nonce);
  const info = encryptContext(crypto, suite, labels.mlsEncrypt.welcome, encryptedGroupInfo);
  const secrets = applied.added.map(({ leafIndex, keyPackage }) => {
    const pathSecret = path && pathSecretFor(path, leafIndex);
    const groupSecrets = { joinerSecret, pathSecret, psks: applied.psks };
    const secretBytes = encodeWith(writeGroupSecrets, groupSecrets);
    try {
      const sealed = sealTo(crypto, keyPackage.initKey, info, secretBytes);
      return { newMember: keyPackageRef(crypto, keyPackage), encryptedGroupSecrets: sealed };
    } catch (cause) {
      throw new MlsError("mls/unusable-key", { leafIndex }, { cause });
    } finally {
      secretBytes.fill(0);
    }
  });
  const welcome = { cipherSuite: suite.id, secrets, encryptedGroupInfo };
  // A KeyPackageRef, an encapsulated key, and at most two secrets.
  const perMember = 4 * suite.hashLength + 192;
  const size = encryptedGroupInfo.length + secrets.length * perMember;
  return encodeMlsMessage({ kind: "welcome", welcome }, size);
}
