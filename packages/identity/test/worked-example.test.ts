import { toHex, toUtf8 } from "@coterie/base";
import { eip191Digest, eip191Sign, ethereumAddress } from "@coterie/crypto";
import { IdentityUpdate } from "@coterie/wire";
import { expect, test } from "vitest";
import {
  applyUpdate,
  beginUpdate,
  completeUpdate,
  ethereumIdentifier,
  inboxIdOf,
  installationFromSeed,
  installationMember,
  installationsOf,
  parseUpdate,
  planRegistration,
  signIdentityText,
  verifyUpdate,
} from "../src/index.ts";
import { eachProvider } from "./world.ts";

const wallet = new Uint8Array(32).fill(0x11);
const text = `XMTP : Authenticate to inbox

Inbox ID: 45915bad9a857a62ceed43a7573d3eef87966c96961128c520dc1c5d6fa5d38b
Current time: 2023-11-14T22:13:20Z

- Create inbox
  (Owner: 0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a)
- Grant messaging access to app
  (ID: a09aa5f47a6759802ff955f8dc2d2a14a5c99d23be97f864127ff9383455a4f0)

For more info: https://xmtp.org/signatures`;

eachProvider((crypto) => {
  test("XID-01 to XID-11, XID-40: the worked example, byte for byte", () => {
    const address = ethereumAddress(crypto, crypto.secp256k1PublicKey(wallet));
    expect(address).toBe("0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a");
    const identifier = ethereumIdentifier(address);
    const installation = installationFromSeed(crypto, new Uint8Array(32).fill(0x22));
    expect(installation.id).toBe(
      "a09aa5f47a6759802ff955f8dc2d2a14a5c99d23be97f864127ff9383455a4f0",
    );
    const inboxId = inboxIdOf(crypto, identifier);
    expect(inboxId).toBe("45915bad9a857a62ceed43a7573d3eef87966c96961128c520dc1c5d6fa5d38b");
    expect(inboxIdOf(crypto, identifier, 0n)).toBe(
      "1b814a0b4a7d3871d695ac17439012c3809f3bdcb4d4ea8726a5b3a8df569893",
    );

    const plan = planRegistration({ crypto, identifier, installation: installation.id });
    if (plan.kind !== "create") throw new Error(plan.kind);
    const pending = beginUpdate({
      inboxId: plan.inboxId,
      clientTimestampNs: 1700000000123456789n,
      actions: plan.actions,
    });
    expect(pending.signatureText).toBe(text);
    expect(toUtf8(text).length).toBe(358);
    expect(toHex(crypto.hash("sha256", toUtf8(text)))).toBe(
      "0f380c559c7899c14f0a2c8c9214536d7db2b1f366a75c392286de5b15e24cea",
    );
    expect(toHex(eip191Digest(crypto, text))).toBe(
      "51bc3a3e44ddda640de16443a79c064658245165f6c27bf3356d2395499f9ea2",
    );
    expect(pending.signers).toEqual([identifier, installationMember(installation.id)]);

    const bytes = eip191Sign(crypto, wallet, text);
    expect(toHex(bytes)).toBe(
      "2ab54544c44a60322afbe924a8de387775cf4bbf7177f141db5fd7f9d5c176a22e04399f0b363da2823bb0f68c18caf501c6275359e62fffb45cbee444fec4fd1b",
    );
    const installationSignature = signIdentityText(crypto, installation, text);
    if (installationSignature.kind !== "installationKey") throw new Error("kind");
    expect(toHex(installationSignature.value.bytes)).toBe(
      "f7cb9f7ac27ff3412e04cb50faf954bdd4eef809f18b8165512064fc04e92a3645d11aa73768e1473191b9ab92db0281140619b196d4f1f0ff4593c92eedd400",
    );

    const update = completeUpdate({ crypto }, pending, [
      { kind: "erc191", value: { bytes } },
      installationSignature,
    ]);
    const encoded = IdentityUpdate.encode(update);
    expect(encoded.length).toBe(416);
    expect(toHex(crypto.hash("sha256", encoded))).toBe(
      "13e0cade6edd78fd426e9f443b0ab67804f616d528d79c6c748f79b039c89c41",
    );
    expect(toHex(encoded).startsWith("0a790a770a2a307831")).toBe(true);
    expect(toHex(encoded)).toContain("10959a97ece39fe7cb17");

    const state = applyUpdate(
      crypto,
      undefined,
      verifyUpdate({ crypto }, parseUpdate(IdentityUpdate.decode(encoded))),
    );
    expect(state.inboxId).toBe(inboxId);
    expect(state.recovery).toEqual(identifier);
    expect(installationsOf(state)).toEqual([installation.id]);
    expect([...state.seen]).toEqual([toHex(bytes), toHex(installationSignature.value.bytes)]);
  });
});
