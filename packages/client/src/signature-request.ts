import type { CryptoProvider } from "@coterie/crypto";
import {
  askPasskey,
  checkContractSignature,
  completeUpdate,
  createSignatureCache,
  IdentityError,
  memberKey,
  parseIdentifier,
  signerIdentifier,
  toPublicIdentifier,
  verifySignature,
} from "@coterie/identity";
import type {
  ContractVerdict,
  ContractVerdicts,
  Identifier,
  PendingUpdate,
  PublicIdentifier,
  Signer,
  SmartContractVerifier,
} from "@coterie/identity";
import type { IdentityUpdate, Signature } from "@coterie/wire";

/** A WebAuthn assertion whose challenge was the signature text (XID-13). */
export interface PasskeySignature {
  /** SEC1 point, compressed or not: the two are different identifiers. */
  readonly publicKey: Uint8Array | readonly number[];
  /** DER. */
  readonly signature: Uint8Array | readonly number[];
  readonly authenticatorData: Uint8Array | readonly number[];
  readonly clientDataJson: Uint8Array | readonly number[];
}

/**
 * A change of an inbox that waits for signatures. Each is verified as it comes: `identity/bad-signature`, or
 * `identity/unexpected-signer` where the change does not need that signer.
 */
export class SignatureRequest {
  readonly #crypto: CryptoProvider;
  readonly #contracts: SmartContractVerifier;
  readonly #pending: PendingUpdate;
  readonly #cache = createSignatureCache(64);
  readonly #signatures = new Map<string, Signature>();
  readonly #verdicts = new Map<string, ContractVerdict>();
  /** Whether applying it makes this installation a member of its inbox. */
  readonly registers: boolean;

  /** Clients make them: `unsafe_…SignatureRequest`. */
  constructor(made: {
    readonly crypto: CryptoProvider;
    readonly contracts: SmartContractVerifier;
    readonly pending: PendingUpdate;
    readonly registers?: boolean | undefined;
    /** Of the own installation, where the change needs it. */
    readonly signed?: readonly Signature[] | undefined;
  }) {
    this.#crypto = made.crypto;
    this.#contracts = made.contracts;
    this.#pending = made.pending;
    this.registers = made.registers ?? false;
    for (const signature of made.signed ?? []) this.#add(signature);
  }

  /** The inbox that changes. */
  get inboxId(): string {
    return this.#pending.planned.inboxId;
  }

  /** What everybody signs (XID-03). */
  signatureText(): Promise<string> {
    return Promise.resolve(this.#pending.signatureText);
  }

  /** Wallets and passkeys whose signatures are still to come. */
  missingSigners(): readonly PublicIdentifier[] {
    return this.#pending.signers.flatMap((signer) =>
      signer.kind === "installation" || this.#signatures.has(memberKey(signer))
        ? []
        : [toPublicIdentifier(signer)],
    );
  }

  /** 65 bytes of a wallet with a key of its own (XID-10). */
  async addEcdsaSignature(bytes: Uint8Array): Promise<void> {
    this.#add({ kind: "erc191", value: { bytes: bytes.slice() } });
  }

  /** What a contract wallet accepts, asked on its chain: at the block given, or at the latest one (XID-12). */
  async addScwSignature(
    account: PublicIdentifier,
    bytes: Uint8Array,
    chainId: bigint,
    blockNumber?: bigint | null,
  ): Promise<void> {
    const identifier = parseIdentifier(account);
    this.#require(identifier);
    const wallet = { identifier, chainId, blockNumber: blockNumber ?? undefined, bytes };
    const { signature, contracts } = await checkContractSignature({
      crypto: this.#crypto,
      text: this.#pending.signatureText,
      wallet,
      contracts: this.#contracts,
    });
    for (const [key, verdict] of contracts) this.#verdicts.set(key, verdict);
    this.#add(signature);
  }

  /** A passkey's assertion (XID-13). */
  async addPasskeySignature(assertion: PasskeySignature): Promise<void> {
    this.#add({
      kind: "passkey",
      value: {
        publicKey: Uint8Array.from(assertion.publicKey),
        signature: Uint8Array.from(assertion.signature),
        authenticatorData: Uint8Array.from(assertion.authenticatorData),
        clientDataJson: Uint8Array.from(assertion.clientDataJson),
      },
    });
  }

  /** Asks a wallet or a passkey, unless the change has no use for its signature. */
  async sign(signer: Signer): Promise<void> {
    const identifier = await signerIdentifier(signer);
    this.#require(identifier);
    if (signer.type === "Passkey") {
      return this.#add(await askPasskey(signer, this.#pending.signatureText));
    }
    const bytes = await signer.signMessage(this.#pending.signatureText);
    if (signer.type === "EOA") return this.addEcdsaSignature(bytes);
    const account = toPublicIdentifier(identifier);
    return this.addScwSignature(account, bytes, signer.getChainId(), signer.getBlockNumber?.());
  }

  /** The signed update, for whoever publishes it. Throws `identity/signature-missing`. */
  complete(): { readonly update: IdentityUpdate; readonly verdicts: ContractVerdicts } {
    const env = { crypto: this.#crypto, contracts: this.#verdicts, cache: this.#cache };
    const update = completeUpdate(env, this.#pending, [...this.#signatures.values()]);
    return { update, verdicts: this.#verdicts };
  }

  #add(signature: Signature): void {
    const env = { crypto: this.#crypto, contracts: this.#verdicts, cache: this.#cache };
    const { signer } = verifySignature(env, this.#pending.signatureText, signature);
    if (signer.kind !== "installation") this.#require(signer);
    this.#signatures.set(memberKey(signer), signature);
  }

  #require(identifier: Identifier): void {
    const signer = memberKey(identifier);
    if (!this.#pending.signers.some((needed) => memberKey(needed) === signer)) {
      throw new IdentityError("identity/unexpected-signer", { signer });
    }
  }
}
