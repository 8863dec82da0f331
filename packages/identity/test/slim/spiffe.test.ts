import { toBase64Url, toUtf8 } from "@coterie/base";
import { opensslProvider as crypto } from "@coterie/crypto/openssl";
import { generateKeyPairSync, sign } from "node:crypto";
import { expect, test } from "vitest";
import { createSpiffeIdentity, createSpiffeVerifier } from "../../src/slim/jwt/index.ts";
import type { Jwk, JwkSet, SpiffeSource } from "../../src/slim/jwt/index.ts";

const start = 1_700_000_000;
const at = (seconds: number) => {
  const clock = { seconds, nowNs: () => BigInt(clock.seconds) * 1_000_000_000n };
  return clock;
};
const refusal = (reason: string) =>
  expect.objectContaining({
    code: "identity/bad-token",
    details: expect.objectContaining({ reason }),
  });
const json = (value: unknown): string => toBase64Url(toUtf8(JSON.stringify(value)));

/** An agent of one trust domain. */
function agent(domain: string, clock: { seconds: number }) {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const kid = `key of ${domain}`;
  const svid = (sub: string, aud: readonly string[]): string => {
    const claims = { sub, aud, iat: clock.seconds, exp: clock.seconds + 300 };
    const text = `${json({ alg: "ES256", kid, typ: "JWT" })}.${json(claims)}`;
    const tag = sign("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" });
    return `${text}.${toBase64Url(Uint8Array.from(tag))}`;
  };
  const keySet: JwkSet = {
    keys: [{ ...(publicKey.export({ format: "jwk" }) as Jwk), kid, use: "jwt-svid" }],
  };
  return { domain, svid, keySet };
}

test("SID-06: the key of an SVID travels in an entry of its audiences", async () => {
  const clock = at(start);
  const home = agent("example.org", clock);
  const asked: (readonly string[])[] = [];
  let down = false;
  const source: SpiffeSource = {
    async fetchJwtSvid(audiences) {
      asked.push(audiences);
      if (down) throw new Error("no agent");
      return home.svid("spiffe://example.org/ns/alice", audiences);
    },
    fetchJwtBundles: async () => new Map([[home.domain, home.keySet]]),
  };
  const options = { crypto, clock, source, audiences: ["slim"] };
  const identity = await createSpiffeIdentity(options);
  expect(identity.tokenId).toBe("spiffe://example.org/ns/alice");
  const pubkey = Buffer.from(identity.keys.publicKey).toString("base64");
  const hidden = Buffer.from(JSON.stringify({ pubkey })).toString("base64");
  expect(asked).toEqual([["slim", `slim-claims:${hidden}`]]);

  const verifier = createSpiffeVerifier(options);
  const token = identity.token();
  await verifier.prepare?.(token);
  expect(verifier.verify(token)).toEqual({
    tokenId: "spiffe://example.org/ns/alice",
    baseId: "spiffe://example.org/ns/alice",
    expiresAt: start + 300,
    publicKey: identity.keys.publicKey,
  });
  // renewed while it is used, without an agent the old one serves
  clock.seconds += 100;
  down = true;
  expect(identity.token()).toBe(token);
  await new Promise((resolve) => setImmediate(resolve));
  down = false;
  clock.seconds += 10;
  identity.token();
  await new Promise((resolve) => setImmediate(resolve));
  expect(identity.token()).not.toBe(token);
});

test("SID-06: an SVID of another domain, for another audience or of no SPIFFE id is refused", async () => {
  const clock = at(start);
  const [home, other] = [agent("example.org", clock), agent("evil.example", clock)];
  const source: SpiffeSource = {
    fetchJwtSvid: async () => "",
    fetchJwtBundles: async () => new Map([[home.domain, home.keySet]]),
  };
  const verifier = createSpiffeVerifier({ crypto, clock, source, audiences: ["slim"] });
  const judge = async (token: string) => {
    await verifier.prepare?.(token);
    return verifier.verify(token);
  };
  const alice = "spiffe://example.org/alice";
  expect(await judge(home.svid(alice, ["slim"]))).toMatchObject({
    tokenId: alice,
    publicKey: undefined,
  });
  for (const [token, reason] of [
    [home.svid(alice, ["else"]), "audience"],
    [home.svid(alice, []), "audience"],
    [home.svid("alice", ["slim"]), "subject"],
    [home.svid("https://example.org/alice", ["slim"]), "subject"],
    // the right keys of the wrong domain, and the wrong keys for the right one
    [other.svid("spiffe://evil.example/alice", ["slim"]), "unknown-key"],
    [other.svid(alice, ["slim"]), "signature"],
    [home.svid("spiffe://evil.example/alice", ["slim"]), "unknown-key"],
  ] as const) {
    await expect(judge(token)).rejects.toEqual(refusal(reason));
  }
  // an entry that only looks like claims says nothing
  const odd = home.svid(alice, ["slim", "slim-claims:%%%", "slim-claims:bm90IGpzb24="]);
  expect(await judge(odd)).toMatchObject({ publicKey: undefined });
  const empty = createSpiffeVerifier({
    crypto,
    clock,
    source: { ...source, fetchJwtBundles: async () => Promise.reject(new Error("no agent")) },
    audiences: ["slim"],
  });
  await empty.prepare?.(home.svid(alice, ["slim"]));
  expect(() => empty.verify(home.svid(alice, ["slim"]))).toThrow(refusal("unknown-key"));
});
