import { toHex, toUtf8 } from "@coterie/base";
import {
  applyUpdate,
  canonicalSignatures,
  checkCanonical,
  createSignatureCache,
  diff,
  identifierText,
  IdentityError,
  neededContractChecks,
  parseUpdate,
  resolveContractChecks,
  signatureText,
  verifyUpdate,
} from "@coterie/identity";
import type {
  AssociationState,
  MemberId,
  SmartContractVerifier,
  UnverifiedUpdate,
  VerifiedUpdate,
} from "@coterie/identity";
import type { CryptoProvider } from "@coterie/crypto";
import { IdentityUpdate } from "@coterie/wire";
import type { Identifier, IdentityLogEntry } from "../log/log.ts";

/** A log as far as it was read: what is known of it is known for good, as logs only grow. */
export interface Standing {
  readonly count: number;
  /** 0 where the log is empty. */
  readonly last: bigint;
  readonly state: AssociationState | undefined;
  /** Signatures that were used, whatever their encoding, and texts that were signed. */
  readonly used: ReadonlySet<string>;
}

interface JudgedUpdate {
  /** Wallets and passkeys that the update associates with the inbox, and those that it takes away. */
  readonly added: readonly Identifier[];
  readonly revoked: readonly Identifier[];
}

export interface IdentityJudge {
  /** Where an inbox stands. `read` is given what was judged before, and gives the entries after that. */
  standing(
    inboxId: string,
    read: (known: Standing) => Promise<readonly IdentityLogEntry[]>,
  ): Promise<Standing>;
  /** Whether an update may follow (§3.3); throws an `identity/…` error where it may not. */
  judge(standing: Standing, update: IdentityUpdate): Promise<JudgedUpdate>;
}

/** Inboxes whose standing is remembered: those that change are few, and change several times. */
const remembered = 1024;

const empty: Standing = { count: 0, last: 0n, state: undefined, used: new Set() };

export function createIdentityJudge(
  crypto: CryptoProvider,
  contracts: SmartContractVerifier | undefined,
): IdentityJudge {
  const cache = createSignatureCache(16_384);
  const standings = new Map<string, Standing>();

  const verify = async (update: UnverifiedUpdate) => {
    const checks = neededContractChecks(crypto, update);
    // XND-25
    const [first] = checks;
    if (first !== undefined && contracts === undefined) {
      throw new IdentityError("identity/chain-not-configured", { chainId: first.chainId });
    }
    const verdicts = contracts && (await resolveContractChecks(crypto, contracts, checks));
    return verifyUpdate({ crypto, cache, contracts: verdicts }, update);
  };

  return {
    async standing(inboxId, read) {
      const known = standings.get(inboxId) ?? empty;
      const entries = await read(known);
      if (entries.length === 0) return known;
      let { state } = known;
      const used = new Set(known.used);
      for (const entry of entries) {
        const verified = await verify(parseUpdate(IdentityUpdate.decode(entry.update)));
        state = applyUpdate(crypto, state, verified);
        for (const mark of marksOf(crypto, verified)) used.add(mark);
      }
      const last = entries.at(-1)?.sequenceId ?? known.last;
      const standing = { count: known.count + entries.length, last, state, used };
      standings.delete(inboxId);
      standings.set(inboxId, standing);
      if (standings.size > remembered) standings.delete(standings.keys().next().value as string);
      return standing;
    },

    async judge({ state, used }, update) {
      const parsed = parseUpdate(update);
      checkCanonical(parsed);
      const verified = await verify(parsed);
      const after = applyUpdate(crypto, state, verified);
      // XID-30 counts other encodings of one signature as new; members read such logs, we do not write them
      if (marksOf(crypto, verified).some((mark) => used.has(mark))) {
        throw new IdentityError("identity/replay", { rule: "XID-30" });
      }
      const { added, removed } = diff(state, after);
      return { added: identifiersIn(added), revoked: identifiersIn(removed) };
    },
  };
}

/**
 * What an update uses up: its signatures, and its text. A contract's signature can be wrapped in many ways and says yes in each of them, so
 * that an old word would come true again under another encoding.
 */
function marksOf(crypto: CryptoProvider, update: VerifiedUpdate): readonly string[] {
  const text = crypto.hash("sha256", toUtf8(signatureText(update)));
  return [...canonicalSignatures(update), `text:${toHex(text)}`];
}

function identifiersIn(members: readonly MemberId[]): Identifier[] {
  return members.flatMap((member) =>
    member.kind === "installation" ? [] : [{ kind: member.kind, text: identifierText(member) }],
  );
}
