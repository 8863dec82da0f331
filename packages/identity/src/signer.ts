import { fromHex, toUtf8 } from "@coterie/base";
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

/** What an authenticator answers to a challenge (WebAuthn), as it came. */
export interface PasskeyAssertion {
  /** DER. */
  readonly signature: Uint8Array;
  readonly authenticatorData: Uint8Array;
  readonly clientDataJson: Uint8Array;
}

/** A passkey: the authenticator signs what the page asks of it (XID-13). */
export interface PasskeySigner {
  readonly type: "Passkey";
  /** Its P-256 key in hex, of 33 or 65 bytes: the two are different identifiers. */
  getIdentifier(): Awaitable<PublicIdentifier>;
  signChallenge(challenge: Uint8Array<ArrayBuffer>): Awaitable<PasskeyAssertion>;
}

/** What an app gives us to ask a person's wallet or authenticator. */
export type Signer = EoaSigner | ScwSigner | PasskeySigner;

/** Who a signer signs for; throws `identity/bad-identifier`. */
export async function signerIdentifier(signer: Signer): Promise<Identifier> {
  return parseIdentifier(await signer.getIdentifier());
}

/** A signature and what chains said of it, for {@link completeUpdate} and {@link verifyUpdate}. */
export interface CollectedSignature {
  readonly signature: Signature;
  readonly contracts: ContractVerdicts;
}

/** Asks a passkey to sign a text, which is its challenge. Throws `identity/bad-identifier`. */
export async function askPasskey(signer: PasskeySigner, text: string): Promise<Signature> {
  const identifier = await signerIdentifier(signer);
  if (identifier.kind !== "passkey") {
    throw new IdentityError("identity/bad-identifier", { rule: "XID-13" });
  }
  const assertion = await signer.signChallenge(toUtf8(text));
  return { kind: "passkey", value: { publicKey: fromHex(identifier.key), ...assertion } };
}

/** Asks a wallet or a passkey to sign. A contract's signature is checked on its chain at once. */
export async function collectSignature(input: {
  readonly crypto: CryptoProvider;
  readonly signer: Signer;
  readonly text: string;
  /** Needed for contract wallets. */
  readonly contracts?: SmartContractVerifier | undefined;
  readonly signal?: unknown;
}): Promise<CollectedSignature> {
  const { crypto, signer, text, contracts, signal } = input;
  if (signer.type === "Passkey") {
    return { signature: await askPasskey(signer, text), contracts: new Map() };
  }
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
