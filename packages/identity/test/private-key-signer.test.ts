import { CoterieError, fromHex, toHex } from "@coterie/base";
import { eip191Digest, eip191Recover } from "@coterie/crypto";
import { nobleProvider } from "@coterie/crypto/noble";
import { opensslProvider } from "@coterie/crypto/openssl";
import { privateKeySigner } from "@coterie/identity";
import { expect, test } from "vitest";

for (const crypto of [nobleProvider, opensslProvider]) {
  test(`XID-10: a private key signs as the wallet of its address (§3.5), ${crypto.name}`, async () => {
    const signer = privateKeySigner(crypto, fromHex("11".repeat(32)));
    const { identifier } = await signer.getIdentifier();
    expect(identifier).toBe("0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a");
    const signature = await signer.signMessage("text");
    expect(eip191Recover(crypto, eip191Digest(crypto, "text"), signature)).toBe(identifier);
    expect(toHex(signature.subarray(64))).toMatch(/^1[bc]$/);
  });

  test(`a key out of range is refused, ${crypto.name}`, () => {
    for (const key of ["00".repeat(32), "ff".repeat(32), "11".repeat(31)]) {
      expect(() => privateKeySigner(crypto, fromHex(key))).toThrow(CoterieError);
    }
  });
}
