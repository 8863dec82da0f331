import type { CryptoProvider } from "@coterie/crypto";
import type { Signature } from "@coterie/wire";
import {
  accountIdOf,
  contractCheckFor,
  contractCheckKey,
  contractSignature,
  type ContractVerdicts,
  type SmartContractVerifier,
} from "./contracts.ts";
import { IdentityError } from "./errors.ts";
import { type Identifier, parseIdentifier, type PublicIdentifier } from "./identifiers.ts";

type Awaitable<T> = T | Promise<T>;

/** A wallet with a key of its own. */
export interface EoaSigner {
  readonly type: "EOA";
  getIdentifier(): Awaitable<PublicIdentifier>;
  /** EIP-191 signature of 65 bytes over the text. */
  signMessage(text: string): Awaitable<Uint8Array>;
}

/** A contract wallet. */
export interface ScwSigner {
  readonly type: "SCW";
  getIdentifier(): Awaitable<PublicIdentifier>;
  /** Whatever the contract accepts (ERC-1271, ERC-6492). */
  signMessage(text: string): Awaitable<Uint8Array>;
  getChainId(): bigint;
  /** Block to check at; the latest one where undefined. */
  getBlockNumber?(): bigint | undefined;
}

/** What an app gives us to ask a person's wallet. */
export type Signer = EoaSigner | ScwSigner;

/** Who a signer signs for; throws `identity/bad-identifier`. */
export async function signerIdentifier(signer: Signer): Promise<Identifier> {
  return parseIdentifier(await signer.getIdentifier());
}

/** A signature and what chains said of it, for {@link completeUpdate} and {@link verifyUpdate}. */
export interface CollectedSignature {
  readonly signature: Signature;
  readonly contracts: ContractVerdicts;
}

/** Asks a wallet to sign. A contract's signature is checked on its chain at once. */
export async function collectSignature(input: {
  readonly crypto: CryptoProvider;
  readonly signer: Signer;
  readonly text: string;
  /** Needed for contract wallets. */
  readonly contracts?: SmartContractVerifier | undefined;
  readonly signal?: unknown;
}): Promise<CollectedSignature> {
  const { crypto, signer, text, contracts, signal } = input;
  const bytes = await signer.signMessage(text);
  if (signer.type === "EOA") {
    return { signature: { kind: "erc191", value: { bytes } }, contracts: new Map() };
  }
  const blockNumber = signer.getBlockNumber?.();
  const identifier = await signerIdentifier(signer);
  const wallet = { identifier, chainId: signer.getChainId(), blockNumber, bytes };
  return checkContractSignature({ crypto, text, wallet, contracts, signal });
}

/**
 * What a contract wallet signed, checked on its chain and written down with the block that was asked (XID-12). Throws
 * `identity/bad-signature`, or `identity/contract-check-missing` where there is nobody to ask.
 */
export async function checkContractSignature(input: {
  readonly crypto: CryptoProvider;
  readonly text: string;
  readonly wallet: {
    readonly identifier: Identifier;
    readonly chainId: bigint;
    /** The latest block where undefined. */
    readonly blockNumber: bigint | undefined;
    readonly bytes: Uint8Array;
  };
  readonly contracts: SmartContractVerifier | undefined;
  readonly signal?: unknown;
}): Promise<CollectedSignature> {
  const { crypto, text, wallet } = input;
  if (wallet.identifier.kind !== "ethereum") {
    throw new IdentityError("identity/bad-identifier", { rule: "XID-12" });
  }
  const check = contractCheckFor(crypto, text, {
    accountId: accountIdOf(wallet.chainId, wallet.identifier.address),
    blockNumber: wallet.blockNumber,
    signature: wallet.bytes,
  });
  const [verdict] = (await input.contracts?.verify([check], { signal: input.signal })) ?? [];
  if (verdict === undefined) {
    throw new IdentityError("identity/contract-check-missing", { rule: "XID-12" });
  }
  const signature = contractSignature(check, verdict);
  // The block that was used is part of the signature now, and of the question that others will ask.
  const blockNumber = check.blockNumber ?? verdict.blockNumber;
  const asked = contractCheckKey(crypto, { ...check, blockNumber });
  return { signature, contracts: new Map([[asked, verdict]]) };
}
