import type { CryptoProvider } from "@coterie/crypto";
import type { SmartContractVerifier } from "@coterie/identity";
import { createJsonRpcVerifier } from "@coterie/identity/json-rpc";

/** Asks the chains that were named about contract wallets (XND-25); undefined where none was. */
export function chainVerifier(
  crypto: CryptoProvider,
  chains: ReadonlyMap<bigint, string> = new Map(),
): SmartContractVerifier | undefined {
  if (chains.size === 0) return undefined;
  return createJsonRpcVerifier({ crypto, chains, fetch: globalThis.fetch });
}
