import { equal } from "@coterie/base";
import { expect, test } from "vitest";
import { decodeWith } from "../src/codec.ts";
import { keyPackageRef } from "../src/create-key-package.ts";
import { decryptWithLabel } from "../src/encrypt-labels.ts";
import { checkGroupInfoSignature } from "../src/group-info.ts";
import {
  deriveEpochSecret,
  deriveEpochSecrets,
  deriveMemberSecret,
  deriveWelcomeKey,
  zeroSecret,
} from "../src/key-schedule.ts";
import { decodeMlsMessage } from "../src/message.ts";
import { confirmationTag, tagFits } from "../src/transcript.ts";
import { groupContextBytes, readGroupInfo, readGroupSecrets } from "../src/welcome-types.ts";
import { crypto } from "./people.ts";
import { casesOf, hex, noVectors, privateKey, report, suiteOf } from "./vectors.ts";

interface WelcomeCase {
  readonly cipher_suite: number;
  readonly init_priv: string;
  readonly key_package: string;
  readonly signer_pub: string;
  readonly welcome: string;
}

test.skipIf(noVectors)("RFC 9420 §12.4.3.1: a Welcome opens to a GroupInfo that is signed", () => {
  const cases = casesOf<WelcomeCase>("welcome");
  for (const given of cases) {
    const suite = suiteOf(given.cipher_suite);
    const keyPackage = decodeMlsMessage(hex(given.key_package));
    const message = decodeMlsMessage(hex(given.welcome));
    if (keyPackage.kind !== "key-package" || message.kind !== "welcome") throw new Error("kinds");
    const { welcome } = message;
    const ref = keyPackageRef(crypto, keyPackage.keyPackage);
    const entry = welcome.secrets.find(({ newMember }) => equal(newMember, ref));
    if (!entry) throw new Error("an entry for the key package");
    const pair = {
      publicKey: keyPackage.keyPackage.initKey,
      privateKey: privateKey(suite.dh, given.init_priv),
    };
    const context = welcome.encryptedGroupInfo;
    const sealed = entry.encryptedGroupSecrets;
    const opened = decryptWithLabel(crypto, suite, pair, "Welcome", context, sealed);
    const { joinerSecret, psks } = decodeWith(readGroupSecrets, opened);
    expect(psks).toEqual([]);
    const member = deriveMemberSecret(crypto, suite, joinerSecret, zeroSecret(suite));
    const { key, nonce } = deriveWelcomeKey(crypto, suite, member);
    const plaintext = crypto.aeadOpen(suite.aead, key, nonce, new Uint8Array(0), context);
    const info = decodeWith(readGroupInfo, plaintext);
    checkGroupInfoSignature(crypto, suite, info, hex(given.signer_pub));
    const contextBytes = groupContextBytes(info.groupContext);
    const epochSecret = deriveEpochSecret(crypto, suite, member, contextBytes);
    const { confirmationKey } = deriveEpochSecrets(crypto, suite, epochSecret).secrets;
    const confirmed = info.groupContext.confirmedTranscriptHash;
    const tag = confirmationTag(crypto, suite, confirmationKey, confirmed);
    expect(tagFits(tag, info.confirmationTag)).toBe(true);
  }
  report("welcome", cases.length);
});
