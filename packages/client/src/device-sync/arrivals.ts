import { installationsOf } from "@coterie/identity";
import type { Context } from "../context.ts";
import type { ConversationEngine } from "../conversation-engine.ts";
import { ConsentEntityType, ConsentState } from "../enums.ts";
import { isShown } from "../list-conversations.ts";
import type { Groups } from "../groups.ts";
import { keys } from "../keys.ts";
import { eachLimited } from "../run.ts";
import type { SyncGroups } from "./sync-groups.ts";

const activeNs = 90n * 86_400n * 1_000_000_000n;

export interface ArrivalParts {
  readonly context: Context;
  readonly groups: Groups;
  readonly engine: ConversationEngine;
  readonly syncGroups: SyncGroups;
}

/** Installations of the own inbox that came after this one; those before it know of it themselves. */
async function later(context: Context): Promise<string[]> {
  const state = await context.identity.state(context.inboxId);
  const timeOf = (id: string): bigint | undefined =>
    state?.members.get(`installation:${id}`)?.clientTimestampNs;
  const own = timeOf(context.installationId);
  if (!state || own === undefined) return [];
  return installationsOf(state).filter((id) => (timeOf(id) ?? 0n) > own);
}

/**
 * XHS-03: somebody of the own inbox put us into a sync group, which is how a new installation says that it is there; or we have met one in
 * the inbox's log. It is let into the conversations that are in use, and gets a new HMAC root.
 */
export async function welcomeInstallations(parts: ArrivalParts): Promise<void> {
  const { context, groups, engine, syncGroups } = parts;
  const { store, clock, log } = context.ports;
  const joined = (await syncGroups.all()).filter(({ record }) => record.welcomeId !== undefined);
  const seenKeys = [...joined.map(({ id }) => id), ...(await later(context))].map((id) =>
    keys.deviceSync("seen", id),
  );
  const seen = await store.getMany(seenKeys);
  const fresh = seenKeys.filter((_, i) => seen[i] === undefined);
  if (fresh.length === 0) return;

  const sinceNs = clock.nowNs() - activeNs;
  const { getConsent } = context.preferences;
  await eachLimited(await groups.all(), 4, async (cell) => {
    if (!isShown(cell) || !cell.record.active) return;
    if (getConsent(ConsentEntityType.GroupId, cell.id) === ConsentState.Denied) return;
    if ((await groups.lastActivityNs(cell)) < sinceNs) return;
    try {
      await engine.updateInstallations(cell);
    } catch (error) {
      // The next message of anybody tries again (XIN-17).
      log.write("warn", "installation-not-added", { groupId: cell.id, error: String(error) });
    }
  });
  await context.preferences.cycleHmacRoot();
  await store.write(fresh.map((key) => ({ kind: "put", key, value: Uint8Array.of(1) })));
}
