import { expect, test } from "vitest";
import { cipherSuites } from "@coterie/crypto";
import type { CipherSuite } from "@coterie/crypto";
import { nobleProvider } from "@coterie/crypto/noble";
import { createKeyPackage } from "@coterie/mls";
import type { Credential } from "@coterie/mls";
import { Status } from "@coterie/transport";
import type { Transport } from "@coterie/transport";
import {
  FetchKeyPackagesRequest,
  FetchKeyPackagesResponse,
  MlsCredential,
  paths,
  UploadKeyPackageRequest,
} from "@coterie/wire";
import { bytes, clock, none, world } from "./world.ts";

const { mls } = paths;
const refused = { status: Status.invalidArgument };
const crypto = nobleProvider;
const now = clock.nowNs() / 1_000_000_000n;
const hour = 3600n;

interface Wish {
  readonly suite?: number;
  readonly credential?: Credential;
  readonly lifetime?: { readonly notBefore: bigint; readonly notAfter: bigint };
}

const credentialOf = (inboxId: string): Credential => ({
  kind: "basic",
  identity: MlsCredential.encode({ inboxId }),
});

const signer = crypto.generateSigner("ed25519");

function keyPackage(wish: Wish = {}): Uint8Array {
  const cipherSuite = cipherSuites.get(wish.suite ?? 3) as CipherSuite;
  return createKeyPackage({
    crypto,
    cipherSuite,
    signer,
    credential: wish.credential ?? credentialOf("ab".repeat(32)),
    capabilities: {
      versions: [1],
      cipherSuites: [cipherSuite.id],
      extensions: [10],
      proposals: [7],
      credentials: [1],
    },
    lifetime: wish.lifetime ?? { notBefore: now - hour, notAfter: now + 24n * hour },
    extensions: [{ type: 10, data: none }],
  }).bytes;
}

const upload = (client: Transport, keyPackageTlsSerialized: Uint8Array) =>
  client.unary(
    mls.uploadKeyPackage,
    UploadKeyPackageRequest.encode({
      keyPackage: { keyPackageTlsSerialized },
      isInboxIdCredential: true,
    }),
  );

async function fetchAll(client: Transport, ...installationKeys: Uint8Array[]) {
  const request = FetchKeyPackagesRequest.encode({ installationKeys });
  const answer = await client.unary(mls.fetchKeyPackages, request);
  return FetchKeyPackagesResponse.decode(answer).keyPackages.map((one) =>
    Array.from(one.keyPackageTlsSerialized),
  );
}

test("XND-30: an upload replaces the installation's key package, known inbox or not", async () => {
  const { client } = world();
  const [first, second] = [keyPackage(), keyPackage()];
  await upload(client, first);
  expect(await fetchAll(client, signer.publicKey)).toEqual([[...first]]);
  await upload(client, second);
  expect(await fetchAll(client, signer.publicKey)).toEqual([[...second]]);
});

test("XND-31: one entry per key asked, in order, empty where none is known", async () => {
  const { client } = world();
  const known = keyPackage();
  await upload(client, known);
  const stranger = new Uint8Array(32);
  expect(await fetchAll(client, stranger, signer.publicKey, none, signer.publicKey)).toEqual([
    [],
    [...known],
    [],
    [...known],
  ]);
  expect(await fetchAll(client)).toEqual([]);
});

const flipped = (at: number): Uint8Array => {
  const made = keyPackage();
  made[at < 0 ? made.length + at : at] = (made.at(at) as number) ^ 1;
  return made;
};

const bad: [string, () => Uint8Array][] = [
  ["nothing", () => none],
  ["bytes that are none", () => bytes(1, 2, 3)],
  ["one with bytes after it", () => Uint8Array.from([...keyPackage(), 0])],
  ["one whose signature does not hold", () => flipped(-1)],
  [
    "one that is not valid yet",
    () => keyPackage({ lifetime: { notBefore: now + hour, notAfter: now + 2n * hour } }),
  ],
  [
    "one that is past its time",
    () => keyPackage({ lifetime: { notBefore: now - 2n * hour, notAfter: now - hour } }),
  ],
  ["one of another cipher suite", () => keyPackage({ suite: 1 })],
  ["one whose credential holds no inbox id", () => keyPackage({ credential: credentialOf("ab") })],
  [
    "one whose credential does not read",
    () => keyPackage({ credential: { kind: "basic", identity: bytes(255) } }),
  ],
];
for (const [what, make] of bad) {
  test(`XND-30, XKP-11: ${what} is refused and nothing is stored`, async () => {
    const { client } = world();
    await expect(upload(client, make())).rejects.toMatchObject(refused);
    expect(await fetchAll(client, signer.publicKey)).toEqual([[]]);
  });
}

test("XND-30: a request without key package is refused", async () => {
  const { client } = world();
  await expect(client.unary(mls.uploadKeyPackage, none)).rejects.toMatchObject(refused);
});
