import { concat, fromHex, toHex } from "@coterie/base";
import { eip191Digest, eip191Sign, ethereumAddress } from "@coterie/crypto";
import { opensslProvider as crypto } from "@coterie/crypto/openssl";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  applyUpdate,
  beginUpdate,
  collectSignature,
  completeUpdate,
  type ContractCheck,
  createInstallation,
  neededContractChecks,
  parseUpdate,
  planRegistration,
  rememberVerdicts,
  resolveContractChecks,
  signIdentityText,
  type Signer,
  signerIdentifier,
  type SmartContractVerifier,
  verifyUpdate,
} from "../src/index.ts";
import { isWrapped, unwrap, wrap } from "../src/evm/abi.ts";
import { createJsonRpcVerifier } from "../src/json-rpc.ts";
import {
  agreeing,
  answering,
  type ChainDouble,
  createChain,
  factoryContract,
  type Interference,
  reverting,
  walletContract,
} from "./evm-double.ts";

const chainId = 8453n;
const wallet = `0x${"c0".repeat(20)}`;
const factory = `0x${"fa".repeat(20)}`;
const ownerKey = new Uint8Array(32).fill(3);
const otherKey = new Uint8Array(32).fill(4);
const addressOf = (key: Uint8Array) => ethereumAddress(crypto, crypto.secp256k1PublicKey(key));
const owner = addressOf(ownerKey);
const text = "a text";
const hash = eip191Digest(crypto, text);

function verifierOf(chain: ChainDouble, timeoutMs?: number): SmartContractVerifier {
  const chains = new Map([[chainId, "https://chain.example/secret"]]);
  return createJsonRpcVerifier({ crypto, chains, fetch: chain.fetch, timeoutMs });
}

function check(signature: Uint8Array, more: Partial<ContractCheck> = {}): ContractCheck {
  const accountId = `eip155:${more.chainId ?? chainId}:${more.address ?? wallet}`;
  const blockNumber = undefined;
  return { accountId, chainId, address: wallet, blockNumber, signature, hash, ...more };
}

const signed = eip191Sign(crypto, ownerKey, text);
const forged = eip191Sign(crypto, otherKey, text);

test("XID-12: a deployed contract's verdict counts (ERC-1271), at the latest block, which comes along", async () => {
  const chain = createChain(chainId);
  const block = chain.deploy(wallet, walletContract(crypto, owner));
  const verify = verifierOf(chain);
  expect(await verify.verify([check(signed), check(forged)])).toEqual([
    { isValid: true, blockNumber: block },
    { isValid: false, blockNumber: block },
  ]);
  expect(await verify.verify([check(signed, { hash: new Uint8Array(32) })])).toEqual([
    { isValid: false, blockNumber: block },
  ]);
  expect(chain.asked.map(({ method }) => method)).toEqual([
    "eth_chainId",
    ...Array.from({ length: 3 }, () => ["eth_blockNumber", "eth_call"]).flat(),
  ]);
});

test("XID-12: a signature is checked at the block that it names, whatever the wallet became later", async () => {
  const chain = createChain(chainId);
  const before = chain.latest;
  const first = chain.deploy(wallet, walletContract(crypto, owner));
  const second = chain.deploy(wallet, walletContract(crypto, addressOf(otherKey)));
  const verdicts = await verifierOf(chain).verify(
    [before, first, second].map((blockNumber) => check(signed, { blockNumber })),
  );
  expect(verdicts.map(({ isValid }) => isValid)).toEqual([false, true, false]);
  expect(verdicts.map(({ blockNumber }) => blockNumber)).toEqual([before, first, second]);
  expect(chain.asked.at(-1)?.params[1]).toBe(`0x${second.toString(16)}`);
  await expect(
    verifierOf(chain).verify([check(signed, { blockNumber: second + 1n })]),
  ).rejects.toMatchObject({ code: "identity/chain-failed" });
});

const factoryCall = fromHex("deadbeef00");
const wrapped = (signature: Uint8Array, call = factoryCall) =>
  wrap({ factory: fromHex(factory.slice(2)), factoryCall: call, signature });

test("XID-12: a wallet that is not deployed yet is asked after its deployment (ERC-6492), of which nothing stays", async () => {
  const chain = createChain(chainId);
  chain.deploy(factory, factoryContract(factoryCall, wallet, walletContract(crypto, owner)));
  const verify = verifierOf(chain);
  const verdicts = await verify.verify([
    check(wrapped(signed)),
    check(wrapped(forged)),
    // The factory refuses, is none, or deploys somewhere else.
    check(wrapped(signed, fromHex("00"))),
    check(wrapped(signed), { blockNumber: 1_000_000n }),
    check(wrapped(signed), { address: `0x${"c1".repeat(20)}` }),
    // Without the wrapper there is nobody to ask.
    check(signed),
  ]);
  expect(verdicts.map(({ isValid }) => isValid)).toEqual([true, false, false, false, false, false]);
});

test("XID-12: a wrapped signature of a deployed wallet is asked of it first, then after the call it carries", async () => {
  const chain = createChain(chainId);
  chain.deploy(wallet, walletContract(crypto, addressOf(otherKey)));
  chain.deploy(factory, factoryContract(factoryCall, wallet, walletContract(crypto, owner)));
  const verdicts = await verifierOf(chain).verify([
    check(wrapped(forged)),
    check(wrapped(signed)),
    check(wrapped(forged, fromHex("00"))),
    check(wrapped(signed, fromHex("00"))),
  ]);
  expect(verdicts.map(({ isValid }) => isValid)).toEqual([true, true, true, false]);
});

test("XID-12: where there is no contract, the account's own key may have signed the hash", async () => {
  const chain = createChain(chainId);
  const high = concat(signed.subarray(0, 64), Uint8Array.of(signed[64] === 27 ? 0 : 1));
  const verdicts = await verifierOf(chain).verify([
    check(signed, { address: owner }),
    check(forged, { address: owner }),
    check(high, { address: owner }),
    check(signed.subarray(0, 64), { address: owner }),
    // Nobody has the key of zero, although recovery that fails names it on the chain.
    check(new Uint8Array(65).fill(27), { address: `0x${"00".repeat(20)}` }),
  ]);
  expect(verdicts.map(({ isValid }) => isValid)).toEqual([true, false, false, false, false]);
});

test("XID-12: contracts that answer anything but a whole yes have not agreed", async () => {
  const word = fromHex("1626ba7e");
  const liars = [
    word,
    concat(word, new Uint8Array(27)),
    concat(word, new Uint8Array(27), Uint8Array.of(1)),
    new Uint8Array(32).fill(0xff),
    concat(new Uint8Array(28), word),
    new Uint8Array(0),
  ];
  for (const bytes of liars) {
    const chain = createChain(chainId);
    chain.deploy(wallet, answering(bytes));
    const [verdict] = await verifierOf(chain).verify([check(signed)]);
    expect([toHex(bytes), verdict?.isValid]).toEqual([toHex(bytes), false]);
  }
  const chain = createChain(chainId);
  chain.deploy(wallet, reverting);
  expect((await verifierOf(chain).verify([check(signed)]))[0]?.isValid).toBe(false);
  chain.deploy(wallet, answering(concat(word, new Uint8Array(28 + 64))));
  expect((await verifierOf(chain).verify([check(signed)]))[0]?.isValid).toBe(true);
});

test("XID-12: wrappers that do not decode and signatures beyond all measure are refused without asking", async () => {
  const chain = createChain(chainId);
  chain.deploy(wallet, agreeing);
  const good = wrapped(signed);
  const mark = good.subarray(-32);
  const broken = [
    mark,
    concat(good.subarray(0, 95), mark),
    concat(new Uint8Array(32).fill(1), good.subarray(32)),
    concat(good.subarray(0, 32), new Uint8Array(32).fill(0xff), good.subarray(64)),
    concat(good.subarray(0, 60), fromHex("00001000"), good.subarray(64)),
    new Uint8Array(16_385),
  ];
  const verdicts = await verifierOf(chain).verify(broken.map((signature) => check(signature)));
  expect(verdicts.map(({ isValid }) => isValid)).toEqual(broken.map(() => false));
  expect(chain.asked.some(({ method }) => method === "eth_call")).toBe(false);
});

test("a wrapped signature comes out as it went in; mutated ones decode or do not, and nothing else", () => {
  const bytes = fc.uint8Array({ maxLength: 100 });
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 20, maxLength: 20 }),
      bytes,
      bytes,
      fc.nat(),
      fc.nat({ max: 255 }),
      (to, call, signature, at, byte) => {
        const parts = { factory: to, factoryCall: call, signature };
        const whole = wrap(parts);
        expect(isWrapped(whole)).toBe(true);
        expect(unwrap(whole)).toEqual(parts);
        whole[at % whole.length] = byte;
        const again = unwrap(whole);
        if (again) expect(again.signature.length).toBeLessThanOrEqual(whole.length);
        for (let length = 0; length < whole.length; length += 7) unwrap(whole.subarray(0, length));
      },
    ),
    { seed: 6, numRuns: 1000 },
  );
});

test.each<[string, string, Interference]>([
  ["a yes that is not a byte", "eth_call", { result: "0x0001" }],
  ["a byte that is no answer", "eth_call", { result: "0x03" }],
  ["an answer that is not hex", "eth_call", { result: "yes" }],
  ["an empty answer", "eth_call", { result: "0x" }],
  ["a result of another type", "eth_call", { result: true }],
  ["no result", "eth_call", { body: "{}" }],
  ["no JSON", "eth_call", { body: "<html>" }],
  ["the answer to another question", "eth_call", { body: '{"id":99,"result":"0x01"}' }],
  ["an error", "eth_call", { error: { code: -32_005, message: "slow down" } }],
  ["an error without a code", "eth_call", { error: "no" }],
  ["a status that is not 200", "eth_call", { body: '{"id":3,"result":"0x01"}', status: 500 }],
  ["an answer without end", "eth_call", { body: new Uint8Array(100_000).fill(32) }],
  ["bytes that are no text", "eth_call", { body: new Uint8Array(10).fill(0xff) }],
  ["nobody there", "eth_call", "refuse"],
  ["silence", "eth_call", "hang"],
  ["another chain", "eth_chainId", { result: "0x1" }],
  ["a chain that is no number", "eth_chainId", { result: "8453" }],
  ["a block that is no number", "eth_blockNumber", { result: "latest" }],
  ["a block beyond 64 bits", "eth_blockNumber", { result: `0x1${"0".repeat(16)}` }],
])("XID-12: %s is no verdict, and another try gets one", async (_, method, interference) => {
  const chain = createChain(chainId);
  chain.deploy(wallet, agreeing);
  const verify = verifierOf(chain, 50);
  chain.interfere = (asked) => (asked === method ? interference : undefined);
  const refused = await verify.verify([check(signed)]).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(refused).toMatchObject({ code: "identity/chain-failed", disposition: "retry" });
  // The URL holds its owner's key.
  expect(String(refused) + String((refused as Error).cause)).not.toContain("secret");
  chain.interfere = undefined;
  expect((await verify.verify([check(signed)]))[0]?.isValid).toBe(true);
});

test("XID-12: a chain without an endpoint is refused by name", async () => {
  const chain = createChain(chainId);
  await expect(verifierOf(chain).verify([check(signed, { chainId: 1n })])).rejects.toMatchObject({
    code: "identity/chain-not-configured",
    details: { chainId: 1n },
  });
  expect(chain.asked).toEqual([]);
});

test("XID-12: whoever asks can stop waiting", async () => {
  const chain = createChain(chainId);
  chain.interfere = () => "hang";
  const stopped = AbortSignal.abort();
  await expect(
    verifierOf(chain).verify([check(signed)], { signal: stopped }),
  ).rejects.toMatchObject({ code: "identity/chain-failed" });
});

test("XID-12: a yes at a block stays a yes and is asked once; a no and the latest block are asked again", async () => {
  const chain = createChain(chainId);
  for (let empty = 0; empty < 3; empty++) chain.deploy(factory, reverting);
  const blockNumber = chain.deploy(wallet, walletContract(crypto, owner));
  const verify = rememberVerdicts(crypto, verifierOf(chain), 2);
  const calls = () => chain.asked.filter(({ method }) => method === "eth_call").length;
  const at = (signature: Uint8Array) => check(signature, { blockNumber });
  for (let round = 0; round < 3; round++) {
    const verdicts = await verify.verify([at(signed), at(forged), check(signed)]);
    expect(verdicts.map(({ isValid }) => isValid)).toEqual([true, false, true]);
  }
  expect(calls()).toBe(1 + 3 + 3);
  // More than it keeps, and the same question twice in one batch.
  const more = [1, 2, 3].map((n) => check(signed, { blockNumber: BigInt(n) + blockNumber - 3n }));
  const batch = [at(signed), ...more, at(signed), at(forged), at(signed)];
  const verdicts = await verify.verify(batch);
  expect(verdicts.map(({ isValid }) => isValid)).toEqual(
    batch.map(({ signature, blockNumber: block }) => signature === signed && block === blockNumber),
  );
});

test("XID-12, XID-26: a contract wallet registers, adds and revokes through a real question to its chain", async () => {
  const chain = createChain(chainId);
  chain.deploy(wallet, walletContract(crypto, owner));
  const contracts = verifierOf(chain);
  const signer: Signer = {
    type: "SCW",
    getIdentifier: () => ({ identifier: wallet, identifierKind: 0 }),
    signMessage: (message) => eip191Sign(crypto, ownerKey, message),
    getChainId: () => chainId,
  };
  const identifier = await signerIdentifier(signer);
  const installation = createInstallation(crypto);
  const plan = planRegistration({ crypto, identifier, installation: installation.id });
  if (plan.kind === "registered") throw new Error("not yet");
  const pending = beginUpdate({
    inboxId: plan.inboxId,
    clientTimestampNs: 1n,
    actions: plan.actions,
  });
  const { signatureText } = pending;
  const collected = await collectSignature({ crypto, signer, text: signatureText, contracts });
  expect(collected.signature).toMatchObject({ value: { blockNumber: chain.latest } });
  const update = parseUpdate(
    completeUpdate({ crypto, contracts: collected.contracts }, pending, [
      collected.signature,
      signIdentityText(crypto, installation, signatureText),
    ]),
  );
  // The wallet changes hands: its past signatures stay what they were.
  chain.deploy(wallet, walletContract(crypto, addressOf(otherKey)));
  const verdicts = await resolveContractChecks(
    crypto,
    contracts,
    neededContractChecks(crypto, update),
  );
  const state = applyUpdate(
    crypto,
    undefined,
    verifyUpdate({ crypto, contracts: verdicts }, update),
  );
  expect(state.members.get(`ethereum:${wallet}`)?.addedOnChainId).toBe(chainId);
  await expect(
    collectSignature({ crypto, signer, text: "another", contracts }),
  ).rejects.toMatchObject({ code: "identity/bad-signature", details: { rule: "XID-12" } });
});
