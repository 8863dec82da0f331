import { toHex } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { expect, test } from "vitest";
import { acceptAll, adopt, commit, join } from "../src/index.ts";
import { creator, crypto as plain, keyPackageOf, now, person } from "./people.ts";

/** A provider that notes what it is told of ahead, and what it is then asked. */
function noting() {
  const told: string[] = [];
  const asked: string[] = [];
  const claim = (key: Uint8Array, message: Uint8Array, signature: Uint8Array): string =>
    `verify ${toHex(key)} ${toHex(message)} ${toHex(signature)}`;
  const crypto: CryptoProvider = {
    ...plain,
    verify(name, publicKey, message, signature) {
      asked.push(claim(publicKey, message, signature));
      return plain.verify(name, publicKey, message, signature);
    },
    dhEphemeral(name, publicKey) {
      asked.push(`dh ${toHex(publicKey)}`);
      return plain.dhEphemeral(name, publicKey);
    },
    ahead: {
      verify(_, claims) {
        told.push(...claims.map((one) => claim(one.publicKey, one.message, one.signature)));
      },
      dhEphemeral(_, publicKeys) {
        told.push(...publicKeys.map((key) => `dh ${toHex(key)}`));
      },
    },
  };
  return { crypto, told, asked };
}

test("what is told ahead is what is then asked, byte for byte and in its order: creating a group, joining it, a path in a blank tree", () => {
  const ada = creator("ada");
  const keys = Array.from({ length: 12 }, (_, i) => keyPackageOf(person(`member ${i}`)));
  const proposals = keys.map(({ keyPackage }) => ({ kind: "add", keyPackage }) as const);
  const { signer } = ada;
  const creating = noting();
  const made = commit({
    crypto: creating.crypto,
    group: ada.group,
    signer,
    proposals,
    forcePath: false,
    nowSeconds: now,
  });
  expect(creating.told).toHaveLength(3 * keys.length);
  expect(creating.asked).toEqual(creating.told);

  const joining = noting();
  const joined = join({
    crypto: joining.crypto,
    welcome: made.welcome as Uint8Array,
    keyPackages: keys.slice(3, 4),
    judge: acceptAll,
  });
  expect(joined.kind).toBe("joined");
  expect(joining.told).toHaveLength(keys.length + 1);
  // The GroupInfo's signature is the one that is not worth telling of.
  expect(joining.asked.slice(1)).toEqual(joining.told);

  const { group } = adopt(made);
  const updating = noting();
  commit({ crypto: updating.crypto, group, signer });
  expect(updating.told).toHaveLength(keys.length);
  expect(updating.asked).toEqual(updating.told);

  // A second time everything is remembered, and nothing is told.
  const before = joining.told.length;
  join({
    crypto: joining.crypto,
    welcome: made.welcome as Uint8Array,
    keyPackages: keys.slice(5, 6),
    judge: acceptAll,
  });
  expect(joining.told).toHaveLength(before);
});
