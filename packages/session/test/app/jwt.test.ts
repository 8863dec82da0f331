import { generateKeyPairSync } from "node:crypto";
import {
  ClientJwtAuth,
  Direction,
  IdentityProviderConfig,
  IdentityVerifierConfig,
  JwtAlgorithm,
  JwtKeyData,
  JwtKeyFormat,
  JwtKeyType,
  Name,
  newInsecureClientConfig,
  SessionType,
} from "@coterie/session/node";
import { afterEach, expect, test } from "vitest";
import { createNode, text, words } from "./node.ts";

let node = createNode();
afterEach(async () => {
  await node.close();
  node = createNode();
});

const { privateKey, publicKey } = generateKeyPairSync("ec", {
  namedCurve: "P-256",
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});

function keyOf(value: string) {
  return {
    algorithm: JwtAlgorithm.Es256,
    format: JwtKeyFormat.Pem,
    key: new JwtKeyData.Data({ value }),
  };
}

async function appOf(name: string, keys: { privateKey: string; publicKey: string }) {
  const service = node.service(name);
  await service.connect(newInsecureClientConfig("http://node"));
  const issuer = "https://issuer.test";
  const signing = ClientJwtAuth.create({
    key: new JwtKeyType.Encoding({ key: keyOf(keys.privateKey) }),
    subject: `agntcy/ns/${name}`,
    issuer,
    audience: ["slim"],
  });
  const checking = ClientJwtAuth.create({
    key: new JwtKeyType.Decoding({ key: keyOf(keys.publicKey) }),
    issuer,
    audience: ["slim"],
  });
  return service.createAppWithDirection(
    new Name("agntcy", "ns", name),
    new IdentityProviderConfig.Jwt({ config: signing }),
    new IdentityVerifierConfig.Jwt({ config: checking }),
    Direction.Bidirectional,
  );
}

test("SID-06: apps with signed tokens, configured as the bindings configure them", async () => {
  const [ada, bob] = await Promise.all(
    ["ada", "bob"].map((name) => appOf(name, { privateKey, publicKey })),
  );
  const config = { sessionType: SessionType.Group, enableMls: true, maxRetries: 3, interval: 300 };
  const session = await ada!.createSessionAndWait(config, new Name("agntcy", "ns", "chat"));
  const joining = bob!.listenForSession(5000);
  await session.inviteAndWait(bob!.name());
  await session.publishAndWait(text("signed"));
  expect(words(await (await joining).getMessage(1000))).toBe("signed");

  const other = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const eve = await appOf("eve", { privateKey: other.privateKey, publicKey });
  await expect(session.inviteAndWait(eve.name())).rejects.toMatchObject({
    code: "session/unanswered",
  });
});

test("SID-06: what is no key, or no subject, is told before there is an app", () => {
  const service = node.service("x");
  const make = (config: Partial<ClientJwtAuth>) => () =>
    service.createApp(
      new Name("a", "b", "c"),
      new IdentityProviderConfig.Jwt({ config: ClientJwtAuth.create(config) }),
      new IdentityVerifierConfig.SharedSecret({ id: "x", data: "0".repeat(32) }),
    );
  const key = new JwtKeyType.Encoding({ key: keyOf(privateKey) });
  for (const wrong of [
    { key },
    { key: new JwtKeyType.Encoding({ key: keyOf("no key") }), subject: "s" },
    { key: new JwtKeyType.Decoding({ key: keyOf(publicKey) }), subject: "s" },
  ]) {
    expect(make(wrong)).toThrow(expect.objectContaining({ code: "session/bad-identity" }));
  }
  expect(() =>
    service.createApp(
      new Name("a", "b", "c"),
      new IdentityProviderConfig.None(),
      new IdentityVerifierConfig.None(),
    ),
  ).toThrow(expect.objectContaining({ code: "session/unsupported" }));
});
