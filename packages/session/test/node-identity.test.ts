// Identities as the bindings configure them.
import { generateKeyPairSync } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  IdentityProviderConfig,
  IdentityVerifierConfig,
  JwtAlgorithm,
  JwtKeyData,
  JwtKeyFormat,
  JwtKeyType,
  Name,
  Service,
} from "../src/node.ts";
import { nodeIdentity, nodeVerifier } from "../src/node/identity.ts";
import { crypto } from "./world.ts";

const folder = mkdtempSync(join(tmpdir(), "slim-identity-"));
afterAll(() => rmSync(folder, { recursive: true }));
const clock = { nowNs: () => 1_800_000_000n * 1_000_000_000n };
const identityOf = nodeIdentity({ crypto, clock });
const verifierOf = nodeVerifier({ crypto, clock });
const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const pem = (key: KeyObject): string =>
  key.export({ format: "pem", type: key.type === "public" ? "spki" : "pkcs8" }) as string;
const jwk = (key: KeyObject): string => JSON.stringify(key.export({ format: "jwk" }));
const inFile = (text: string): string => {
  const path = join(folder, String(Math.random()));
  writeFileSync(path, text);
  return path;
};
const data = (value: string) => new JwtKeyData.Data({ value });
const file = (text: string) => new JwtKeyData.File({ path: inFile(text) });
const { Es256, Hs256 } = JwtAlgorithm;

const provider = (key: object, more: object = {}) =>
  new IdentityProviderConfig.Jwt({
    config: { key, subject: "alice-1", duration: 7_200_000, ...more } as never,
  });
const verifier = (key: object, more: object = {}) =>
  new IdentityVerifierConfig.Jwt({ config: { key, duration: 3_600_000, ...more } as never });
const signs = (format: number, key: object, algorithm: number = Es256) =>
  new JwtKeyType.Encoding({ key: { algorithm, format, key } as never });
const verifies = (format: number, key: object, algorithm: number = Es256) =>
  new JwtKeyType.Decoding({ key: { algorithm, format, key } as never });

test("SID-06: keys as text, in files, as PEM, JWK and sets", () => {
  const set = JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), alg: "ES256" }] });
  const { Pem, Jwk, Jwks } = JwtKeyFormat;
  for (const own of [signs(Pem, data(pem(privateKey))), signs(Jwk, file(jwk(privateKey)))]) {
    for (const other of [
      verifies(Pem, file(pem(publicKey))),
      verifies(Jwk, data(jwk(publicKey))),
      verifies(Jwks, data(set)),
    ]) {
      const identity = identityOf(provider(own, { issuer: "me", audience: ["slim"] }));
      const checks = verifierOf(verifier(other, { issuer: "me", audience: ["slim"] }));
      expect(checks?.verify(identity?.token() ?? "")).toMatchObject({
        tokenId: "alice-1",
        expiresAt: 1_800_007_200,
        publicKey: identity?.keys.publicKey,
      });
    }
  }
  const secret = "0123456789abcdef0123456789abcdef";
  const shared = identityOf(provider(signs(Pem, data(secret), Hs256)));
  const checks = verifierOf(verifier(verifies(Pem, data(secret), Hs256)));
  expect(checks?.verify(shared?.token() ?? "").baseId).toBe("alice-1");
});

test("SID-06: a static token from a file has a subject and no key", () => {
  const token = identityOf(provider(signs(JwtKeyFormat.Pem, data(pem(privateKey)))))?.token() ?? "";
  const config = { tokenFile: inFile(`${token}\n`), duration: 3_600_000 };
  const identity = identityOf(new IdentityProviderConfig.StaticJwt({ config }));
  expect(identity?.tokenId).toBe("alice-1");
  expect(identity?.token()).toBe(token);
  expect(() => identity?.keys).toThrow(expect.objectContaining({ code: "identity/cannot-sign" }));
});

test("SID-06: what cannot be an identity says so when the app is made", async () => {
  const service = new Service("identities");
  const name = new Name("agntcy", "ns", "alice");
  const good = provider(signs(JwtKeyFormat.Pem, data(pem(privateKey))));
  const believes = verifier(verifies(JwtKeyFormat.Pem, data(pem(publicKey))));
  const app = service.createApp(name, good, believes);
  expect(app.name().components()).toEqual(["agntcy", "ns", "alice"]);
  const bad = expect.objectContaining({ code: "session/bad-identity", tag: "AuthError" });
  for (const wrong of [
    provider(signs(JwtKeyFormat.Pem, data(pem(privateKey))), { subject: undefined }),
    provider(verifies(JwtKeyFormat.Pem, data(pem(publicKey)))),
    provider(signs(JwtKeyFormat.Pem, data(pem(publicKey)))),
    provider(signs(JwtKeyFormat.Jwks, data(jwk(privateKey)))),
    provider(signs(JwtKeyFormat.Jwk, data("{"))),
    provider(signs(JwtKeyFormat.Pem, data(pem(privateKey)), 99)),
    provider(signs(JwtKeyFormat.Pem, new JwtKeyData.File({ path: join(folder, "none") }))),
    new IdentityProviderConfig.StaticJwt({ config: { tokenFile: inFile("junk"), duration: 1 } }),
  ]) {
    expect(() => service.createApp(name, wrong, believes)).toThrow(bad);
  }
  for (const wrong of [
    verifier(new JwtKeyType.Autoresolve()),
    verifier(signs(JwtKeyFormat.Pem, data(pem(privateKey)))),
    verifier(verifies(JwtKeyFormat.Jwks, data("{}"))),
  ]) {
    expect(() => service.createApp(name, good, wrong)).toThrow(bad);
  }
  expect(() => service.createApp(name, new IdentityProviderConfig.None(), believes)).toThrow(
    expect.objectContaining({ code: "session/unsupported" }),
  );
  await service.shutdown();
});
