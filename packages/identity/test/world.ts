// People and devices to write logs with: everything seeded, nothing from outside.
import { concat, type InboxId, toBase64Url, toHex, toUtf8 } from "@coterie/base";
import { type CryptoProvider, eip191Sign, ethereumAddress, labels } from "@coterie/crypto";
import { nobleProvider } from "@coterie/crypto/noble";
import { opensslProvider } from "@coterie/crypto/openssl";
import { type IdentityUpdate, type Signature, UnsignedPublicKey } from "@coterie/wire";
import { describe } from "vitest";
import {
  applyUpdate,
  type AssociationState,
  beginUpdate,
  completeUpdate,
  type ContractVerdicts,
  contractCheckFor,
  contractCheckKey,
  ethereumIdentifier,
  type Identifier,
  IdentityError,
  type IdentityErrorCode,
  inboxIdOf,
  installationFromSeed,
  installationMember,
  type MemberId,
  parseUpdate,
  passkeyIdentifier,
  type PlannedAction,
  signatureText,
  signIdentityText,
  type SignedAction,
  type UnverifiedUpdate,
  verifyUpdate,
} from "../src/index.ts";

export function eachProvider(tests: (crypto: CryptoProvider) => void): void {
  describe.each([nobleProvider, opensslProvider])("$name", (crypto) => {
    tests(crypto);
  });
}

/** Somebody who signs texts. */
export interface Actor<Id extends MemberId = MemberId> {
  readonly id: Id;
  sign(text: string): Signature;
}

const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n);

export function wallet(crypto: CryptoProvider, n: number): Actor<Identifier> {
  const key = seed(n);
  const id = ethereumIdentifier(ethereumAddress(crypto, crypto.secp256k1PublicKey(key)));
  return {
    id,
    sign: (text) => ({ kind: "erc191", value: { bytes: eip191Sign(crypto, key, text) } }),
  };
}

export function device(crypto: CryptoProvider, n: number): Actor {
  const installation = installationFromSeed(crypto, seed(n));
  return {
    id: installationMember(installation.id),
    sign: (text) => signIdentityText(crypto, installation, text),
  };
}

export function passkey(
  crypto: CryptoProvider,
  n: number,
  options: { readonly compressed?: boolean; readonly origin?: string } = {},
): Actor<Identifier> {
  const publicKey = crypto.signaturePublicKey("p256", seed(n));
  const form = options.compressed
    ? concat(Uint8Array.of(2 + ((publicKey[64] as number) & 1)), publicKey.subarray(1, 33))
    : publicKey;
  return {
    id: passkeyIdentifier(form),
    sign(text) {
      const clientDataJson = toUtf8(
        JSON.stringify({
          type: "webauthn.get",
          challenge: toBase64Url(toUtf8(text)),
          origin: options.origin ?? "https://app.example",
        }),
      );
      const authenticatorData = seed(0xad);
      const signed = concat(authenticatorData, crypto.hash("sha256", clientDataJson));
      const signature = crypto.sign("p256", seed(n), signed);
      return {
        kind: "passkey",
        value: { publicKey: form, signature, authenticatorData, clientDataJson },
      };
    },
  };
}

/** A contract wallet; its signatures are its address and a counter, and {@link verdictsFor} says which hold. */
export function contract(n: number, chainId: bigint, mark: number = 0): Actor<Identifier> {
  const address = `0x${toHex(seed(n).subarray(0, 20))}`;
  return {
    id: ethereumIdentifier(address),
    sign: () => ({
      kind: "erc6492",
      value: {
        accountId: `eip155:${chainId}:${address}`,
        blockNumber: 7n,
        signature: Uint8Array.of(n, Number(chainId), mark),
      },
    }),
  };
}

/** A V2 key that the wallet of a seed vouched for (XID-14). */
export function legacy(
  crypto: CryptoProvider,
  walletSeed: number,
  keySeed: number,
): Actor<Identifier> {
  const keyBytes = UnsignedPublicKey.encode({
    createdNs: 5n,
    secp256k1Uncompressed: { bytes: crypto.secp256k1PublicKey(seed(keySeed)) },
  });
  const vouched = `${labels.legacyIdentityText}${toHex(keyBytes)}\n\nFor more info: https://xmtp.org/signatures/`;
  const inner = eip191Sign(crypto, seed(walletSeed), vouched);
  return {
    id: wallet(crypto, walletSeed).id,
    sign: (text) => ({
      kind: "delegatedErc191",
      value: {
        delegatedKey: {
          keyBytes,
          signature: {
            kind: "walletEcdsaCompact",
            value: { bytes: inner.subarray(0, 64), recovery: (inner[64] as number) - 27 },
          },
        },
        signature: { bytes: eip191Sign(crypto, seed(keySeed), text) },
      },
    }),
  };
}

/** An action whose slots are filled by whoever the test says, right or wrong. */
export type Draft =
  | { readonly create: Identifier; readonly nonce?: bigint; readonly signer: Actor }
  | { readonly add: MemberId; readonly by: Actor; readonly added: Actor }
  | { readonly revoke: MemberId; readonly by: Actor }
  | { readonly recovery: Identifier; readonly by: Actor };

let clock = 1_700_000_000_000_000_000n;

/** Signs what the drafts say over their common text. Each update has a time, and so a text, of its own. */
export function sign(inboxId: string, drafts: readonly Draft[]): UnverifiedUpdate {
  clock += 1_000_000_000n;
  const fill = (text: string): SignedAction<Signature>[] =>
    drafts.map((draft) => {
      if ("create" in draft) {
        const nonce = draft.nonce ?? 1n;
        return {
          kind: "create-inbox",
          identifier: draft.create,
          nonce,
          signature: draft.signer.sign(text),
        };
      }
      if ("add" in draft) {
        return {
          kind: "add",
          member: draft.add,
          existing: draft.by.sign(text),
          added: draft.added.sign(text),
        };
      }
      if ("revoke" in draft) {
        return { kind: "revoke", member: draft.revoke, signature: draft.by.sign(text) };
      }
      return {
        kind: "change-recovery",
        identifier: draft.recovery,
        signature: draft.by.sign(text),
      };
    });
  const head = { inboxId, clientTimestampNs: clock };
  const text = signatureText({ ...head, actions: fill("") });
  return { ...head, actions: fill(text) };
}

/** Says yes (or no) to every contract signature of an update. */
export function verdictsFor(
  crypto: CryptoProvider,
  update: UnverifiedUpdate,
  isValid = true,
): ContractVerdicts {
  const text = signatureText(update);
  const verdicts = new Map();
  for (const action of update.actions) {
    const signatures = action.kind === "add" ? [action.existing, action.added] : [action.signature];
    for (const s of signatures) {
      if (s.kind !== "erc6492") continue;
      const check = contractCheckFor(crypto, text, s.value);
      verdicts.set(contractCheckKey(crypto, check), { isValid, blockNumber: 7n });
    }
  }
  return verdicts;
}

/** Verifies and applies; contract signatures hold. */
export function apply(
  crypto: CryptoProvider,
  state: AssociationState | undefined,
  update: UnverifiedUpdate,
): AssociationState {
  const contracts = verdictsFor(crypto, update);
  return applyUpdate(crypto, state, verifyUpdate({ crypto, contracts }, update));
}

/** A fresh inbox of an actor, with whatever else the first update shall do. */
export function found(
  crypto: CryptoProvider,
  owner: Actor<Identifier>,
  rest: readonly Draft[] = [],
  nonce = 1n,
): AssociationState {
  const inboxId = inboxIdOf(crypto, owner.id, nonce);
  return apply(
    crypto,
    undefined,
    sign(inboxId, [{ create: owner.id, nonce, signer: owner }, ...rest]),
  );
}

/** Code and rule of the refusal. */
export function refusal(act: () => unknown): `${IdentityErrorCode} ${string}` | "none" {
  try {
    act();
  } catch (error) {
    if (error instanceof IdentityError) return `${error.code} ${String(error.details["rule"])}`;
    throw error;
  }
  return "none";
}

/** Through the builder and the wire, as a client does it. */
export function build(
  crypto: CryptoProvider,
  inboxId: InboxId,
  actions: readonly PlannedAction[],
  actors: readonly Actor[],
): { readonly wire: IdentityUpdate; readonly update: UnverifiedUpdate } {
  clock += 1_000_000_000n;
  const pending = beginUpdate({ inboxId, clientTimestampNs: clock, actions });
  const wire = completeUpdate(
    { crypto },
    pending,
    actors.map((actor) => actor.sign(pending.signatureText)),
  );
  return { wire, update: parseUpdate(wire) };
}
