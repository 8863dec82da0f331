import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, deriveDatabaseKey, privateKeySigner } from "@coterie/client/node";
import type { NodeClientOptions } from "@coterie/client/node";
import { opensslProvider } from "@coterie/crypto/openssl";
import { startNode } from "@coterie/node";
import type { RunningNode } from "@coterie/node";
import { afterAll, beforeAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "coterie-database-"));
const key = new Uint8Array(32).fill(7);
let node: RunningNode;
let files = 0;

beforeAll(async () => {
  node = await startNode({ data: join(folder, "node"), xmtp: { host: "127.0.0.1", port: 0 } });
});
afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true });
});

function optionsOf(more: NodeClientOptions = {}): NodeClientOptions & { readonly dbPath: string } {
  const dbPath = join(folder, `${files++}.db3`);
  return { apiUrl: node.xmtp, dbPath, workers: false, ...more } as never;
}
const wallet = (): ReturnType<typeof privateKeySigner> =>
  privateKeySigner(opensslProvider.bytes(32));

test("a file needs a key, and nothing is opened or asked without one", async () => {
  const options = optionsOf();
  const missing = { code: "client/database-key-missing", disposition: "fix-caller" };
  await expect(Client.create(wallet(), options)).rejects.toMatchObject(missing);
  await expect(Client.create(wallet(), { apiUrl: options.apiUrl })).rejects.toMatchObject(missing);
  expect(existsSync(options.dbPath)).toBe(false);
  for (const dbEncryptionKey of [new Uint8Array(31), "0x00", "not hex"]) {
    await expect(Client.create(wallet(), { ...options, dbEncryptionKey })).rejects.toMatchObject({
      code: "client/bad-argument",
    });
  }
  const memory = await Client.create(wallet(), { ...options, dbPath: null });
  await memory.close();
});

test("what is written with a key shows nothing; with the alarming option it shows everything", async () => {
  for (const secret of [{ dbEncryptionKey: key }, { unsafePlaintextDatabase: true }]) {
    const options = optionsOf(secret);
    const client = await Client.create(wallet(), options);
    const group = await client.conversations.createGroup([], { groupName: "plain as day" });
    await group.sendText("plain as day");
    const { inboxId } = client;
    await client.close();
    const bytes = readFileSync(options.dbPath);
    expect(bytes.includes("plain as day")).toBe("unsafePlaintextDatabase" in secret);
    expect(bytes.includes(inboxId)).toBe("unsafePlaintextDatabase" in secret);
  }
  await expect(
    Client.create(wallet(), optionsOf({ dbEncryptionKey: key, unsafePlaintextDatabase: true })),
  ).rejects.toMatchObject({ code: "client/bad-argument" });
});

test("another key is refused and harms nothing; a second opener of one file is refused", async () => {
  const signer = wallet();
  const options = optionsOf({ dbEncryptionKey: key });
  const first = await Client.create(signer, options);
  await expect(Client.create(signer, options)).rejects.toMatchObject({ code: "storage/in-use" });
  const { installationId } = first;
  await first.close();
  const before = readFileSync(options.dbPath);
  for (const wrong of [
    { dbEncryptionKey: new Uint8Array(32).fill(8) },
    { dbEncryptionKey: undefined, unsafePlaintextDatabase: true },
  ]) {
    await expect(Client.create(signer, { ...options, ...wrong })).rejects.toMatchObject({
      code: "storage/wrong-key",
    });
  }
  expect(readFileSync(options.dbPath).equals(before)).toBe(true);
  const again = await Client.create(signer, {
    ...options,
    dbEncryptionKey: `0x${Buffer.from(key).toString("hex")}`,
  });
  expect(again.installationId).toBe(installationId);
  await again.close();
});

test("deleteLocalDatabase leaves no file; the next client of the wallet is another installation", async () => {
  const signer = wallet();
  const options = optionsOf({ dbEncryptionKey: key });
  const client = await Client.create(signer, options);
  const { installationId, inboxId } = client;
  await client.deleteLocalDatabase();
  expect(
    readdirSync(folder).filter((file) => join(folder, file).startsWith(options.dbPath)),
  ).toEqual([]);
  expect(existsSync(options.dbPath)).toBe(false);
  const next = await Client.create(signer, options);
  expect(next.inboxId).toBe(inboxId);
  expect(next.installationId).not.toBe(installationId);
  await next.deleteLocalDatabase();
});

test("a database key comes out of a wallet's signature, the same for the same wallet and app", async () => {
  const signer = wallet();
  const of = (app: string, from = signer): Promise<Uint8Array> =>
    deriveDatabaseKey(from, { app, checkWallet: true });
  const one = await of("chat");
  expect(one.length).toBe(32);
  expect(await of("chat")).toEqual(one);
  expect(await of("other")).not.toEqual(one);
  expect(await of("chat", wallet())).not.toEqual(one);

  // Some wallets give V as 0 or 1: the key is that of the same signature.
  const bare: typeof signer = {
    ...signer,
    async signMessage(text) {
      const bytes = Uint8Array.from(await signer.signMessage(text));
      bytes[64] = (bytes[64] as number) - 27;
      return bytes;
    },
  };
  expect(await of("chat", bare)).toEqual(one);

  let n = 0;
  const moody: typeof signer = {
    ...signer,
    signMessage: (text) => signer.signMessage(`${text}${n++}`),
  };
  await expect(of("chat", moody)).rejects.toMatchObject({ code: "client/unsupported" });
  const nothing: typeof signer = { ...signer, signMessage: () => new Uint8Array(3) };
  await expect(of("chat", nothing)).rejects.toMatchObject({ code: "client/bad-argument" });
  const contract = { ...signer, type: "SCW" as const, getChainId: () => 1n };
  await expect(deriveDatabaseKey(contract, { app: "chat" })).rejects.toMatchObject({
    code: "client/unsupported",
  });
});

test("debugInformation counts the calls to the node", async () => {
  const client = await Client.create(wallet(), optionsOf({ dbPath: null }));
  const { debugInformation } = client;
  expect(debugInformation.apiStatistics().uploadKeyPackage).toBe(1n);
  expect(debugInformation.apiIdentityStatistics().publishIdentityUpdate).toBe(1n);
  expect(debugInformation.apiAggregateStatistics()).toContain("UploadKeyPackage 1");
  debugInformation.clearAllStatistics();
  await client.conversations.createGroup([]);
  expect(debugInformation.apiStatistics()).toMatchObject({
    sendGroupMessages: 1n,
    uploadKeyPackage: 0n,
  });
  await client.close();
});
