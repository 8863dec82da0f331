import { fromHex, toHex } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { ethereumAddress } from "@coterie/crypto";
import type { ContractCheck, ContractVerdict, SmartContractVerifier } from "../contracts.ts";
import { IdentityError } from "../errors.ts";
import { createRpc, parseData, parseQuantity, toQuantity } from "./json-rpc.ts";
import type { RpcCall, RpcFetch } from "./json-rpc.ts";
import { answers, questionFor } from "./question.ts";

export interface JsonRpcVerifierOptions {
  readonly crypto: CryptoProvider;
  /** URL of a JSON-RPC endpoint by chain id. It must know the state of old blocks: signatures are checked at the block they name. */
  readonly chains: ReadonlyMap<bigint, string>;
  readonly fetch: RpcFetch;
  /** For each call of the endpoint; 10 seconds by default. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Asks chains about contract wallets (XID-12): one `eth_call` per signature, at its own block or at the latest. An endpoint is believed in
 * a yes or no only where its answer is well formed and the chain its own; everything else throws `identity/chain-failed`, to be tried again.
 * Throws `identity/chain-not-configured` for other chains.
 */
export function createJsonRpcVerifier(options: JsonRpcVerifierOptions): SmartContractVerifier {
  const chains = new Map(
    [...options.chains].map(([chainId, url]) => {
      const { fetch, timeoutMs = 10_000 } = options;
      return [chainId, openChain(chainId, createRpc({ chainId, url, fetch, timeoutMs }))];
    }),
  );
  return {
    async verify(checks, { signal } = {}) {
      const verdicts: ContractVerdict[] = [];
      for (const check of checks) {
        const chain = chains.get(check.chainId);
        if (chain === undefined) {
          throw new IdentityError("identity/chain-not-configured", { chainId: check.chainId });
        }
        verdicts.push(
          await verifyOn(options.crypto, chain, check, signal as AbortSignal | undefined),
        );
      }
      return verdicts;
    },
  };
}

interface Chain {
  readonly chainId: bigint;
  readonly call: RpcCall;
  /** Whether the endpoint is one of this chain: asked once, and again after a failure. */
  confirm(signal?: AbortSignal): Promise<void>;
}

function openChain(chainId: bigint, call: RpcCall): Chain {
  let confirmed: Promise<void> | undefined;
  const ask = async (signal?: AbortSignal): Promise<void> => {
    if (parseQuantity(await call("eth_chainId", [], signal)) !== chainId) {
      throw failed(chainId, "eth_chainId");
    }
  };
  return {
    chainId,
    call,
    confirm(signal) {
      confirmed ??= ask(signal).catch((error: unknown) => {
        confirmed = undefined;
        throw error;
      });
      return confirmed;
    },
  };
}

async function verifyOn(
  crypto: CryptoProvider,
  chain: Chain,
  check: ContractCheck,
  signal: AbortSignal | undefined,
): Promise<ContractVerdict> {
  await chain.confirm(signal);
  const blockNumber = check.blockNumber ?? (await latestBlock(chain, signal));
  if (check.hash.length !== 32) return { isValid: false, blockNumber };
  const data = questionFor(fromHex(check.address.slice(2)), check.hash, check.signature);
  if (data === undefined) return { isValid: false, blockNumber };
  // No recipient: the program runs as a deployment would, and what it returns is the answer.
  const params = [{ data: `0x${toHex(data)}` }, toQuantity(blockNumber)];
  const answer = parseData(await chain.call("eth_call", params, signal));
  if (answer?.length !== 1) throw failed(chain.chainId, "eth_call");
  switch (answer[0]) {
    case answers.yes:
      return { isValid: true, blockNumber };
    case answers.no:
      return { isValid: false, blockNumber };
    case answers.noContract:
      return { isValid: isOwnKey(crypto, check), blockNumber };
    default:
      throw failed(chain.chainId, "eth_call");
  }
}

async function latestBlock(chain: Chain, signal: AbortSignal | undefined): Promise<bigint> {
  const block = parseQuantity(await chain.call("eth_blockNumber", [], signal));
  if (block === undefined) throw failed(chain.chainId, "eth_blockNumber");
  return block;
}

/** ERC-6492 ends with the signature of a plain key where there is no contract: 65 bytes, V 27 or 28, over the hash itself. */
function isOwnKey(crypto: CryptoProvider, { address, hash, signature }: ContractCheck): boolean {
  const v = signature[64];
  if (signature.length !== 65 || (v !== 27 && v !== 28)) return false;
  const key = crypto.secp256k1Recover(hash, signature.subarray(0, 64), v === 27 ? 0 : 1);
  return key !== undefined && ethereumAddress(crypto, key) === address.toLowerCase();
}

function failed(chainId: bigint, method: string): IdentityError {
  return new IdentityError("identity/chain-failed", { chainId, method, reason: "answer" });
}
