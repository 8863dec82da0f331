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

/**
 * Asks a wallet to sign. A contract's signature is checked on its chain at once; the verdict comes along for
 * {@link completeUpdate} and {@link verifyUpdate}.
 */
export async function collectSignature(input: {
  readonly crypto: CryptoProvider;
  readonly signer: Signer;
  readonly text: string;
  /** Needed for contract wallets. */
  readonly contracts?: SmartContractVerifier | undefined;
  readonly signal?: unknown;
}): Promise<{ readonly signature: Signature; readonly contracts: ContractVerdicts }> {
  const { crypto, signer, text } = input;
  const bytes = await signer.signMessage(text);
  if (signer.type === "EOA") {
    return { signature: { kind: "erc191", value: { bytes } }, contracts: new Map() };
  }
  const identifier = await signerIdentifier(signer);
  if (identifier.kind !== "ethereum") {
    throw new IdentityError("identity/bad-identifier", { rule: "XID-12" });
  }
  const check = contractCheckFor(crypto, text, {
    accountId: accountIdOf(signer.getChainId(), identifier.address),
    blockNumber: signer.getBlockNumber?.(),
    signature: bytes,
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
