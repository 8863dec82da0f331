import { concat, toHex, toUtf8 } from "@coterie/base";
import { type CryptoProvider, eip191Digest } from "@coterie/crypto";
import type { Signature, SmartContractWalletSignature } from "@coterie/wire";
import { IdentityError } from "./errors.ts";

/** A question that only the chain of a contract wallet can answer (XID-12). */
export interface ContractCheck {
  /** CAIP-10: `eip155:<chain id>:<address>`. */
  readonly accountId: string;
  readonly chainId: bigint;
  /** Lower case. */
  readonly address: string;
  /** Latest block where undefined. */
  readonly blockNumber: bigint | undefined;
  readonly signature: Uint8Array;
  /** EIP-191 digest of the signed text. */
  readonly hash: Uint8Array;
}

export interface ContractVerdict {
  readonly isValid: boolean;
  /** Block that was asked. */
  readonly blockNumber?: bigint | undefined;
}

/** Verdicts by {@link contractCheckKey}. */
export type ContractVerdicts = ReadonlyMap<string, ContractVerdict>;

/** Asks chains. The default of a client is the node's VerifySmartContractWalletSignatures; one verdict per check, in order. */
export interface SmartContractVerifier {
  verify(
    checks: readonly ContractCheck[],
    options?: { readonly signal?: unknown },
  ): Promise<readonly ContractVerdict[]>;
}

/** The question that a signature over a text raises; throws `identity/bad-signature` where the account is none (XID-12). */
export function contractCheckFor(
  crypto: CryptoProvider,
  text: string,
  wallet: {
    readonly accountId: string;
    readonly blockNumber: bigint | undefined;
    readonly signature: Uint8Array;
  },
): ContractCheck {
  const { chainId, address } = parseAccountId(wallet.accountId);
  return { ...wallet, chainId, address, hash: eip191Digest(crypto, text) };
}

/** Key of a question: equal for equal questions alone. */
export function contractCheckKey(crypto: CryptoProvider, check: ContractCheck): string {
  const head = toUtf8(`${check.accountId} ${check.blockNumber ?? "latest"} `);
  // The hash has 32 bytes, so that no two splits read alike.
  return toHex(
    crypto.hash("sha256", concat(toUtf8(`${head.length} `), head, check.hash, check.signature)),
  );
}

/** Asks the verifier and files its answers. */
export async function resolveContractChecks(
  crypto: CryptoProvider,
  verifier: SmartContractVerifier,
  checks: readonly ContractCheck[],
  options?: { readonly signal?: unknown },
): Promise<ContractVerdicts> {
  // One signature may fill several slots (XID-05).
  const unique = new Map(checks.map((check) => [contractCheckKey(crypto, check), check]));
  if (unique.size === 0) return new Map();
  const verdicts = await verifier.verify([...unique.values()], options);
  const out = new Map<string, ContractVerdict>();
  for (const [index, key] of [...unique.keys()].entries()) {
    const verdict = verdicts[index];
    if (verdict !== undefined) out.set(key, verdict);
  }
  return out;
}

/**
 * A verifier that asks once for what stays true: a yes at a block that was named. Logs are read again and again, and each of their contract
 * signatures is a call to a chain. About 200 bytes per verdict.
 */
export function rememberVerdicts(
  crypto: CryptoProvider,
  verifier: SmartContractVerifier,
  maxEntries: number = 4096,
): SmartContractVerifier {
  const known = new Set<string>();
  return {
    async verify(checks, options) {
      const keys = checks.map((check) => contractCheckKey(crypto, check));
      const open = keys.map((key) => !known.has(key));
      const unknown = checks.filter((_, i) => open[i]);
      const asked = unknown.length === 0 ? [] : await verifier.verify(unknown, options);
      let next = 0;
      return checks.map((check, i): ContractVerdict => {
        if (!open[i]) return { isValid: true, blockNumber: check.blockNumber };
        const verdict = asked[next++] ?? { isValid: false };
        if (verdict.isValid && check.blockNumber !== undefined) {
          remember(known, keys[i] as string, maxEntries);
        }
        return verdict;
      });
    },
  };
}

function remember(known: Set<string>, key: string, maxEntries: number): void {
  known.add(key);
  if (known.size > maxEntries) known.delete(known.values().next().value as string);
}

/** A contract wallet's signature on the wire, at the block that the verifier used (XID-12). */
export function contractSignature(check: ContractCheck, verdict: ContractVerdict): Signature {
  const blockNumber = check.blockNumber ?? verdict.blockNumber;
  if (!verdict.isValid || blockNumber === undefined) {
    throw new IdentityError("identity/bad-signature", { rule: "XID-12" });
  }
  const value: SmartContractWalletSignature = {
    accountId: check.accountId,
    blockNumber,
    signature: check.signature,
  };
  return { kind: "erc6492", value };
}

export function accountIdOf(chainId: bigint, address: string): string {
  return `eip155:${chainId}:${address}`;
}

/** XID-12: exactly three parts, a decimal chain id of 64 bits, an address. */
function parseAccountId(text: string): { readonly chainId: bigint; readonly address: string } {
  const match = /^eip155:([0-9]{1,20}):(0x[0-9a-fA-F]{40})$/.exec(text);
  const chainId = BigInt(match?.[1] ?? -1);
  if (match === null || chainId < 0n || chainId >= 1n << 64n) {
    throw new IdentityError("identity/bad-signature", { rule: "XID-12" });
  }
  return { chainId, address: (match[2] as string).toLowerCase() };
}
