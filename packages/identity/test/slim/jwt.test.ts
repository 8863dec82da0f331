import { toBase64Url, toUtf8 } from "@coterie/base";
import { nobleProvider } from "@coterie/crypto/noble";
import { opensslProvider } from "@coterie/crypto/openssl";
import fc from "fast-check";
import { createHmac, createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { nodeJwtEngine } from "../../src/slim/jwt/node-engine.ts";
import { tokenFromFile } from "../../src/slim/file.ts";
import {
  createJwtIdentity,
  createJwtIdentitySync,
  createJwtVerifier,
  createJwtVerifierSync,
  createStaticIdentity,
} from "../../src/slim/jwt/index.ts";
import type { Jwk, JsonFetch, JwtAlgorithm, JwtKey } from "../../src/slim/jwt/index.ts";

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
const badKey = expect.objectContaining({ code: "identity/bad-key" });

const json = (value: unknown): string => toBase64Url(toUtf8(JSON.stringify(value)));
const subject = "agntcy/ns/alice_AbCd1234";
const pubkey = Buffer.alloc(65, 4).toString("base64");

/** Tokens by another implementation: node:crypto alone. */
function peerToken(
  alg: string,
  key: KeyObject | Uint8Array,
  claims: object,
  header: object = {},
): string {
  const text = `${json({ alg, typ: "JWT", ...header })}.${json(claims)}`;
  return `${text}.${toBase64Url(Uint8Array.from(peerSign(alg, key, text)))}`;
}

function peerSign(alg: string, key: KeyObject | Uint8Array, text: string): Uint8Array {
  const data = Buffer.from(text);
  const hash = `sha${alg.slice(2)}`;
  if (key instanceof Uint8Array) return createHmac(hash, key).update(data).digest();
  if (alg === "EdDSA") return sign(null, data, key);
  if (alg.startsWith("ES")) return sign(hash, data, { key, dsaEncoding: "ieee-p1363" });
  if (alg.startsWith("PS")) {
    return sign(hash, data, { key, padding: 6, saltLength: Number(alg.slice(2)) / 8 });
  }
  return sign(hash, data, key);
}

const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const ed25519 = generateKeyPairSync("ed25519");
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const secret = new Uint8Array(64).fill(7);
const pairs = {
  ES256: p256,
  ES384: p384,
  EdDSA: ed25519,
  RS256: rsa,
  RS384: rsa,
  RS512: rsa,
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
};
const asymmetric = Object.keys(pairs) as (keyof typeof pairs)[];
const pem = (key: KeyObject): string =>
  key.export({ format: "pem", type: key.type === "public" ? "spki" : "pkcs8" }) as string;
const jwk = (key: KeyObject, more: Jwk = {}): Jwk => ({
  ...(key.export({ format: "jwk" }) as Jwk),
  ...more,
});

const claims = { sub: subject, iat: start, exp: start + 3600, custom_claims: { pubkey } };
/** As the runtime does: first prepare, then verify. */
const judge = async (verifier: Awaited<ReturnType<typeof createJwtVerifier>>, token: string) => {
  await verifier.prepare?.(token);
  return verifier.verify(token);
};

describe.each([opensslProvider, nobleProvider])("$name", (crypto) => {
  const clock = at(start);
  const verifierFor = (algorithm: JwtAlgorithm, key: JwtKey, more: object = {}) =>
    createJwtVerifier({ crypto, clock, keys: { algorithm, key }, ...more });

  test.each(asymmetric)("SID-06: %s by another implementation, and ours by it", async (alg) => {
    const { publicKey, privateKey } = pairs[alg];
    for (const key of [{ pem: pem(publicKey) }, { jwk: jwk(publicKey) }]) {
      const verifier = await verifierFor(alg, key);
      expect(await judge(verifier, peerToken(alg, privateKey, claims))).toMatchObject({
        tokenId: subject,
        baseId: subject,
        expiresAt: start + 3600,
        publicKey: new Uint8Array(65).fill(4),
      });
      for (const ours of [{ pem: pem(privateKey) }, { jwk: jwk(privateKey) }]) {
        const identity = await createJwtIdentity({
          crypto,
          clock,
          algorithm: alg,
          key: ours,
          subject,
        });
        const verified = await judge(verifier, identity.token());
        expect(verified.tokenId).toBe(subject);
        expect(verified.publicKey).toEqual(identity.keys.publicKey);
      }
    }
  });

  test.each(["HS256", "HS384", "HS512"] as const)("SID-06: %s with a shared key", async (alg) => {
    const verifier = await verifierFor(alg, { secret });
    expect(await judge(verifier, peerToken(alg, secret, claims))).toMatchObject({
      tokenId: subject,
    });
    const identity = await createJwtIdentity({
      crypto,
      clock,
      algorithm: alg,
      key: { secret },
      subject,
    });
    expect(await judge(verifier, identity.token())).toMatchObject({ tokenId: subject });
    await expect(verifierFor(alg, { secret: "short" })).rejects.toEqual(badKey);
  });

  test("SID-06: what released apps write is read: the key at the top, the subject as key id", async () => {
    const keySet = { keys: [jwk(p256.publicKey, { kid: "k1", alg: "ES256" })] };
    const verifier = await createJwtVerifier({ crypto, clock, keys: { keySet } });
    const { custom_claims: _, ...bare } = claims;
    const token = peerToken(
      "ES256",
      p256.privateKey,
      { ...bare, pubkey, nbf: start },
      { kid: subject },
    );
    expect(verifier.prepare?.(token)).toBeUndefined();
    expect(verifier.verify(token).publicKey).toEqual(new Uint8Array(65).fill(4));
  });

  test("SID-06: the header does not choose what a key is for", async () => {
    const publicPem = pem(p256.publicKey);
    const verifier = await verifierFor("ES256", { pem: publicPem });
    const body = json(claims);
    const unsigned = `${json({ alg: "none" })}.${body}`;
    for (const token of [`${unsigned}.`, `${unsigned}.AAAA`]) {
      await expect(judge(verifier, token)).rejects.toMatchObject({ code: "identity/bad-token" });
    }
    await expect(judge(verifier, `${unsigned}.AAAA`)).rejects.toEqual(refusal("algorithm"));
    // the oldest trick: the public key's text as an HMAC secret
    for (const alg of ["HS256", "HS384", "HS512"]) {
      const forged = peerToken(alg, toUtf8(publicPem), claims);
      await expect(judge(verifier, forged)).rejects.toEqual(refusal("unknown-key"));
    }
    for (const key of [rsa.privateKey, p384.privateKey, ed25519.privateKey]) {
      const alg = key === rsa.privateKey ? "RS256" : key === p384.privateKey ? "ES384" : "EdDSA";
      await expect(judge(verifier, peerToken(alg, key, claims))).rejects.toEqual(
        refusal("unknown-key"),
      );
      const renamed = peerToken(alg, key, claims, { alg: "ES256" });
      await expect(judge(verifier, renamed)).rejects.toEqual(refusal("signature"));
    }
    await expect(verifierFor("HS256", { pem: publicPem })).rejects.toEqual(badKey);
    await expect(verifierFor("ES256", { secret })).rejects.toEqual(badKey);
    await expect(verifierFor("ES384", { jwk: jwk(p256.publicKey) })).rejects.toEqual(badKey);
    const critical = peerToken("ES256", p256.privateKey, claims, { crit: ["b64"], b64: false });
    await expect(judge(verifier, critical)).rejects.toEqual(refusal("critical"));
  });

  test("SID-06: a secret in a set is used for what it names alone", async () => {
    const k = toBase64Url(secret);
    const keySet = { keys: [{ kty: "oct", k } as Jwk] };
    await expect(createJwtVerifier({ crypto, clock, keys: { keySet } })).rejects.toEqual(badKey);
    const named = { keys: [{ kty: "oct", k, alg: "HS256" } as Jwk] };
    const verifier = await createJwtVerifier({ crypto, clock, keys: { keySet: named } });
    expect(await judge(verifier, peerToken("HS256", secret, claims))).toMatchObject({
      tokenId: subject,
    });
    await expect(judge(verifier, peerToken("HS512", secret, claims))).rejects.toEqual(
      refusal("unknown-key"),
    );
  });

  test("SID-06: beginnings and ends, with five seconds for clocks", async () => {
    const time = at(start);
    const keys = { algorithm: "ES256", key: { pem: pem(p256.publicKey) } } as const;
    const verifier = await createJwtVerifier({ crypto, clock: time, keys });
    const token = peerToken("ES256", p256.privateKey, { ...claims, nbf: start + 100 });
    for (const [now, reason] of [
      [start + 94, "from-the-future"],
      [start + 95, undefined],
      [start + 3605, undefined],
      [start + 3606, "expired"],
    ] as const) {
      time.seconds = now;
      if (reason === undefined) expect(verifier.verify(token).tokenId).toBe(subject);
      else expect(() => verifier.verify(token)).toThrow(refusal(reason));
    }
    time.seconds = start;
    for (const claim of [{ exp: undefined }, { exp: "1" }, { iat: "x" }, { nbf: {} }]) {
      const odd = peerToken("ES256", p256.privateKey, { ...claims, ...claim });
      expect(() => verifier.verify(odd)).toThrow(refusal("claims"));
    }
  });

  test("SID-06: issuer, audience and subject are compared where they are expected", async () => {
    const expected = { issuer: "https://id.example", audience: ["slim", "other"], subject };
    const verifier = await verifierFor("ES256", { pem: pem(p256.publicKey) }, expected);
    const good = { ...claims, iss: "https://id.example", aud: ["slim"] };
    const token = (more: object) => peerToken("ES256", p256.privateKey, { ...good, ...more });
    expect(verifier.verify(token({})).tokenId).toBe(subject);
    expect(verifier.verify(token({ aud: "other" })).tokenId).toBe(subject);
    for (const [more, reason] of [
      [{ iss: "https://evil.example" }, "issuer"],
      [{ iss: undefined }, "issuer"],
      [{ aud: ["else"] }, "audience"],
      [{ aud: undefined }, "audience"],
      [{ aud: { 0: "slim" } }, "audience"],
      [{ sub: "agntcy/ns/bob" }, "subject"],
      [{ sub: undefined }, "subject"],
      [{ sub: "" }, "subject"],
    ] as const) {
      expect(() => verifier.verify(token(more))).toThrow(refusal(reason));
    }
    const identity = await createJwtIdentity({
      crypto,
      clock,
      algorithm: "ES256",
      key: { pem: pem(p256.privateKey) },
      ...expected,
      claims: { team: "blue" },
    });
    expect(verifier.verify(identity.token()).tokenId).toBe(subject);
    const said = JSON.parse(atob(identity.token().split(".")[1] as string)) as object;
    expect(said).toMatchObject({ aud: ["slim", "other"], team: "blue", iss: "https://id.example" });
  });

  test("SID-05: a token may name no key, and then says only who", async () => {
    const verifier = await verifierFor("ES256", { pem: pem(p256.publicKey) });
    const { custom_claims: _, ...bare } = claims;
    expect(verifier.verify(peerToken("ES256", p256.privateKey, bare)).publicKey).toBeUndefined();
    const odd = peerToken("ES256", p256.privateKey, { ...bare, pubkey: 5 });
    expect(() => verifier.verify(odd)).toThrow(refusal("claims"));
  });

  test("SID-04, SID-10: a token serves for a minute; a subject makes the id", async () => {
    const time = at(start);
    const options = { crypto, clock: time, key: { pem: pem(p256.privateKey) }, subject };
    const identity = await createJwtIdentity({ ...options, algorithm: "ES256" });
    expect(identity.tokenId).toBe(subject);
    const first = identity.token();
    time.seconds += 59;
    expect(identity.token()).toBe(first);
    time.seconds += 1;
    expect(identity.token()).not.toBe(first);
    await expect(
      createJwtIdentity({ ...options, algorithm: "ES256", subject: "" }),
    ).rejects.toThrow(expect.objectContaining({ code: "identity/bad-identifier" }));
  });
});

const crypto = opensslProvider;

test("SID-06: the examples of RFC 7515 and RFC 8037", async () => {
  const joe =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
  const es256 = `eyJhbGciOiJFUzI1NiJ9.${joe}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`;
  const hs256 = `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${joe}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`;
  const key: Jwk = {
    kty: "EC",
    crv: "P-256",
    x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
  };
  const shared: Jwk = {
    kty: "oct",
    k: "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
  };
  const clock = at(1_300_819_000);
  for (const [algorithm, token, of] of [
    ["ES256", es256, key],
    ["HS256", hs256, shared],
  ] as const) {
    const verifier = await createJwtVerifier({
      crypto,
      clock,
      keys: { algorithm, key: { jwk: of } },
    });
    // they name no subject: that is what is wrong with them, not their signature
    expect(() => verifier.verify(token)).toThrow(refusal("subject"));
    expect(() => verifier.verify(`${token.slice(0, -3)}AAA`)).toThrow(refusal("signature"));
  }
});

test("SID-06: truncated and mutated tokens are refused with a code", async () => {
  const clock = at(start);
  const keys = { algorithm: "ES256", key: { pem: pem(p256.publicKey) } } as const;
  const verifier = await createJwtVerifier({ crypto, clock, keys });
  const token = peerToken("ES256", p256.privateKey, claims);
  const refused = async (text: string) => {
    await verifier.prepare?.(text);
    expect(() => verifier.verify(text)).toThrow(
      expect.objectContaining({ code: "identity/bad-token" }),
    );
  };
  for (let length = 0; length < token.length; length += 1) await refused(token.slice(0, length));
  await refused(`${token}.x`);
  await refused(`${token.slice(0, token.lastIndexOf(".") + 1)}${"A".repeat(9000)}`);
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: token.length - 1 }),
      fc.string({ minLength: 1, maxLength: 3, unit: "binary" }),
      async (where, put) => {
        const changed = token.slice(0, where) + put + token.slice(where + put.length);
        const last = token.lastIndexOf(".");
        // the last character of a signature holds bits that say nothing
        if (changed !== token && !(where >= last && where + put.length >= token.length - 1)) {
          await refused(changed);
        }
      },
    ),
    { seed: 5, numRuns: 1000 },
  );
});

/** An address with a key set that a test changes. */
function keyServer(keys: Jwk[]) {
  const server = { keys, asked: [] as string[], answer: undefined as Response | undefined };
  const get: JsonFetch = async (url) => {
    server.asked.push(url);
    const answer = server.answer ?? Response.json({ keys: server.keys });
    return answer.clone() as Awaited<ReturnType<JsonFetch>>;
  };
  return Object.assign(server, { fetch: get });
}

test("SID-06: keys at an address are fetched once, again when old, and when a key is new", async () => {
  const clock = at(start);
  const server = keyServer([jwk(p256.publicKey, { kid: "one", alg: "ES256" })]);
  const keys = { keySetUrl: "https://id.example/keys", fetch: server.fetch };
  const verifier = await createJwtVerifier({ crypto, clock, keys });
  const long = { ...claims, exp: start + 100_000 };
  const one = peerToken("ES256", p256.privateKey, long, { kid: "one" });
  expect(() => verifier.verify(one)).toThrow(refusal("unknown-key"));
  expect(server.asked).toHaveLength(0);
  await Promise.all([verifier.prepare?.(one), verifier.prepare?.(one)]);
  expect(verifier.verify(one).tokenId).toBe(subject);
  expect(verifier.prepare?.(one)).toBeUndefined();
  expect(server.asked).toHaveLength(1);

  // rotated: the old key is gone, and with it what it signed
  const next = generateKeyPairSync("ec", { namedCurve: "P-256" });
  server.keys = [jwk(next.publicKey, { kid: "two", alg: "ES256" })];
  const two = peerToken("ES256", next.privateKey, long, { kid: "two" });
  await expect(judge(verifier, two)).rejects.toEqual(refusal("signature"));
  expect(server.asked).toHaveLength(1);
  clock.seconds += 31;
  expect(await judge(verifier, two)).toMatchObject({ tokenId: subject });
  expect(server.asked).toHaveLength(2);
  expect(() => verifier.verify(one)).toThrow(refusal("signature"));

  // strangers cannot make us ask more often than once in a cooldown
  for (let n = 0; n < 50; n += 1) {
    const forged = peerToken("ES256", p256.privateKey, { ...long, n }, { kid: `k${n}` });
    await expect(judge(verifier, forged)).rejects.toEqual(refusal("signature"));
  }
  expect(server.asked).toHaveLength(2);

  // an hour later it is asked again, and while it does not answer the old keys serve for another
  clock.seconds += 3601;
  server.answer = new Response("", { status: 500 });
  expect(await judge(verifier, two)).toMatchObject({ tokenId: subject });
  expect(server.asked).toHaveLength(3);
  clock.seconds += 3601;
  await expect(
    judge(verifier, peerToken("ES256", next.privateKey, { ...long, n: 1 })),
  ).rejects.toEqual(refusal("unknown-key"));
});

test("SID-06: an address that answers nonsense, too much, or never gives no keys", async () => {
  const clock = at(start);
  const token = peerToken("ES256", p256.privateKey, claims, { kid: "one" });
  const good = jwk(p256.publicKey, { kid: "one", alg: "ES256" });
  const answers: (Response | undefined)[] = [
    new Response("not json"),
    Response.json({ keys: "none" }),
    Response.json({ keys: Array.from({ length: 300 }, () => good) }),
    Response.json({ keys: [good], padding: "x".repeat(300_000) }),
    new Response(JSON.stringify({ keys: [good] }), { status: 404 }),
    Response.json({ keys: [{ ...good, use: "enc" }, { ...good, key_ops: ["sign"] }, null, 7, {}] }),
  ];
  for (const answer of answers) {
    const server = keyServer([]);
    server.answer = answer;
    const keys = { keySetUrl: "https://id.example/keys", fetch: server.fetch };
    const verifier = await createJwtVerifier({ crypto, clock, keys });
    await expect(judge(verifier, token)).rejects.toEqual(refusal("unknown-key"));
  }
  const silent: JsonFetch = () => new Promise(() => undefined);
  const keys = { keySetUrl: "https://id.example/keys", fetch: silent, timeoutMs: 10 };
  const verifier = await createJwtVerifier({ crypto, clock, keys });
  await expect(judge(verifier, token)).rejects.toEqual(refusal("unknown-key"));
  for (const keySetUrl of ["http://id.example/keys", "file:///keys", "nothing"]) {
    await expect(
      createJwtVerifier({ crypto, clock, keys: { keySetUrl, fetch: silent } }),
    ).rejects.toEqual(badKey);
  }
});

test("SID-06: issuers that describe themselves are asked, and only those listed", async () => {
  const clock = at(start);
  const issuer = "https://id.example/team";
  const asked: string[] = [];
  const served = new Map<string, unknown>();
  const get: JsonFetch = async (url) => {
    asked.push(url);
    const value = served.get(url);
    const answer = value === undefined ? new Response("", { status: 404 }) : Response.json(value);
    return answer as Awaited<ReturnType<JsonFetch>>;
  };
  const options = { crypto, clock, keys: { issuers: [issuer], fetch: get } };
  const token = peerToken("ES256", p256.privateKey, { ...claims, iss: issuer });
  const set = { keys: [jwk(p256.publicKey, { alg: "ES256" })] };

  served.set(`${issuer}/.well-known/openid-configuration`, {
    issuer,
    jwks_uri: "https://id.example/k",
  });
  served.set("https://id.example/k", set);
  expect(await judge(await createJwtVerifier(options), token)).toMatchObject({ tokenId: subject });
  const stranger = peerToken("ES256", p256.privateKey, { ...claims, iss: "https://evil.example" });
  await expect(judge(await createJwtVerifier(options), stranger)).rejects.toEqual(
    refusal("unknown-key"),
  );
  expect(asked.every((url) => url.startsWith("https://id.example/"))).toBe(true);

  // keys of another origin, or a description of somebody else
  for (const described of [
    { issuer, jwks_uri: "https://evil.example/k" },
    { issuer: "https://evil.example", jwks_uri: "https://id.example/k" },
  ]) {
    served.set(`${issuer}/.well-known/openid-configuration`, described);
    await expect(judge(await createJwtVerifier(options), token)).rejects.toEqual(
      refusal("unknown-key"),
    );
  }
  served.delete(`${issuer}/.well-known/openid-configuration`);
  served.set(`${issuer}/.well-known/jwks.json`, set);
  expect(await judge(await createJwtVerifier(options), token)).toMatchObject({ tokenId: subject });
});

test("SID-06: an RSA token is checked in preparation, as the platform takes a promise", async () => {
  const clock = at(start);
  const keys = { algorithm: "RS256", key: { pem: pem(rsa.publicKey) } } as const;
  const verifier = await createJwtVerifier({ crypto, clock, keys });
  const token = peerToken("RS256", rsa.privateKey, claims);
  expect(() => verifier.verify(token)).toThrow(refusal("not-prepared"));
  expect(await judge(verifier, token)).toMatchObject({ tokenId: subject });
  expect(verifier.prepare?.(token)).toBeUndefined();
  const forged = `${token.slice(0, -8)}AAAAAAAA`;
  await expect(judge(verifier, forged)).rejects.toEqual(refusal("signature"));
  expect(verifier.prepare?.(forged)).toBeUndefined();
  const weak = createPrivateKey(
    generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({
      format: "pem",
      type: "pkcs8",
    }),
  );
  await expect(
    createJwtVerifier({ crypto, clock, keys: { algorithm: "RS256", key: { jwk: jwk(weak) } } }),
  ).rejects.toEqual(badKey);
});

test.each(asymmetric)("SID-06: %s at once, with an engine", (algorithm) => {
  const { publicKey, privateKey } = pairs[algorithm];
  const [clock, engine] = [at(start), nodeJwtEngine];
  for (const [own, other] of [
    [{ pem: pem(privateKey) }, { pem: pem(publicKey) }],
    [{ jwk: jwk(privateKey) }, { jwk: jwk(publicKey) }],
  ] as const) {
    const options = { crypto, clock, algorithm, engine };
    const identity = createJwtIdentitySync({ ...options, key: own, subject });
    const keys = { algorithm, key: other };
    const verifier = createJwtVerifierSync({ crypto, clock, keys, engine });
    expect(verifier.prepare?.(identity.token())).toBeUndefined();
    expect(verifier.verify(identity.token()).tokenId).toBe(subject);
    expect(verifier.verify(peerToken(algorithm, privateKey, claims)).tokenId).toBe(subject);
    const token = peerToken(algorithm, privateKey, { ...claims, n: 1 });
    const forged = `${token.slice(0, token.lastIndexOf(".") - 4)}AAAA${token.slice(token.lastIndexOf("."))}`;
    expect(() => verifier.verify(forged)).toThrow(
      expect.objectContaining({ code: "identity/bad-token" }),
    );
    for (const wrong of [other, { pem: "-----BEGIN JUNK-----" }, { secret }, { jwk: {} }]) {
      expect(() => createJwtIdentitySync({ ...options, key: wrong, subject })).toThrow(badKey);
    }
  }
});

test("SID-06: a token from elsewhere says who, is renewed in use, and signs nothing", async () => {
  const clock = at(start);
  let calls = 0;
  let fails = false;
  const source = async () => {
    calls += 1;
    if (fails) throw new Error("away");
    const now = clock.seconds;
    return `${peerToken("ES256", p256.privateKey, { sub: subject, iat: now, exp: now + 600 })}\n`;
  };
  const identity = await createStaticIdentity({ clock, source });
  expect(identity.tokenId).toBe(subject);
  expect(() => identity.keys).toThrow(expect.objectContaining({ code: "identity/cannot-sign" }));
  const first = identity.token();
  expect(identity.prepare?.()).toBeUndefined();
  clock.seconds += 60;
  expect(identity.token()).toBe(first);
  await new Promise((resolve) => setImmediate(resolve));
  expect(identity.token()).not.toBe(first);
  expect(calls).toBe(2);

  fails = true;
  clock.seconds += 700;
  await expect(identity.prepare?.()).rejects.toThrow(
    expect.objectContaining({ code: "identity/no-token", disposition: "retry" }),
  );
  identity.token();
  expect(calls).toBe(3);
  await expect(createStaticIdentity({ clock, source })).rejects.toMatchObject({
    code: "identity/no-token",
  });
  await expect(createStaticIdentity({ clock, source: () => "junk" })).rejects.toMatchObject({
    code: "identity/no-token",
  });
});

test("SID-06: a token in a file is read again when it changes", async () => {
  const clock = at(start);
  const folder = mkdtempSync(join(tmpdir(), "slim-token-"));
  const file = join(folder, "token");
  try {
    writeFileSync(file, `${peerToken("ES256", p256.privateKey, claims)}\n`);
    const identity = await createStaticIdentity({ clock, source: tokenFromFile(file) });
    expect(identity.tokenId).toBe(subject);
    const next = peerToken("ES256", p256.privateKey, { ...claims, exp: start + 7200 });
    writeFileSync(file, next);
    clock.seconds += 60;
    identity.token();
    await vi.waitFor(() => expect(identity.token()).toBe(next));
    writeFileSync(file, "x".repeat(9000));
    await expect(
      createStaticIdentity({ clock, source: tokenFromFile(file) }),
    ).rejects.toMatchObject({
      code: "identity/no-token",
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("SID-06: a token from elsewhere that names a key signs with that key alone", async () => {
  const clock = at(start);
  const keys = crypto.generateSigner("p256");
  const named = Buffer.from(keys.publicKey).toString("base64");
  const token = peerToken("ES256", p256.privateKey, {
    ...claims,
    custom_claims: { pubkey: named },
  });
  const identity = await createStaticIdentity({ clock, source: () => token, keys });
  expect(identity.keys).toBe(keys);
  await expect(
    createStaticIdentity({ clock, source: () => token, keys: crypto.generateSigner("p256") }),
  ).rejects.toEqual(badKey);
});
