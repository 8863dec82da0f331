import type { InstallationId } from "@coterie/base";
import { invariant } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { applyUpdate, type AssociationState } from "./association.ts";
import { IdentityError } from "./errors.ts";
import type { MemberId } from "./identifiers.ts";
import type { VerifiedUpdate } from "./update.ts";

/** An update with the place that the node gave it. */
export interface LoggedUpdate {
  readonly sequenceId: bigint;
  readonly update: VerifiedUpdate;
}

/** The state after a whole log, in the order of its sequence ids (XID-20); undefined for an empty one. */
export function replay(
  crypto: CryptoProvider,
  log: readonly LoggedUpdate[],
  from?: AssociationState,
): AssociationState | undefined {
  let state = from;
  let last = -1n;
  for (const { sequenceId, update } of log) {
    invariant(sequenceId > last, "an inbox log ascends");
    last = sequenceId;
    state = applyUpdate(crypto, state, update);
  }
  return state;
}

/**
 * The state at an exact place of the log. Throws `identity/missing-identity-update` where no update has that very id (XID-31): a
 * membership that names an id between two updates is wrong or not yet known here, never rounded down.
 */
export function stateAt(
  crypto: CryptoProvider,
  log: readonly LoggedUpdate[],
  sequenceId: bigint,
): AssociationState {
  const until = log.filter((entry) => entry.sequenceId <= sequenceId);
  const state = until.at(-1)?.sequenceId === sequenceId ? replay(crypto, until) : undefined;
  if (state === undefined) {
    throw new IdentityError("identity/missing-identity-update", { rule: "XID-31", sequenceId });
  }
  return state;
}

/** Members that came and went between two states of an inbox. */
export interface AssociationDiff {
  readonly added: readonly MemberId[];
  readonly removed: readonly MemberId[];
}

/** XID-32; without an old state all members are new. */
export function diff(from: AssociationState | undefined, to: AssociationState): AssociationDiff {
  return { added: missingIn(to, from), removed: from === undefined ? [] : missingIn(from, to) };
}

/** XID-32: the installations of a difference. */
export function installationDiff(change: AssociationDiff): {
  readonly added: readonly InstallationId[];
  readonly removed: readonly InstallationId[];
} {
  return {
    added: change.added.flatMap(installationIds),
    removed: change.removed.flatMap(installationIds),
  };
}

function missingIn(
  here: AssociationState,
  there: AssociationState | undefined,
): readonly MemberId[] {
  return [...here.members].flatMap(([key, { id }]) => (there?.members.has(key) ? [] : [id]));
}

function installationIds(member: MemberId): readonly InstallationId[] {
  return member.kind === "installation" ? [member.id] : [];
}
