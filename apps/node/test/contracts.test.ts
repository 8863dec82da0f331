import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { opensslProvider as crypto } from "@coterie/crypto/openssl";
import {
  beginUpdate,
  collectSignature,
  completeUpdate,
  createInstallation,
  planRegistration,
  signerIdentifier,
  signIdentityText,
} from "@coterie/identity";
import type { ScwSigner, SmartContractVerifier } from "@coterie/identity";
import { createMemoryTransport, Status } from "@coterie/transport";
import type { Transport } from "@coterie/transport";
import { createH2Transport } from "@coterie/transport/h2";
import {
  paths,
  PublishIdentityUpdateRequest,
  VerifySmartContractWalletSignaturesRequest,
  VerifySmartContractWalletSignaturesResponse,
} from "@coterie/wire";
import type { IdentityUpdate } from "@coterie/wire";
import { createNode, openMemoryLog, startNode } from "../src/index.ts";
import { parseCommand } from "../src/config.ts";
import { clock } from "./world.ts";

const { identity } = paths;
const address = `0x${"c0".repeat(20)}`;
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

const yes: SmartContractVerifier = {
  verify: async (checks) =>
    checks.map((check) => ({ isValid: true, blockNumber: check.blockNumber ?? 9n })),
};

/** A contract wallet's inbox, checked by whoever the person asks. */
async function registration(chainId: bigint): Promise<IdentityUpdate> {
  const signer: ScwSigner = {
    type: "SCW",
    getIdentifier: () => ({ identifier: address, identifierKind: 0 }),
    signMessage: () => Uint8Array.of(1, 2, 3),
    getChainId: () => chainId,
  };
  const identifier = await signerIdentifier(signer);
  const installation = createInstallation(crypto);
  const plan = planRegistration({ crypto, identifier, installation: installation.id });
  if (plan.kind === "registered") throw new Error("new");
  const { inboxId, actions } = plan;
  const pending = beginUpdate({ inboxId, clientTimestampNs: 1n, actions });
  const text = pending.signatureText;
  const { signature, contracts } = await collectSignature({
    crypto,
    signer,
    text,
    contracts: yes,
  });
  const own = signIdentityText(crypto, installation, text);
  return completeUpdate({ crypto, contracts }, pending, [signature, own]);
}

const publish = (client: Transport, identityUpdate: IdentityUpdate) =>
  client.unary(
    identity.publishIdentityUpdate,
    PublishIdentityUpdateRequest.encode({ identityUpdate }),
  );

async function verify(client: Transport, accountId: string, times = 1) {
  const item = { accountId, signature: Uint8Array.of(1), hash: new Uint8Array(32) };
  const request = VerifySmartContractWalletSignaturesRequest.encode({
    signatures: Array.from({ length: times }, () => item),
  });
  const answer = await client.unary(identity.verifySmartContractWalletSignatures, request);
  return VerifySmartContractWalletSignaturesResponse.decode(answer).responses;
}

test("XND-22, XND-25: a contract wallet's update is asked about once, however many slots it signs, and judged by the answer", async () => {
  let asked = 0;
  let valid = false;
  const contracts: SmartContractVerifier = {
    async verify(checks) {
      asked += checks.length;
      return checks.map(({ blockNumber }) => ({ isValid: valid, blockNumber }));
    },
  };
  const node = createNode({ log: openMemoryLog({ clock }), clock, contracts });
  const client = createMemoryTransport(node.routes);
  const update = await registration(1n);
  await expect(publish(client, update)).rejects.toMatchObject({ status: Status.invalidArgument });
  expect(asked).toBe(1);
  valid = true;
  await publish(client, update);
  expect(asked).toBe(2);
  // XND-23: the log is judged again with every update, and its yes remembered.
  await expect(publish(client, update)).rejects.toMatchObject({ status: Status.invalidArgument });
  expect(asked).toBe(2);
});

test("XND-25: without the chain of a wallet its update is refused by name", async () => {
  const bare = createNode({ log: openMemoryLog({ clock }), clock });
  await expect(
    publish(createMemoryTransport(bare.routes), await registration(1n)),
  ).rejects.toMatchObject({
    status: Status.failedPrecondition,
    message: expect.stringContaining("identity/chain-not-configured"),
  });
});

test("XND-25: one request asks about no more than a hundred signatures", async () => {
  const node = createNode({ log: openMemoryLog({ clock }), clock, contracts: yes });
  const client = createMemoryTransport(node.routes);
  expect((await verify(client, `eip155:1:${address}`, 100)).length).toBe(100);
  await expect(verify(client, `eip155:1:${address}`, 101)).rejects.toMatchObject({
    status: Status.resourceExhausted,
  });
});

test("XND-25: a node that is given an endpoint asks it; one that is down is not the caller's fault", async () => {
  let up = true;
  const rpc = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { id, method } = JSON.parse(Buffer.concat(parts).toString()) as {
        id: number;
        method: string;
      };
      const results = { eth_chainId: "0x1", eth_blockNumber: "0x10", eth_call: "0x01" };
      const result = results[method as keyof typeof results];
      response.statusCode = up ? 200 : 503;
      response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
    });
  });
  await new Promise<void>((resolve) => rpc.listen(0, "127.0.0.1", resolve));
  undo.push(() => rpc.close());
  const data = mkdtempSync(join(tmpdir(), "coterie-chain-"));
  undo.push(() => rmSync(data, { recursive: true }));
  const url = `http://127.0.0.1:${(rpc.address() as AddressInfo).port}/secret`;
  const node = await startNode({
    data,
    xmtp: { host: "127.0.0.1", port: 0 },
    chains: new Map([[1n, url]]),
  });
  undo.push(() => node.close({ graceMs: 0 }));
  const client = createH2Transport({ url: node.xmtp });
  undo.push(() => client.close());
  expect(await verify(client, `eip155:1:${address}`)).toEqual([
    { isValid: true, blockNumber: 16n },
  ]);
  const [elsewhere] = await verify(client, `eip155:2:${address}`);
  expect(elsewhere).toMatchObject({ isValid: false, error: expect.stringContaining("chainId=2") });
  await publish(client, await registration(1n));
  up = false;
  const [failed] = await verify(client, `eip155:1:${address}`);
  expect(failed).toMatchObject({ isValid: false, error: expect.stringContaining("chain-failed") });
  expect(failed?.error).not.toContain("secret");
});

const parse = (...chains: string[]) => {
  const command = parseCommand(["--data", "x", ...chains.flatMap((one) => ["--chain", one])]);
  if (command.kind !== "run") throw new Error(command.kind);
  return command.config.chains;
};

test("XND-25: chains are given by id and URL, each once", () => {
  expect(parse()).toEqual(new Map());
  expect(parse("eip155:1=https://one.example/key", "eip155:8453=http://two.example")).toEqual(
    new Map([
      [1n, "https://one.example/key"],
      [8453n, "http://two.example"],
    ]),
  );
});

test.each([
  "eip155:1",
  "1=https://one.example",
  "eip155:x=https://one.example",
  "eip155:1=ftp://one.example",
  "eip155:1=https://",
  "",
])("a chain of %j is refused", (text) => {
  expect(() => parse(text)).toThrow(expect.objectContaining({ code: "node/bad-arguments" }));
});

test("a chain that is given twice is refused, without its URLs", () => {
  const act = () => parse("eip155:1=https://one.example/key", "eip155:1=https://two.example/key");
  expect(act).toThrow(expect.objectContaining({ code: "node/bad-arguments" }));
  expect(act).not.toThrow(/example/);
});
