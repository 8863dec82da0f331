import { toHex } from "@coterie/base";
import { opensslProvider } from "@coterie/crypto/openssl";
import { expect, test } from "vitest";
import {
  deriveEpochSecret,
  deriveEpochSecrets,
  deriveJoinerSecret,
  deriveMemberSecret,
  deriveWelcomeSecret,
  exportFrom,
  externalKeyPair,
} from "../src/key-schedule.ts";
import { derivePskSecret } from "../src/psk.ts";
import { groupContextBytes } from "../src/welcome-types.ts";
import { casesOf, hex, noVectors, report, suiteOf } from "./vectors.ts";

const crypto = opensslProvider;

interface Epoch {
  readonly [secret: string]: string;
}
interface KeyScheduleCase {
  readonly cipher_suite: number;
  readonly group_id: string;
  readonly initial_init_secret: string;
  readonly epochs: readonly (Epoch & {
    readonly exporter: { label: string; context: string; length: number; secret: string };
  })[];
}

test.skipIf(noVectors)("RFC 9420 §8: the key schedule of every epoch", { timeout: 300_000 }, () => {
  const cases = casesOf<KeyScheduleCase>("key-schedule");
  for (const given of cases) {
    const suite = suiteOf(given.cipher_suite);
    let initSecret: Uint8Array = hex(given.initial_init_secret);
    for (const [index, epoch] of given.epochs.entries()) {
      const contextBytes = groupContextBytes({
        version: 1,
        cipherSuite: suite.id,
        groupId: hex(given.group_id),
        epoch: BigInt(index),
        treeHash: hex(epoch["tree_hash"] as string),
        confirmedTranscriptHash: hex(epoch["confirmed_transcript_hash"] as string),
        extensions: [],
      });
      expect(toHex(contextBytes)).toBe(epoch["group_context"]);
      const commitSecret = hex(epoch["commit_secret"] as string);
      const joiner = deriveJoinerSecret(crypto, suite, {
        initSecret,
        commitSecret,
        contextBytes,
      });
      const member = deriveMemberSecret(crypto, suite, joiner, hex(epoch["psk_secret"] as string));
      const epochSecret = deriveEpochSecret(crypto, suite, member, contextBytes);
      const { secrets, encryptionSecret } = deriveEpochSecrets(crypto, suite, epochSecret);
      const { label, context, length, secret } = epoch.exporter;
      const exported = exportFrom(crypto, suite, secrets.exporter, {
        label,
        context: hex(context),
        length,
      });
      expect({
        joiner_secret: toHex(joiner),
        welcome_secret: toHex(deriveWelcomeSecret(crypto, suite, member)),
        init_secret: toHex(secrets.init),
        sender_data_secret: toHex(secrets.senderData),
        encryption_secret: toHex(encryptionSecret),
        exporter_secret: toHex(secrets.exporter),
        epoch_authenticator: toHex(secrets.epochAuthenticator),
        external_secret: toHex(secrets.external),
        confirmation_key: toHex(secrets.confirmationKey),
        membership_key: toHex(secrets.membershipKey),
        resumption_psk: toHex(secrets.resumptionPsk),
        external_pub: toHex(externalKeyPair(crypto, suite, secrets.external).publicKey),
        exported: toHex(exported),
      }).toEqual({
        joiner_secret: epoch["joiner_secret"],
        welcome_secret: epoch["welcome_secret"],
        init_secret: epoch["init_secret"],
        sender_data_secret: epoch["sender_data_secret"],
        encryption_secret: epoch["encryption_secret"],
        exporter_secret: epoch["exporter_secret"],
        epoch_authenticator: epoch["epoch_authenticator"],
        external_secret: epoch["external_secret"],
        confirmation_key: epoch["confirmation_key"],
        membership_key: epoch["membership_key"],
        resumption_psk: epoch["resumption_psk"],
        external_pub: epoch["external_pub"],
        exported: secret,
      });
      initSecret = secrets.init;
    }
  }
  report("key-schedule", cases.length);
});

interface PskCase {
  readonly cipher_suite: number;
  readonly psk_secret: string;
  readonly psks: readonly { psk_id: string; psk: string; psk_nonce: string }[];
}

test.skipIf(noVectors)(
  "RFC 9420 §8.4: the PSK secret of a list, in order",
  { timeout: 300_000 },
  () => {
    const cases = casesOf<PskCase>("psk_secret");
    for (const given of cases) {
      const suite = suiteOf(given.cipher_suite);
      const psks = given.psks.map(({ psk_id, psk, psk_nonce }) => ({
        id: { kind: "external" as const, pskId: hex(psk_id), nonce: hex(psk_nonce) },
        secret: hex(psk),
      }));
      expect(toHex(derivePskSecret(crypto, suite, psks))).toBe(given.psk_secret);
    }
    report("psk_secret", cases.length);
  },
);
