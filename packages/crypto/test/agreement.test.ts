import { concat, fromHex } from "@coterie/base";
import { ecdsaFromDer, ecdsaToDer } from "@coterie/crypto";
import type { AeadName, CryptoProvider, DhName, SignatureName } from "@coterie/crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { both, everyOne, noble, openssl, outcome } from "./support.ts";

vi.setConfig({ testTimeout: 120_000 });

const { BASE, Fn } = ed25519.Point;
const order = Fn.ORDER;
const prime = 2n ** 255n - 19n;

function littleEndian(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, "0")).reverse();
}

function toNumber(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
}

const torsion = (() => {
  // Any point times the order is in the torsion group; a generator of it gives all eight.
  for (let y = 2n; ; y++) {
    try {
      const point = ed25519.Point.fromBytes(littleEndian(y), false);
      const generator = point.multiplyUnsafe(order - 1n).add(point);
      if (!generator.double().double().is0()) {
        let at = ed25519.Point.ZERO;
        return Array.from({ length: 8 }, () => (at = at.add(generator)));
      }
    } catch {
      // No point has this y.
    }
  }
})();

/** Encodings a lax decoder takes: y or y + p where it fits, either sign. */
function encodings(point: typeof BASE): Uint8Array[] {
  const bytes = point.toBytes();
  const y = toNumber(bytes) & (2n ** 255n - 1n);
  const out = [bytes];
  if (y + prime < 2n ** 255n) {
    out.push(littleEndian(y + prime + ((bytes[31] as number) >> 7 === 1 ? 2n ** 255n : 0n)));
  }
  if (point.x !== 0n) return out;
  return [...out, ...out.map((each) => littleEndian(toNumber(each) + 2n ** 255n))];
}

const smallOrder = torsion.flatMap(encodings);

function verdict(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const [noble, openssl] = everyOne((crypto) => crypto.verify("ed25519", key, message, signature));
  expect(openssl).toBe(noble);
  return noble;
}

/** A signature by the bare equation, over keys and nonces with chosen torsion parts, which no honest signer makes. */
function forge(a: bigint, r: bigint, tA: typeof BASE, tR: typeof BASE, message: Uint8Array) {
  const key = BASE.multiply(a).add(tA).toBytes();
  const nonce = BASE.multiply(r).add(tR).toBytes();
  const k = Fn.create(toNumber(sha512(concat(nonce, key, message))));
  return { key, k, signature: concat(nonce, littleEndian(Fn.create(r + k * a))) };
}

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const scalar = fc.bigInt({ min: 1n, max: order - 1n });
const message = fc.uint8Array({ maxLength: 80 });

test("the torsion group has eight points in fourteen encodings", () => {
  expect(new Set(torsion.map((point) => point.toHex())).size).toBe(8);
  expect(new Set(smallOrder.map(String)).size).toBe(14);
});

test("MLS-07: no small-order key and no small-order R verifies, in any encoding", () => {
  const honest = ed25519.keygen(new Uint8Array(32).fill(7));
  const zero = new Uint8Array(32);
  let tried = 0;
  for (const a of smallOrder) {
    for (const r of [...smallOrder, honest.publicKey]) {
      for (const s of [zero, littleEndian(5n)]) {
        for (let nonce = 0; nonce < 4; nonce++, tried++) {
          expect(verdict(a, Uint8Array.of(nonce), concat(r, s))).toBe(false);
        }
      }
    }
    // R = [S]B − [k]A with A of small order and k divisible by eight would pass a lax verifier.
    for (let nonce = 0; nonce < 16; nonce++, tried++) {
      const r = BASE.multiply(5n).toBytes();
      expect(verdict(a, Uint8Array.of(nonce), concat(r, littleEndian(5n)))).toBe(false);
    }
    // And an honest key with R of small order: S = k·a.
    const secret = 99n;
    const key = BASE.multiply(secret).toBytes();
    const k = Fn.create(toNumber(sha512(concat(a, key, zero))));
    expect(verdict(key, zero, concat(a, littleEndian(Fn.create(k * secret))))).toBe(false);
    tried++;
  }
  console.log(`ed25519 small order: ${tried} signatures, all refused by both`);
});

test("MLS-07: torsion parts pass only where the equation holds without cofactor", () => {
  let accepted = 0;
  let refused = 0;
  fc.assert(
    fc.property(
      scalar,
      scalar,
      fc.nat({ max: 7 }),
      fc.nat({ max: 7 }),
      message,
      (a, r, i, j, text) => {
        const [tA, tR] = [torsion[i] as typeof BASE, torsion[j] as typeof BASE];
        const { key, k, signature } = forge(a, r, tA, tR, text);
        // [S]B − [k]A − R = −[k]tA − tR.
        const rest = tA.multiplyUnsafe(k % 8n).add(tR);
        const passes = verdict(key, text, signature);
        expect(passes).toBe(rest.is0());
        if (passes) accepted++;
        else refused++;
      },
    ),
    { seed: 1, numRuns: 400 },
  );
  console.log(`ed25519 torsion: ${accepted} accepted, ${refused} refused, both alike`);
  expect(accepted).toBeGreaterThan(10);
});

test("MLS-07: a key that is used again and again keeps its verdicts, with a torsion part too", () => {
  let accepted = 0;
  for (const tA of torsion) {
    for (let nonce = 1; nonce <= 24; nonce++) {
      const text = Uint8Array.of(nonce);
      const { key, k, signature } = forge(77n, BigInt(nonce), tA, ed25519.Point.ZERO, text);
      const passes = verdict(key, text, signature);
      expect(passes).toBe(tA.multiplyUnsafe(k % 8n).is0());
      if (passes) accepted++;
      expect(verdict(key, Uint8Array.of(nonce, 0), signature)).toBe(false);
    }
  }
  console.log(`ed25519 used again: ${accepted} of 192 accepted, both alike`);
  expect(accepted).toBeGreaterThan(24);
});

test("MLS-07: mutated keys and signatures, S + order, and y + p get one verdict", () => {
  let accepted = 0;
  let refused = 0;
  const kinds = ["none", "key", "signature", "message", "high-s", "random-key", "non-canonical"];
  fc.assert(
    fc.property(
      bytes(32),
      message,
      fc.constantFrom(...kinds),
      fc.nat({ max: 511 }),
      bytes(32),
      (seed, text, kind, bit, noise) => {
        let key: Uint8Array = ed25519.getPublicKey(seed);
        let signature: Uint8Array = ed25519.sign(text, seed);
        let said = text;
        if (kind === "key") key = flip(key, bit % 256);
        if (kind === "signature") signature = flip(signature, bit);
        if (kind === "message") said = concat(text, Uint8Array.of(1));
        if (kind === "random-key") key = noise;
        if (kind === "non-canonical") key = littleEndian(prime + BigInt(bit % 19));
        if (kind === "high-s") {
          const s = toNumber(signature.subarray(32)) + order;
          signature = concat(signature.subarray(0, 32), littleEndian(s));
        }
        const passes = verdict(key, said, signature);
        expect(passes).toBe(kind === "none");
        if (passes) accepted++;
        else refused++;
      },
    ),
    { seed: 2, numRuns: 1000 },
  );
  console.log(`ed25519 mutations: ${accepted} accepted, ${refused} refused, both alike`);
});

test("MLS-07: the rule of Ed25519 holds for Ed25519ph, and providers sign the same bytes", () => {
  const context = fc.uint8Array({ maxLength: 255 });
  fc.assert(
    fc.property(bytes(32), message, context, fc.nat({ max: 511 }), (seed, text, name, bit) => {
      const [a, b] = everyOne((crypto) => crypto.ed25519phSign(seed, text, name));
      expect(b).toEqual(a);
      const { publicKey } = ed25519.keygen(seed);
      const check = (key: Uint8Array, signature: Uint8Array, with_ = name) =>
        everyOne((crypto) => crypto.ed25519phVerify(key, text, with_, signature));
      expect(check(publicKey, a)).toEqual([true, true]);
      expect(check(publicKey, flip(a, bit))).toEqual([false, false]);
      expect(check(flip(publicKey, bit % 256), a)).toEqual([false, false]);
      expect(check(publicKey, a, name.slice(1))).toEqual([name.length === 0, name.length === 0]);
      expect(everyOne((c) => c.verify("ed25519", publicKey, text, a))).toEqual([false, false]);
    }),
    { seed: 3, numRuns: 60 },
  );
  for (const key of smallOrder) {
    const signature = concat(BASE.multiply(5n).toBytes(), littleEndian(5n));
    const none = new Uint8Array(0);
    expect(everyOne((c) => c.ed25519phVerify(key, none, none, signature))).toEqual([false, false]);
  }
});

test("every deterministic signature and public key is the same on both", () => {
  fc.assert(
    fc.property(bytes(57), message, (seed, text) => {
      for (const name of ["ed25519", "ed448"] as const) {
        const key = name === "ed25519" ? seed.slice(0, 32) : seed;
        const [a, b] = both((c) => [c.signaturePublicKey(name, key), c.sign(name, key, text)]);
        expect(b).toEqual(a);
      }
    }),
    { seed: 4, numRuns: 25 },
  );
});

const dhLengths: Record<DhName, [number, number]> = {
  x25519: [32, 32],
  x448: [56, 56],
  p256: [32, 65],
  p384: [48, 97],
  p521: [66, 133],
};

test.each(Object.keys(dhLengths) as DhName[])(
  "MLS-07: %s gives one answer for honest, mutated and random keys",
  (name) => {
    const [privateLength, publicLength] = dhLengths[name];
    const counts = { shared: 0, refused: 0 };
    const ask = (key: Uint8Array, point: Uint8Array) => {
      const [a, b] = both((crypto) => outcome(() => crypto.dh(name, key, point)));
      expect(b).toEqual(a);
      counts["value" in a ? "shared" : "refused"]++;
      return a;
    };
    fc.assert(
      fc.property(
        bytes(privateLength),
        bytes(privateLength),
        bytes(publicLength),
        fc.nat(),
        (first, second, noise, bit) => {
          if (name === "p521") first[0] = second[0] = 0;
          const [a, b] = both((c) => outcome(() => c.dhPublicKey(name, first)));
          expect(b).toEqual(a);
          if (!("value" in a)) return;
          const there = ask(second, a.value);
          const [other] = both((c) => outcome(() => c.dhPublicKey(name, second)));
          if ("value" in other) expect(ask(first, other.value)).toEqual(there);
          ask(second, flip(a.value, bit % (8 * publicLength)));
          ask(second, noise);
          if (publicLength % 2 === 1) {
            // A compressed point padded to size, hybrid encodings, and coordinates swapped.
            for (const head of [0, 2, 3, 5, 6, 7]) {
              const point = a.value.slice();
              point[0] = head;
              expect(ask(second, point)).toEqual({ code: "crypto/bad-key" });
            }
          }
        },
      ),
      { seed: 5, numRuns: name === "x25519" || name === "p256" ? 60 : 15 },
    );
    console.log(`${name}: ${counts.shared} shared, ${counts.refused} refused, both alike`);
  },
);

test.each(Object.keys(dhLengths) as DhName[])(
  "an ephemeral exchange of %s is one that the owner of the key can follow",
  (name) => {
    const [privateLength, publicLength] = dhLengths[name];
    for (const [from, to] of [[noble, openssl], [noble, openssl].toReversed()] as [
      CryptoProvider,
      CryptoProvider,
    ][]) {
      for (let i = 1; i < 6; i++) {
        const privateKey = new Uint8Array(privateLength).fill(i, privateLength >> 1);
        const { publicKey, shared } = from.dhEphemeral(name, to.dhPublicKey(name, privateKey));
        expect(to.dh(name, privateKey, publicKey)).toEqual(shared);
        expect([publicKey.length, publicKey.constructor]).toEqual([publicLength, Uint8Array]);
      }
    }
    for (const length of [0, publicLength - 1, publicLength + 1]) {
      const answers = both((c) => outcome(() => c.dhEphemeral(name, new Uint8Array(length))));
      expect(answers).toEqual([{ code: "crypto/bad-length" }, { code: "crypto/bad-length" }]);
    }
    for (const head of [0, 2, 4]) {
      const point = new Uint8Array(publicLength);
      point[0] = name.startsWith("p") ? head : 0;
      const answers = both((c) => outcome(() => c.dhEphemeral(name, point)));
      expect(answers).toEqual([{ code: "crypto/bad-key" }, { code: "crypto/bad-key" }]);
    }
  },
);

test("MLS-07: X25519 and X448 refuse every low-order point, canonical or not", () => {
  const points = [
    ...smallOrder.map(montgomeryU),
    ...[0n, 1n, prime - 1n, prime, prime + 1n].map(littleEndian),
    ...[prime - 1n, prime, prime + 1n].map((u) => littleEndian(u + 2n ** 255n)),
  ];
  const key = new Uint8Array(32).fill(9);
  for (const point of points) {
    const answers = both((crypto) => outcome(() => crypto.dh("x25519", key, point)));
    expect(answers).toEqual([{ code: "crypto/bad-key" }, { code: "crypto/bad-key" }]);
  }
  const prime448 = 2n ** 448n - 2n ** 224n - 1n;
  for (const u of [0n, 1n, prime448 - 1n, prime448, prime448 + 1n]) {
    const point = fromHex(u.toString(16).padStart(112, "0")).reverse();
    const answers = both((c) => outcome(() => c.dh("x448", new Uint8Array(56).fill(9), point)));
    expect(answers).toEqual([{ code: "crypto/bad-key" }, { code: "crypto/bad-key" }]);
  }
});

test.each(["p256", "p384", "p521"] as const)(
  "MLS-06, MLS-07: %s signatures, high S too, get one verdict",
  (name: SignatureName & ("p256" | "p384" | "p521")) => {
    const orders = { p256: 32, p384: 48, p521: 66 };
    const size = orders[name];
    let accepted = 0;
    let refused = 0;
    const check = (key: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean => {
      const [a, b] = both((crypto) => crypto.verify(name, key, text, signature));
      expect(b).toBe(a);
      if (a) accepted++;
      else refused++;
      return a;
    };
    fc.assert(
      fc.property(message, fc.nat(), bytes(size * 2), (text, at, noise) => {
        for (const signer of [noble, openssl]) {
          const { privateKey, publicKey } = signer.generateSigner(name);
          const signature = signer.sign(name, privateKey, text);
          expect(check(publicKey, text, signature)).toBe(true);
          const compact = ecdsaFromDer(name, signature) as Uint8Array;
          expect(ecdsaToDer(compact)).toEqual(signature);
          expect(check(publicKey, text, ecdsaToDer(negateS(name, compact)))).toBe(true);
          expect(check(publicKey, text, flip(signature, at % (8 * signature.length)))).toBe(false);
          expect(check(flip(publicKey, at % (8 * publicKey.length)), text, signature)).toBe(false);
          expect(check(publicKey, text, ecdsaToDer(noise))).toBe(false);
          expect(check(publicKey, text, concat(signature, Uint8Array.of(0)))).toBe(false);
          expect(check(publicKey.slice(0, -1), text, signature)).toBe(false);
        }
      }),
      { seed: 6, numRuns: name === "p256" ? 30 : 6 },
    );
    console.log(`${name}: ${accepted} accepted, ${refused} refused, both alike`);
  },
);

test("AEADs seal to the same bytes and open alike, around the size where the OpenSSL provider changes engine", () => {
  const names: AeadName[] = ["aes128gcm", "aes256gcm", "chacha20poly1305"];
  const sizes = [0, 1, 15, 16, 17, 64, 200, 1000, 3071, 3072, 3073, 5000];
  const inputs = fc.tuple(
    fc.constantFrom(...names),
    bytes(32),
    bytes(12),
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(...sizes),
    fc.nat(),
  );
  fc.assert(
    fc.property(inputs, ([name, long, nonce, aad, size, at]) => {
      const key = name === "aes128gcm" ? long.slice(0, 16) : long;
      const plaintext = new Uint8Array(size).fill(at & 255);
      const [a, b] = both((crypto) => crypto.aeadSeal(name, key, nonce, aad, plaintext));
      expect(b).toEqual(a);
      const open = (sealed: Uint8Array, data = aad) =>
        both((crypto: CryptoProvider) =>
          outcome(() => crypto.aeadOpen(name, key, nonce, data, sealed)),
        );
      const failed = { code: "crypto/open-failed" };
      expect(open(a)).toEqual([{ value: plaintext }, { value: plaintext }]);
      expect(open(flip(a, at % (8 * a.length)))).toEqual([failed, failed]);
      expect(open(a.slice(0, at % a.length))).toEqual([failed, failed]);
      expect(open(concat(a, Uint8Array.of(0)))).toEqual([failed, failed]);
      expect(open(a, concat(aad, Uint8Array.of(0)))).toEqual([failed, failed]);
    }),
    { seed: 7, numRuns: 300 },
  );
});

test("hashes, HMAC, HKDF, SHA-3 and Keccak are the same on both", () => {
  const sizes = fc.constantFrom(0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 135, 136, 1000);
  fc.assert(
    fc.property(sizes, sizes, fc.nat({ max: 300 }), fc.nat({ max: 255 }), (n, m, length, fill) => {
      const data = new Uint8Array(n).fill(fill);
      const key = new Uint8Array(m).fill(fill ^ 0x5a);
      const [a, b] = both((crypto) => [
        ...(["sha256", "sha384", "sha512"] as const).flatMap((name) => [
          crypto.hash(name, data),
          crypto.hmac(name, key, data),
          crypto.hkdfExtract(name, key, data),
          crypto.hkdfExpand(name, key, data, length),
        ]),
        crypto.keccak256(data),
        crypto.sha3_256(data),
        crypto.shake256(data, length),
      ]);
      expect(b).toEqual(a);
    }),
    { seed: 8, numRuns: 200 },
  );
});

test("ML-KEM-768: keys and secrets agree, mutated ciphertexts are rejected implicitly and alike", () => {
  fc.assert(
    fc.property(bytes(64), fc.nat({ max: 8 * 1088 - 1 }), (seed, bit) => {
      const [a, b] = both((crypto) => crypto.mlKem768PublicKey(seed));
      expect(b).toEqual(a);
      for (const sender of [noble, openssl]) {
        const { ciphertext, sharedSecret } = sender.mlKem768Encapsulate(a);
        const opened = both((crypto) => crypto.mlKem768Decapsulate(seed, ciphertext));
        expect(opened).toEqual([sharedSecret, sharedSecret]);
        const [c, d] = both((crypto) => crypto.mlKem768Decapsulate(seed, flip(ciphertext, bit)));
        expect(d).toEqual(c);
        expect(c).not.toEqual(sharedSecret);
      }
      // FIPS 203 section 7.2: a coefficient of 3329 or more.
      const bad = a.slice();
      bad.fill(0xff, 0, 2);
      const refused = both((crypto) => outcome(() => crypto.mlKem768Encapsulate(bad)));
      expect(refused).toEqual([{ code: "crypto/bad-key" }, { code: "crypto/bad-key" }]);
    }),
    { seed: 9, numRuns: 20 },
  );
});

function flip(input: Uint8Array, bit: number): Uint8Array {
  const out = input.slice();
  out[bit >> 3] = (out[bit >> 3] as number) ^ (1 << (bit & 7));
  return out;
}

function montgomeryU(encoded: Uint8Array): Uint8Array {
  const field = ed25519.Point.Fp;
  const y = field.create(toNumber(encoded) & (2n ** 255n - 1n));
  // u = (1 + y) / (1 − y); the identity maps to u = 0.
  const u = y === 1n ? 0n : field.div(field.add(1n, y), field.sub(1n, y));
  return littleEndian(u);
}

function negateS(name: "p256" | "p384" | "p521", compact: Uint8Array): Uint8Array {
  const orders = {
    p256: "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    p384: "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    p521: "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
  };
  const half = compact.length / 2;
  const s = toNumber(compact.slice(half).reverse());
  const negated = BigInt(`0x${orders[name]}`) - s;
  return concat(compact.subarray(0, half), fromHex(negated.toString(16).padStart(2 * half, "0")));
}
