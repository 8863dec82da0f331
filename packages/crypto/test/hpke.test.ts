import { concat, fromHex, toHex } from "@coterie/base";
import {
  cipherSuites,
  deriveKeyPair,
  encLength,
  generateKeyPair,
  hpkeOpen,
  hpkeReceiveExport,
  hpkeSeal,
  hpkeSendExport,
  setupRecipient,
  setupSender,
  xWingHpkeSuite,
} from "@coterie/crypto";
import type { CryptoProvider, HpkeSuite } from "@coterie/crypto";
import { expect, test, vi } from "vitest";
import { data, outcome, providers } from "./support.ts";

vi.setConfig({ testTimeout: 60_000 });

interface HpkeVector {
  readonly name: string;
  readonly kemId: number;
  readonly kdfId: number;
  readonly aeadId: number;
  readonly info: string;
  readonly ikmE: string;
  readonly pkEm: string;
  readonly skEm: string;
  readonly ikmR: string;
  readonly pkRm: string;
  readonly skRm: string;
  readonly plaintext: string;
  readonly encryptions: readonly { sequence: number; aad: string; ct: string }[];
  readonly exports: readonly { context: string; length: number; value: string }[];
}

const vectors = data<{ cases: readonly HpkeVector[] }>("hpke-rfc9180").cases;
const none = new Uint8Array(0);

function suiteOf(vector: HpkeVector): HpkeSuite {
  const hash = ({ 1: "sha256", 3: "sha512" } as const)[vector.kdfId as 1 | 3];
  const aead = ({ 1: "aes128gcm", 2: "aes256gcm", 3: "chacha20poly1305" } as const)[
    vector.aeadId as 1 | 2 | 3
  ];
  const { kemId, kdfId, aeadId } = vector;
  const hashLength = hash === "sha256" ? 32 : 64;
  return { kemId, kdfId, aeadId, hash, hashLength, aead, keyLength: aeadId === 1 ? 16 : 32 };
}

for (const crypto of providers) {
  test.each(vectors)(`RFC 9180 appendix A, ${crypto.name}: $name`, (vector) => {
    const suite = suiteOf(vector);
    const ephemeral = deriveKeyPair(crypto, suite, fromHex(vector.ikmE));
    const recipient = deriveKeyPair(crypto, suite, fromHex(vector.ikmR));
    expect(toHex(ephemeral.privateKey)).toBe(vector.skEm);
    expect(toHex(ephemeral.publicKey)).toBe(vector.pkEm);
    expect(toHex(recipient.privateKey)).toBe(vector.skRm);
    expect(toHex(recipient.publicKey)).toBe(vector.pkRm);

    const fixed: CryptoProvider = {
      ...crypto,
      dhEphemeral: (name, key) => ({
        publicKey: ephemeral.publicKey,
        shared: crypto.dh(name, ephemeral.privateKey, key),
      }),
    };
    const info = fromHex(vector.info);
    const { publicKey, privateKey } = recipient;
    const sender = setupSender({ crypto: fixed, suite, publicKey, info });
    const { enc } = sender;
    expect(toHex(enc)).toBe(vector.pkEm);
    const receiver = setupRecipient({ crypto, suite, enc, privateKey, info });
    const knowing = setupRecipient({ crypto, suite, enc, privateKey, publicKey, info });

    const plaintext = fromHex(vector.plaintext);
    let compared = 0;
    for (let sequence = 0; sequence <= 256; sequence++) {
      const known = vector.encryptions.find((each) => each.sequence === sequence);
      const aad = new TextEncoder().encode(`Count-${sequence}`);
      const sealed = sender.seal(aad, plaintext);
      if (known) {
        compared++;
        expect(toHex(aad)).toBe(known.aad);
        expect(toHex(sealed)).toBe(known.ct);
      }
      expect(receiver.open(aad, sealed)).toEqual(plaintext);
      expect(knowing.open(aad, sealed)).toEqual(plaintext);
    }
    expect(compared).toBe(6);
    for (const { context, length, value } of vector.exports) {
      expect(toHex(sender.export(fromHex(context), length))).toBe(value);
      expect(toHex(receiver.export(fromHex(context), length))).toBe(value);
    }
  });
}

const suites: readonly (HpkeSuite & { readonly name?: string })[] = [
  ...cipherSuites.values(),
  { ...xWingHpkeSuite, name: "X-Wing, HKDF-SHA256, ChaCha20-Poly1305" },
];

test.each(suites)("HPKE seals and opens across providers: $name", (suite) => {
  const info = Uint8Array.of(1, 2);
  const aad = Uint8Array.of(3);
  const plaintext = Uint8Array.of(4, 5, 6);
  for (const from of providers) {
    for (const to of providers) {
      const { publicKey, privateKey } = generateKeyPair(to, suite);
      const sealed = hpkeSeal({ crypto: from, suite, publicKey, info, aad, plaintext });
      const { enc, ciphertext } = sealed;
      expect(enc.length).toBe(encLength(suite));
      const open = (change: object) =>
        outcome(() =>
          hpkeOpen({ crypto: to, suite, enc, privateKey, info, aad, ciphertext, ...change }),
        );
      expect(open({})).toEqual({ value: plaintext });
      const failed = { code: "crypto/open-failed" };
      expect(open({ aad: none })).toEqual(failed);
      expect(open({ info: none })).toEqual(failed);
      expect(open({ ciphertext: none })).toEqual(failed);
      expect(open({ privateKey: generateKeyPair(to, suite).privateKey })).toEqual(failed);
      expect(open({ enc: enc.subarray(1) })).toEqual({ code: "crypto/bad-length" });
      expect(open({ privateKey: privateKey.subarray(1) })).toEqual({ code: "crypto/bad-length" });
      const short = publicKey.subarray(1);
      expect(
        outcome(() => hpkeSeal({ crypto: from, suite, publicKey: short, info, aad, plaintext })),
      ).toEqual({ code: "crypto/bad-length" });

      const asked = { suite, info, context: aad, length: 40 };
      const exported = hpkeSendExport({ crypto: from, publicKey, ...asked });
      const received = hpkeReceiveExport({ crypto: to, enc: exported.enc, privateKey, ...asked });
      expect(received).toEqual(exported.secret);
    }
  }
});

test("deriveKeyPair gives the same keys on both providers, for every suite", () => {
  for (const suite of suites) {
    for (let i = 0; i < 4; i++) {
      const ikm = new Uint8Array(suite.hashLength).fill(i);
      const [a, b] = providers.map((crypto) => deriveKeyPair(crypto, suite, ikm));
      expect(b).toEqual(a);
    }
  }
});

test("XWL-03: two seals of one context open in order alone; a failed open costs no sequence number", () => {
  for (const crypto of providers) {
    const suite = xWingHpkeSuite;
    const { publicKey, privateKey } = generateKeyPair(crypto, suite);
    const sender = setupSender({ crypto, suite, publicKey, info: none });
    const welcome = sender.seal(none, Uint8Array.of(1));
    const metadata = sender.seal(none, Uint8Array.of(2));
    const setup = { crypto, suite, enc: sender.enc, privateKey, info: none };
    const recipient = setupRecipient(setup);
    expect(outcome(() => recipient.open(none, metadata))).toEqual({ code: "crypto/open-failed" });
    expect(recipient.open(none, welcome)).toEqual(Uint8Array.of(1));
    expect(recipient.open(none, metadata)).toEqual(Uint8Array.of(2));
    expect(outcome(() => recipient.open(none, metadata))).toEqual({ code: "crypto/open-failed" });
  }
});

test("an unknown KEM and an export out of range are refused with a code", () => {
  for (const crypto of providers) {
    const suite = { ...xWingHpkeSuite, kemId: 0x647a };
    expect(outcome(() => generateKeyPair(crypto, suite))).toEqual({ code: "crypto/unsupported" });
    const { publicKey } = generateKeyPair(crypto, xWingHpkeSuite);
    const sender = setupSender({ crypto, suite: xWingHpkeSuite, publicKey, info: none });
    for (const length of [-1, 1.5, 255 * 32 + 1, 65_536, Number.NaN]) {
      expect(outcome(() => sender.export(none, length))).toEqual({ code: "crypto/bad-length" });
    }
    expect(sender.export(none, 255 * 32).length).toBe(255 * 32);
  }
});

test("XWL-01: an X-Wing key with a low-order X25519 part or unreduced ML-KEM part is refused", () => {
  for (const crypto of providers) {
    const { publicKey } = generateKeyPair(crypto, xWingHpkeSuite);
    const seal = (key: Uint8Array) =>
      outcome(() =>
        hpkeSeal({
          crypto,
          suite: xWingHpkeSuite,
          publicKey: key,
          info: none,
          aad: none,
          plaintext: none,
        }),
      );
    const refused = { code: "crypto/bad-key" };
    expect(seal(concat(publicKey.subarray(0, 1184), new Uint8Array(32)))).toEqual(refused);
    expect(seal(concat(Uint8Array.of(255, 255), publicKey.subarray(2)))).toEqual(refused);
  }
});
