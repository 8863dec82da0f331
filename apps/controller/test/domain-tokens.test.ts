import { opensslProvider as crypto } from "@coterie/crypto/openssl";
import { createSharedSecretIdentity } from "@coterie/identity/slim";
import { expect, test } from "vitest";
import { domainTokens } from "../src/domain-tokens.ts";

const secret = "0123456789abcdef0123456789abcdef";
const clock = { nowNs: () => 1_700_000_000_000_000_000n };

test("SCT-01: a token made with the domain's secret speaks for the node that it names, and for no other", () => {
  const verify = domainTokens(new Map([["west", secret]]), crypto, clock);
  const token = (baseId: string, key = secret): string =>
    createSharedSecretIdentity({ crypto, clock, secret: key, baseId }).token();
  expect(verify(token("west/n1"), "west", "n1")).toBe(true);
  expect(verify(secret, "west", "n1")).toBe(true);
  expect(verify(token("west/n1"), "west", "n2")).toBe(false);
  expect(verify(token("west/n1"), "east", "n1")).toBe(false);
  expect(verify(token("west/n1", "another secret of 32 bytes or so"), "west", "n1")).toBe(false);
  expect(verify(`${secret}x`, "west", "n1")).toBe(false);
  expect(verify("", "west", "n1")).toBe(false);
});
