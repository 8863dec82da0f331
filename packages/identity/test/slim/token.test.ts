import { fromHex, toHex } from "@coterie/base";
import { nobleProvider } from "@coterie/crypto/noble";
import { opensslProvider } from "@coterie/crypto/openssl";
import { encodeSlimName, headerIntegrityAad, slimAppId, slimName } from "@coterie/wire/slim";
import type { SessionHeader, SLIMHeader } from "@coterie/wire/slim";
import { describe, expect, test } from "vitest";
import {
  baseIdOf,
  createSharedSecretIdentity,
  createSharedSecretVerifier,
  verifyControlSignature,
} from "../../src/slim/index.ts";

const secret = "0123456789abcdef0123456789abcdef";
const tokenId = "agntcy/ns/alice_AbCd1234";
const exampleToken =
  "agntcy/ns/alice_AbCd1234:1700000000:AAECAwQFBgcICQoL:eyJwdWJrZXkiOiJCQUlYNWhmd3RrUTVLQ2VQbHBtZWFhSTZUeXdWSzk5dGJOOW01YmdDZ3RUdEdVcDk2OHVYY1MwdDJqeW9XcWgyV2xiMFg4ZFlXWlpTOG9sOFpUQnVWNVE9In0:mSMf8VC-0_6cs0bURF0ePSth0PBegvkK2El-0keBeNE";
const publicKey = fromHex(
  "040217e617f0b6443928278f96999e69a23a4f2c152bdf6d6cdf66e5b80282d4ed194a7debcb97712d2dda3ca85aa8765a56f45fc758599652f2897c65306e5794",
);
const privateKey = new Uint8Array(32).fill(0x11);

const at = (seconds: number) => {
  const clock = { seconds, nowNs: () => BigInt(clock.seconds) * 1_000_000_000n };
  return clock;
};
const refusal = (reason: string) =>
  expect.objectContaining({
    code: "identity/bad-token",
    details: expect.objectContaining({ reason }),
  });

describe.each([opensslProvider, nobleProvider])("$name", (crypto) => {
  const fixed = {
    ...crypto,
    bytes: (n: number) => Uint8Array.from({ length: n }, (_, i) => i),
  };

  test("SID-01: the token of the specification's example", () => {
    const identity = createSharedSecretIdentity({
      crypto: { ...crypto, ...fixed, hmac: crypto.hmac, sign: crypto.sign },
      clock: at(1_700_000_000),
      secret,
      baseId: "agntcy/ns/alice",
      tokenId,
      keys: { privateKey, publicKey },
    });
    expect(identity.token()).toBe(exampleToken);
    expect(toHex(crypto.signaturePublicKey("p256", privateKey))).toBe(toHex(publicKey));
  });

  test("SID-03, SID-05, SID-08: what a token says", () => {
    const verifier = createSharedSecretVerifier({ crypto, clock: at(1_700_000_100), secret });
    expect(verifier.verify(exampleToken)).toMatchObject({
      tokenId,
      baseId: "agntcy/ns/alice",
      expiresAt: 1_700_003_600,
      publicKey,
    });
  });

  test("SID-03: five seconds early and an hour late are the ends", () => {
    const clock = at(0);
    const verifier = createSharedSecretVerifier({ crypto, clock, secret });
    for (const [offset, outcome] of [
      [-6, "from-the-future"],
      [-5, undefined],
      [3600, undefined],
      [3601, "expired"],
      [0, undefined],
    ] as const) {
      clock.seconds = 1_700_000_000 + offset;
      if (outcome === undefined) expect(verifier.verify(exampleToken).tokenId).toBe(tokenId);
      else expect(() => verifier.verify(exampleToken)).toThrow(refusal(outcome));
    }
  });

  test("SID-03: anything changed, cut or added is refused", () => {
    const verifier = createSharedSecretVerifier({ crypto, clock: at(1_700_000_000), secret });
    for (let cut = 0; cut < exampleToken.length; cut += 1) {
      expect(() => verifier.verify(exampleToken.slice(0, cut))).toThrow(
        expect.objectContaining({ code: "identity/bad-token" }),
      );
    }
    for (let index = 0; index < exampleToken.length; index += 7) {
      const changed = exampleToken[index] === "x" ? "y" : "x";
      const forged = exampleToken.slice(0, index) + changed + exampleToken.slice(index + 1);
      expect(() => verifier.verify(forged)).toThrow(
        expect.objectContaining({ code: "identity/bad-token" }),
      );
    }
    expect(() => verifier.verify(`${exampleToken}:`)).toThrow(refusal("form"));
    expect(() => verifier.verify(exampleToken.padStart(9000, "x"))).toThrow(refusal("too-long"));
    const other = createSharedSecretVerifier({
      crypto,
      clock: at(1_700_000_000),
      secret: `${secret}x`,
    });
    expect(() => other.verify(exampleToken)).toThrow(refusal("mac"));
  });

  test("SID-04: a token serves for a minute, and not once the clock went back", () => {
    const clock = at(1_700_000_000);
    const identity = createSharedSecretIdentity({ crypto, clock, secret, baseId: "a/b/c" });
    const first = identity.token();
    clock.seconds += 59;
    expect(identity.token()).toBe(first);
    clock.seconds += 1;
    const second = identity.token();
    expect(second).not.toBe(first);
    clock.seconds -= 30;
    expect(identity.token()).not.toBe(second);
  });

  test("SSG-01, SSG-02, SSG-03: a command is bound to its names, token and ids", () => {
    const alice = slimName("agntcy", "ns", "alice", slimAppId(tokenId));
    const header: SLIMHeader = {
      source: encodeSlimName(alice),
      destination: encodeSlimName(slimName("agntcy", "ns", "bob")),
      identity: "id-token",
      fanout: 1,
      version: "",
      ttl: 8,
    };
    const session: SessionHeader = {
      sessionType: 2,
      sessionMessageType: 5,
      sessionId: 7,
      messageId: 9,
    };
    expect(toHex(headerIntegrityAad(header, session, ""))).toBe(
      "0801124e0a3708c2d7f58beb85aace1610d1a1a6e3a4d3ddfcee011882e3daadfa91afc87b2216088dddc7c9c6c1abb9b70110d9dbffd8e2a0c389c50112130a0661676e74637912026e731a05616c6963651a4c0a3708c2d7f58beb85aace1610d1a1a6e3a4d3ddfcee0118c4e795d7b7e886d749221608ffffffffffffffffff0110ffffffffffffffffff0112110a0661676e74637912026e731a03626f62220869642d746f6b656e2802300538074009",
    );
    const example = fromHex(
      "30460221008d199a18fe73ba16d560282b6eaf1f9f14b091c2701bf7e878560842dbecd1ad022100ffe773ab60093f6700bff2e8ff01c5fc807fa5a566d6c54b59db9841c5d9a7bb",
    );
    const signed = { ...header, e2eHeaderSig: example };
    expect(verifyControlSignature(crypto, publicKey, signed, session)).toBe(true);
    const compressed = Uint8Array.of(
      2 + ((publicKey[64] as number) & 1),
      ...publicKey.slice(1, 33),
    );
    expect(verifyControlSignature(crypto, compressed, signed, session)).toBe(true);
    for (const [what, head, sess] of [
      ["identity", { identity: "other" }, {}],
      ["destination", { destination: header.source }, {}],
      ["source", { source: header.destination }, {}],
      ["session", {}, { sessionId: 8 }],
      ["message", {}, { messageId: 10 }],
      ["type", {}, { sessionMessageType: 7 }],
      ["signature", { e2eHeaderSig: undefined }, {}],
    ] as const) {
      const verdict = verifyControlSignature(
        crypto,
        publicKey,
        { ...signed, ...head },
        { ...session, ...sess },
      );
      expect([what, verdict]).toEqual([what, false]);
    }
    expect(verifyControlSignature(crypto, new Uint8Array(33), signed, session)).toBe(false);
    // what a hop or another attempt changes is not signed
    const again = { ...signed, ttl: 3, version: "9", fanout: 256, headerMac: new Uint8Array(32) };
    expect(verifyControlSignature(crypto, publicKey, again, session)).toBe(true);
  });

  test("SSG-06: a key of 32 bytes is Ed25519, of 33 and 65 P-256", () => {
    const name = encodeSlimName(slimName("agntcy", "ns", "alice", 5n));
    const header: SLIMHeader = {
      source: name,
      destination: name,
      identity: "t",
      fanout: 1,
      version: "",
      ttl: 8,
    };
    const session = { sessionType: 1, sessionMessageType: 5, sessionId: 7, messageId: 9 };
    const signedBy = (kind: "ed25519" | "p256", key: Uint8Array) => {
      const e2eHeaderSig = crypto.sign(kind, key, headerIntegrityAad(header, session, ""));
      return { ...header, e2eHeaderSig };
    };
    const edwards = crypto.generateSigner("ed25519");
    const prime = crypto.generateSigner("p256");
    const short = Uint8Array.of(
      2 + ((prime.publicKey[64] as number) & 1),
      ...prime.publicKey.slice(1, 33),
    );
    const byEdwards = signedBy("ed25519", edwards.privateKey);
    const byPrime = signedBy("p256", prime.privateKey);
    for (const [key, head, verdict] of [
      [edwards.publicKey, byEdwards, true],
      [prime.publicKey, byPrime, true],
      [short, byPrime, true],
      [edwards.publicKey, byPrime, false],
      [prime.publicKey, byEdwards, false],
      [prime.publicKey.slice(1), byPrime, false],
      [new Uint8Array(0), byPrime, false],
    ] as const) {
      expect(verifyControlSignature(crypto, key, head, session)).toBe(verdict);
    }
  });
});

test("SML-10: the bytes beside a payload name its type", () => {
  const alice = slimName("agntcy", "ns", "alice", slimAppId(tokenId));
  const channel = slimName("agntcy", "ns", "chat", 0x1d055f30b1685005466d6f340b414ccfn);
  const bytes = headerIntegrityAad(
    {
      source: encodeSlimName(alice),
      destination: encodeSlimName(channel),
      identity: "id-token",
    },
    { sessionType: 2, sessionMessageType: 1, sessionId: 7, messageId: 1 },
    "msg",
  );
  expect(toHex(bytes)).toBe(
    "0801124e0a3708c2d7f58beb85aace1610d1a1a6e3a4d3ddfcee011882e3daadfa91afc87b2216088dddc7c9c6c1abb9b70110d9dbffd8e2a0c389c50112130a0661676e74637912026e731a05616c6963651a4b0a3508c2d7f58beb85aace1610d1a1a6e3a4d3ddfcee0118aaf8aab6a3cecddd4a22140885a0a18b8be6d7821d10cf9985dac0e6dbb64612120a0661676e74637912026e731a0463686174220869642d746f6b656e28023001380740014a036d7367",
  );
});

test("SID-09: whoever knows the secret can be anybody", () => {
  const crypto = opensslProvider;
  const clock = at(1_700_000_000);
  const verifier = createSharedSecretVerifier({ crypto, clock, secret });
  for (const baseId of ["agntcy/ns/alice", "agntcy/ns/bob"]) {
    const { token } = createSharedSecretIdentity({ crypto, clock, secret, baseId });
    expect(verifier.verify(token()).baseId).toBe(baseId);
  }
});

test("SID-01, SID-02: what is no secret and no base id", () => {
  const options = { crypto: opensslProvider, clock: at(1_700_000_000), secret };
  for (const baseId of ["", "a:b", "a b", "a\n"]) {
    expect(() => createSharedSecretIdentity({ ...options, baseId })).toThrow(
      expect.objectContaining({ code: "identity/bad-identifier" }),
    );
  }
  expect(() =>
    createSharedSecretIdentity({ ...options, secret: "short", baseId: "a/b/c" }),
  ).toThrow(expect.objectContaining({ code: "identity/bad-secret" }));
  const ids = new Set(
    Array.from({ length: 50 }, () =>
      createSharedSecretIdentity({ ...options, baseId: "a/b/c" }),
    ).map((one) => one.tokenId),
  );
  expect(ids.size).toBe(50);
  for (const id of ids) expect(id).toMatch(/^a\/b\/c_[A-Za-z0-9]{8}$/);
  expect([baseIdOf("a/b/c_AbCd1234"), baseIdOf("a/b/c"), baseIdOf("a_b_12345678")]).toEqual([
    "a/b/c",
    "a/b/c",
    "a_b",
  ]);
});
