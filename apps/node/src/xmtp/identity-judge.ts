import {
  applyUpdate,
  checkCanonical,
  createSignatureCache,
  diff,
  identifierText,
  IdentityError,
  neededContractChecks,
  parseUpdate,
  replay,
  resolveContractChecks,
  reusesSignature,
  verifyUpdate,
} from "@coterie/identity";
import type { MemberId, SmartContractVerifier, UnverifiedUpdate } from "@coterie/identity";
import type { CryptoProvider } from "@coterie/crypto";
import type { IdentityUpdate } from "@coterie/wire";
import type { Identifier } from "../log/log.ts";

interface JudgedUpdate {
  /** Wallets and passkeys that the update associates with the inbox, and those that it takes away. */
  readonly added: readonly Identifier[];
  readonly revoked: readonly Identifier[];
}

interface LoggedWireUpdate {
  readonly sequenceId: bigint;
  readonly update: IdentityUpdate;
}

/** Whether an update may follow a log (§3.3); throws an `identity/…` error where it may not. */
export type IdentityJudge = (
  log: readonly LoggedWireUpdate[],
  update: IdentityUpdate,
) => Promise<JudgedUpdate>;

export function createIdentityJudge(
  crypto: CryptoProvider,
  contracts: SmartContractVerifier | undefined,
): IdentityJudge {
  const cache = createSignatureCache(16_384);

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

  return async (log, update) => {
    const parsed = parseUpdate(update);
    checkCanonical(parsed);
    const logged = [];
    for (const entry of log) {
      logged.push({ ...entry, update: await verify(parseUpdate(entry.update)) });
    }
    const verified = await verify(parsed);
    const before = replay(crypto, logged);
    const after = applyUpdate(crypto, before, verified);
    // XID-30 counts other encodings of one signature as new; members read such logs, we do not write them
    if (
      reusesSignature(
        logged.map((entry) => entry.update),
        verified,
      )
    ) {
      throw new IdentityError("identity/replay", { rule: "XID-30" });
    }
    const { added, removed } = diff(before, after);
    return { added: identifiersIn(added), revoked: identifiersIn(removed) };
  };
}

function identifiersIn(members: readonly MemberId[]): Identifier[] {
  return members.flatMap((member) =>
    member.kind === "installation" ? [] : [{ kind: member.kind, text: identifierText(member) }],
  );
}
