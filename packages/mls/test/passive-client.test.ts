import { toHex } from "@coterie/base";
import { expect, test } from "vitest";
import { acceptAll, decodeMlsMessage, join, process } from "../src/index.ts";
import type { Group, PskLookup } from "../src/index.ts";
import { crypto } from "./people.ts";
import { casesOf, hex, noVectors, privateKey, report, suiteOf } from "./vectors.ts";

interface PassiveCase {
  readonly cipher_suite: number;
  readonly external_psks: readonly { readonly psk_id: string; readonly psk: string }[];
  readonly key_package: string;
  readonly signature_priv: string;
  readonly encryption_priv: string;
  readonly init_priv: string;
  readonly welcome: string;
  readonly ratchet_tree: string | null;
  readonly initial_epoch_authenticator: string;
  readonly epochs: readonly {
    readonly proposals: readonly string[];
    readonly commit: string;
    readonly epoch_authenticator: string;
  }[];
}

function joinCase(given: PassiveCase, psks: PskLookup): Group {
  const suite = suiteOf(given.cipher_suite);
  const decoded = decodeMlsMessage(hex(given.key_package));
  if (decoded.kind !== "key-package") throw new Error("not a key package");
  const { keyPackage } = decoded;
  const pair = (publicKey: Uint8Array, text: string, curve: string) => ({
    publicKey,
    privateKey: privateKey(curve, text),
  });
  const { leafNode, initKey } = keyPackage;
  const secrets = {
    initKey: pair(initKey, given.init_priv, suite.dh),
    encryptionKey: pair(leafNode.encryptionKey, given.encryption_priv, suite.dh),
  };
  const signer = pair(leafNode.signatureKey, given.signature_priv, suite.signature);
  expect(crypto.dhPublicKey(suite.dh, secrets.initKey.privateKey)).toEqual(initKey);
  expect(crypto.dhPublicKey(suite.dh, secrets.encryptionKey.privateKey)).toEqual(
    leafNode.encryptionKey,
  );
  expect(crypto.signaturePublicKey(suite.signature, signer.privateKey)).toEqual(signer.publicKey);
  const joined = join({
    crypto,
    welcome: hex(given.welcome),
    keyPackages: [{ keyPackage, secrets, signer }],
    ratchetTree: given.ratchet_tree === null ? undefined : hex(given.ratchet_tree),
    judge: acceptAll,
    psks,
  });
  if (joined.kind === "refused") throw joined.reason;
  if (joined.kind === "waiting") throw new Error("nothing to wait for");
  return joined.group;
}

for (const file of [
  "passive-client-welcome",
  "passive-client-handling-commit",
  "passive-client-random",
]) {
  test.skipIf(noVectors)(`RFC 9420: ${file}`, { timeout: 300_000 }, () => {
    const cases = casesOf<PassiveCase>(file);
    for (const given of cases) {
      const psks: PskLookup = (id) => {
        if (id.kind !== "external") return undefined;
        const pskId = toHex(id.pskId);
        const found = given.external_psks.find(({ psk_id }) => psk_id === pskId);
        return found && hex(found.psk);
      };
      let group = joinCase(given, psks);
      expect(toHex(group.epochAuthenticator)).toBe(given.initial_epoch_authenticator);
      for (const epoch of given.epochs) {
        for (const proposal of epoch.proposals) {
          const result = process({ crypto, group, message: hex(proposal), judge: acceptAll, psks });
          if (result.kind === "refused") throw result.reason;
          if (result.kind !== "proposal") throw new Error(`a proposal, not ${result.kind}`);
          ({ group } = result);
        }
        const message = hex(epoch.commit);
        const result = process({ crypto, group, message, judge: acceptAll, psks });
        if (result.kind === "refused") throw result.reason;
        if (result.kind !== "committed") throw new Error(`a commit, not ${result.kind}`);
        ({ group } = result);
        expect(toHex(group.epochAuthenticator)).toBe(epoch.epoch_authenticator);
      }
    }
    report(file, cases.length);
  });
}
