import { concat, fromHex } from "@coterie/base";
import { decompressP256, ecdsaFromDer, ecdsaToDer } from "@coterie/crypto";
import { p256 } from "@noble/curves/nist.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { both, noble, openssl } from "./support.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const sizes = { p256: 32, p384: 48, p521: 66, secp256k1: 32 } as const;
const curves = Object.keys(sizes) as (keyof typeof sizes)[];

test("ECDSA in DER: R‖S goes out and comes back, and is refused cut at every byte", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...curves),
      bytes(132),
      fc.nat({ max: 66 }),
      (curve, raw, zeros) => {
        const size = sizes[curve];
        const compact = raw.slice(0, 2 * size);
        // Below the order on every curve, with any number of leading zeros.
        for (const at of [0, size]) {
          compact[at] = 0;
          compact.fill(0, at, at + Math.min(zeros, size - 1));
          compact[at + size - 1] = (compact[at + size - 1] as number) | 1;
        }
        const der = ecdsaToDer(compact);
        expect(ecdsaFromDer(curve, der)).toEqual(compact);
        for (let cut = 0; cut < der.length; cut++) {
          expect(ecdsaFromDer(curve, der.subarray(0, cut))).toBeUndefined();
        }
        expect(ecdsaFromDer(curve, concat(der, Uint8Array.of(0)))).toBeUndefined();
      },
    ),
    { seed: 1, numRuns: 200 },
  );
});

test("ECDSA in DER: 1,000 mutations give undefined or the one signature that they are the DER of", () => {
  const der = ecdsaToDer(new Uint8Array(64).fill(0x77));
  fc.assert(
    fc.property(fc.nat({ max: der.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
      const changed = der.slice();
      changed[at] = byte;
      const compact = ecdsaFromDer("p256", changed);
      if (compact !== undefined) expect(ecdsaToDer(compact)).toEqual(changed);
    }),
    { seed: 2, numRuns: 1000 },
  );
});

test.each([
  ["zero R", "3006020100020101"],
  ["zero S", "3006020101020100"],
  ["negative R", "3006020181020101"],
  ["R with a needless zero", "300702020001020101"],
  ["an empty R", "30050200020101"],
  ["length in two bytes where one does", "308106020101020101"],
  ["indefinite length", "30800201010201010000"],
  ["length beyond the end", "3007020101020101"],
  ["a third element", "3009020101020101020101"],
  ["another tag", "3106020101020101"],
])("ECDSA in DER refuses %s", (_, hex) => {
  expect(ecdsaFromDer("p256", fromHex(hex))).toBeUndefined();
  expect(ecdsaFromDer("p256", fromHex("3006020101020101"))).toBeDefined();
});

test("XID-13: a compressed P-256 point gives the uncompressed one; off the curve gives undefined", () => {
  fc.assert(
    fc.property(bytes(32), fc.boolean(), (x, odd) => {
      const encoded = concat(Uint8Array.of(odd ? 3 : 2), x);
      let expected: Uint8Array | undefined;
      try {
        expected = p256.Point.fromBytes(encoded).toBytes(false);
      } catch {
        expected = undefined;
      }
      const point = decompressP256(encoded);
      expect(point).toEqual(expected);
      if (point === undefined) return;
      expect(decompressP256(point)).toEqual(point);
      point[64] = (point[64] as number) ^ 1;
      expect(decompressP256(point)).toBeUndefined();
    }),
    { seed: 3, numRuns: 100 },
  );
  for (const length of [0, 1, 32, 34, 64, 66]) {
    expect(decompressP256(new Uint8Array(length).fill(2))).toBeUndefined();
  }
  const beyond = concat(Uint8Array.of(2), new Uint8Array(32).fill(0xff));
  expect(decompressP256(beyond)).toBeUndefined();
});

test("XID-13: a passkey's signature verifies under the decompressed key on both providers", () => {
  for (const signer of [noble, openssl]) {
    const { privateKey, publicKey } = signer.generateSigner("p256");
    const compressed = concat(
      Uint8Array.of(2 + ((publicKey[64] as number) & 1)),
      publicKey.subarray(1, 33),
    );
    const message = Uint8Array.of(1, 2, 3);
    const signature = signer.sign("p256", privateKey, message);
    const key = decompressP256(compressed) as Uint8Array;
    expect(both((c) => c.verify("p256", key, message, signature))).toEqual([true, true]);
    expect(both((c) => c.verify("p256", compressed, message, signature))).toEqual([false, false]);
  }
});
