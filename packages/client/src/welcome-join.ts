import { toHex } from "@coterie/base";
import { StorageError } from "@coterie/storage";
import type { Change } from "@coterie/storage";
import { TransportError } from "@coterie/transport";
import type { Context } from "./context.ts";
import { stepEnv } from "./context.ts";
import { readCommitLog } from "./db.ts";
import { isStaleWelcome, joinGroup, openWelcome } from "./engine/join.ts";
import type { WelcomeInput, WelcomeOutcome } from "./engine/join.ts";
import type { GroupRecord } from "./engine/state.ts";
import type { OpenedWelcome } from "./engine/welcome-wrap.ts";
import { ConsentEntityType, ConsentState } from "./enums.ts";
import { ClientError } from "./errors.ts";
import type { Cell, Groups } from "./groups.ts";
import type { OwnKeyPackage } from "./key-packages.ts";
import { readdRequestChanges } from "./recovery.ts";
import { canHeal, defaultRetry, isTooMuch, refetchable, withRetry } from "./run.ts";

/** A welcome that was opened with one of our key packages. */
export interface WelcomeToJoin {
  readonly own: OwnKeyPackage;
  readonly opened: OpenedWelcome;
}

/** Joins conversations by welcomes: verified, stored with what the caller adds, and remembered in the preferences. */
export type WelcomeJoin = (
  found: WelcomeToJoin,
  at: { readonly id: bigint; readonly createdNs: bigint },
  more: readonly Change[],
  patience: Patience,
) => Promise<Cell | undefined | "late">;

/** Whether to wait for what a node does not show yet (XCV-11), and how often to ask for it now. */
interface Patience {
  readonly patient: boolean;
  readonly attempts?: number | undefined;
}

/** Failures of the store, or on the way to the node: they say nothing about an inbox log, and meet every welcome alike (XWL-22). */
function isElsewhere(error: unknown): boolean {
  if (error instanceof TransportError) return canHeal(error) && !isTooMuch(error);
  if (error instanceof StorageError) return true;
  return error instanceof ClientError && error.code === "client/closed";
}

export function createWelcomeJoin(
  context: Context,
  groups: Groups,
  reject: (welcomeId: bigint, code: string, rule?: string) => void,
): WelcomeJoin {
  const { store, log } = context.ports;

  /**
   * Joins by an opened welcome; `more` goes into the same batch. `late` where an inbox log that it names ends too early, or cannot be judged
   * now: it must not hold up the welcomes after it (XWL-12).
   */
  async function joinBy(
    found: WelcomeToJoin,
    at: { readonly id: bigint; readonly createdNs: bigint },
    more: readonly Change[],
    { patient, attempts = defaultRetry.attempts }: Patience,
  ): Promise<Cell | undefined | "late"> {
    const retry = { ...defaultRetry, attempts };
    let notFound: ReadonlySet<string> = new Set();
    let input: WelcomeInput;
    let outcome: WelcomeOutcome;
    for (;;) {
      input = {
        env: { ...stepEnv(context, notFound), patient },
        welcome: found.opened.welcome,
        keyPackage: found.own,
        welcomeId: at.id,
        welcomeCreatedNs: at.createdNs,
        messageCursor: found.opened.messageCursor,
      };
      outcome = openWelcome(input);
      if (outcome.kind !== "wait") break;
      const { needs } = outcome;
      if (outcome.late === true) return "late";
      try {
        notFound = await withRetry(context.ports, () => context.identity.load(needs), retry);
      } catch (error) {
        if (isElsewhere(error)) throw error;
        log.write("warn", "welcome-waits", { welcomeId: at.id, error: String(error) });
        return "late";
      }
    }
    if (outcome.kind === "refused") {
      await store.write(more, refetchable);
      reject(at.id, outcome.code, outcome.rule);
      return undefined;
    }
    const joined = outcome;
    // XWL-16: carries one message, which only recovery would act on (XIN-44).
    if (joined.join.facts.immutable.conversationType === "oneshot") {
      await store.write([...more, ...(await readdRequestChanges(context, joined.join))]);
      return undefined;
    }
    const known = await groups.find(toHex(joined.group.groupId));
    const put = async (): Promise<Cell> =>
      groups.put(joinGroup(input, joined, known?.state), more, refetchable);
    if (!known) return remember(await put(), joined);
    const before = known.record.membershipState;
    return groups.exclusive(known, async (cell) => {
      if (isStaleWelcome(cell.state, joined.group, await readCommitLog(store, cell.id))) {
        await store.write(more, refetchable);
        if (!cell.state.record.active) reject(at.id, "client/welcome-replayed", "XWL-14");
        return undefined;
      }
      return remember(await put(), joined, before);
    });
  }

  /** XWL-21. */
  async function remember(
    cell: Cell,
    joined: Extract<WelcomeOutcome, { kind: "joined" }>,
    before?: GroupRecord["membershipState"],
  ): Promise<Cell> {
    const { immutable } = joined.join.facts;
    if (before === "pending-remove") {
      const { setConsent } = context.preferences;
      await setConsent(ConsentEntityType.GroupId, cell.id, ConsentState.Unknown);
    } else if (immutable.creatorInboxId === context.inboxId) {
      const { setConsent } = context.preferences;
      await setConsent(ConsentEntityType.GroupId, cell.id, ConsentState.Allowed);
    } else if (cell.record.dmId !== undefined) {
      await inheritDmConsent(cell);
    }
    return cell;
  }

  async function inheritDmConsent(cell: Cell): Promise<void> {
    const { getConsent, consentedAtNs, setConsent } = context.preferences;
    const { GroupId } = ConsentEntityType;
    let newest: { readonly id: string; readonly atNs: bigint } | undefined;
    for (const other of await groups.all()) {
      if (other.id === cell.id || other.record.dmId !== cell.record.dmId) continue;
      const atNs = consentedAtNs(GroupId, other.id);
      if (atNs !== undefined && atNs > (newest?.atNs ?? 0n)) newest = { id: other.id, atNs };
    }
    if (newest) await setConsent(GroupId, cell.id, getConsent(GroupId, newest.id));
  }

  return joinBy;
}
