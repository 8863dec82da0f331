import { nobleProvider } from "@coterie/crypto/noble";
import { opensslProvider } from "@coterie/crypto/openssl";
import type { CryptoProvider } from "@coterie/crypto";
import { expect, test } from "vitest";
import {
  deriveSecret,
  deriveTreeSecret,
  expandWithLabel,
  refHash,
  signWithLabel,
  verifyRemembered,
  verifyWithLabel,
} from "../src/crypto-labels.ts";
import { decryptWithLabel, encryptWithLabel } from "../src/encrypt-labels.ts";
import { casesOf, hex, noVectors, privateKey, report, suiteOf } from "./vectors.ts";

interface BasicsCase {
  readonly cipher_suite: number;
  readonly ref_hash: { readonly label: string; readonly value: string; readonly out: string };
  readonly expand_with_label: {
    readonly secret: string;
    readonly label: string;
    readonly context: string;
    readonly length: number;
    readonly out: string;
  };
  readonly derive_secret: { readonly secret: string; readonly label: string; readonly out: string };
  readonly derive_tree_secret: {
    readonly secret: string;
    readonly label: string;
    readonly generation: number;
    readonly length: number;
    readonly out: string;
  };
  readonly sign_with_label: {
    readonly priv: string;
    readonly pub: string;
    readonly content: string;
    readonly label: string;
    readonly signature: string;
  };
  readonly encrypt_with_label: {
    readonly priv: string;
    readonly pub: string;
    readonly label: string;
    readonly context: string;
    readonly plaintext: string;
    readonly kem_output: string;
    readonly ciphertext: string;
  };
}

function check(crypto: CryptoProvider, c: BasicsCase): void {
  const suite = suiteOf(c.cipher_suite);
  const ref = c.ref_hash;
  expect(refHash(crypto, suite, ref.label, hex(ref.value))).toEqual(hex(ref.out));
  const e = c.expand_with_label;
  expect(expandWithLabel(crypto, suite, hex(e.secret), e.label, hex(e.context), e.length)).toEqual(
    hex(e.out),
  );
  const d = c.derive_secret;
  expect(deriveSecret(crypto, suite, hex(d.secret), d.label)).toEqual(hex(d.out));
  const t = c.derive_tree_secret;
  expect(deriveTreeSecret(crypto, suite, hex(t.secret), t.label, t.generation, t.length)).toEqual(
    hex(t.out),
  );

  const s = c.sign_with_label;
  const content = hex(s.content);
  const own = signWithLabel(crypto, suite, privateKey(suite.signature, s.priv), s.label, content);
  for (const signature of [hex(s.signature), own]) {
    expect(verifyWithLabel(crypto, suite, hex(s.pub), s.label, content, signature)).toBe(true);
    expect(verifyWithLabel(crypto, suite, hex(s.pub), `${s.label}!`, content, signature)).toBe(
      false,
    );
  }

  const h = c.encrypt_with_label;
  const pair = { privateKey: privateKey(suite.dh, h.priv), publicKey: hex(h.pub) };
  const context = hex(h.context);
  const sealed = { kemOutput: hex(h.kem_output), ciphertext: hex(h.ciphertext) };
  const again = encryptWithLabel(crypto, suite, pair.publicKey, h.label, context, hex(h.plaintext));
  for (const box of [sealed, again]) {
    expect(decryptWithLabel(crypto, suite, pair, h.label, context, box)).toEqual(hex(h.plaintext));
    expect(() => decryptWithLabel(crypto, suite, pair, `${h.label}!`, context, box)).toThrowError(
      expect.objectContaining({ code: "mls/open-failed" }),
    );
  }
}

test.skipIf(noVectors)("RFC 9420 §5: labelled hashes, derivations, signatures and seals", () => {
  const cases = casesOf<BasicsCase>("crypto-basics");
  for (const c of cases) check(opensslProvider, c);
  for (const c of cases) if (c.cipher_suite <= 3) check(nobleProvider, c);
  report("crypto-basics", cases.length);
});

test("MLS-08: a valid signature is computed once, an invalid one each time, and each part counts", () => {
  let calls = 0;
  const crypto: CryptoProvider = {
    ...opensslProvider,
    verify: (...args) => (calls++, opensslProvider.verify(...args)),
  };
  const suite = suiteOf(1);
  const signer = crypto.generateSigner("ed25519");
  const other = crypto.generateSigner("ed25519");
  const content = Uint8Array.of(1, 2, 3);
  const signature = signWithLabel(crypto, suite, signer.privateKey, "L", content);
  const verify = (key: Uint8Array, label: string, what: Uint8Array, by: Uint8Array): boolean =>
    verifyRemembered(crypto, suite, key, label, what, by);

  expect(verify(signer.publicKey, "L", content, signature)).toBe(true);
  expect(verify(signer.publicKey, "L", content, signature)).toBe(true);
  expect(calls).toBe(1);
  expect(verify(other.publicKey, "L", content, signature)).toBe(false);
  expect(verify(signer.publicKey, "M", content, signature)).toBe(false);
  expect(verify(signer.publicKey, "L", Uint8Array.of(1, 2), signature)).toBe(false);
  expect(verify(signer.publicKey, "L", content, signature.with(0, (signature[0] ?? 0) ^ 1))).toBe(
    false,
  );
  expect(verify(other.publicKey, "L", content, signature)).toBe(false);
  expect(calls).toBe(6);
});
