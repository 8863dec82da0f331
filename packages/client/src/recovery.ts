import { defaultPolicy } from "@coterie/policy";
import { decodeKey } from "@coterie/storage";
import type { Change } from "@coterie/storage";
import type { Context } from "./context.ts";
import type { ConversationEngine } from "./conversation-engine.ts";
import { createConversation } from "./create-group.ts";
import { minimumVersionKey } from "./engine/changes.ts";
import { decodeFacts } from "./engine/extensions.ts";
import { mlsOf } from "./engine/send.ts";
import type { ValidJoin } from "./engine/validate-join.ts";
import { isNewer } from "./engine/version.ts";
import { ConsentEntityType, ConsentState } from "./enums.ts";
import type { Cell, Groups } from "./groups.ts";
import { keys } from "./keys.ts";
import { decodeRow, encodeRow } from "./rows.ts";

/** XGC-45: members below this version do not know re-added installations. */
const readdVersion = "1.6.0";
/** How often one installation is added again to one group, and how often we ask for ourselves. */
const answerEveryNs = 3_600n * 1_000_000_000n;
const askEveryNs = 86_400n * 1_000_000_000n;

interface RequestRow {
  readonly inboxId: string;
  readonly latestCommitSequenceId: bigint;
  readonly receivedAtNs: bigint;
  readonly answeredAtNs?: bigint | undefined;
}

/** Out of a fork, by being added again (XIN-44). Does nothing unless the app has asked for it. */
export interface Recovery {
  /** Asks for every group that the commit logs call forked. */
  request(): Promise<void>;
  /** Adds those again who asked, where we may and do not stand apart ourselves. */
  respond(): Promise<void>;
}

/** XWL-16: what is kept of a one-shot welcome. */
export async function readdRequestChanges(
  context: Context,
  { facts, addedBy }: ValidJoin,
): Promise<Change[]> {
  const request = facts.immutable.readdRequest;
  if (!request || !context.forkRecovery.respond) return [];
  const key = keys.readdRequest(request.groupId, addedBy.installationId);
  // One that was answered lately is not answered again: a member must not make us commit at will.
  if (await context.ports.store.get(key)) return [];
  const row: RequestRow = {
    inboxId: addedBy.inboxId,
    latestCommitSequenceId: request.latestCommitSequenceId,
    receivedAtNs: context.ports.clock.nowNs(),
  };
  return [{ kind: "put", key, value: encodeRow(row) }];
}

export function createRecovery(parts: {
  readonly context: Context;
  readonly groups: Groups;
  readonly engine: ConversationEngine;
}): Recovery {
  const { context, groups, engine } = parts;
  const { store, clock } = context.ports;

  async function ask(cell: Cell): Promise<void> {
    const key = keys.readdAsked(cell.id);
    const row = await store.get(key);
    const now = clock.nowNs();
    if (row && now - decodeRow<{ atNs: bigint }>(row).atNs < askEveryNs) return;
    const { record } = cell;
    const all = record.dmMembers ?? record.metadata.superAdmins;
    const add = all.filter((id) => id !== context.inboxId);
    const { progress } = await groups.peek(cell);
    const shot = await createConversation(context, groups, {
      conversationType: "oneshot",
      policy: defaultPolicy,
      attributes: new Map(),
      readdRequest: { groupId: cell.id, latestCommitSequenceId: progress.commitCursor },
    });
    try {
      await engine.carryOut(shot, { kind: "membership", add, remove: [] });
      await store.write([{ kind: "put", key, value: encodeRow({ atNs: now }) }]);
    } finally {
      await groups.forget(shot);
    }
  }

  async function answer(key: Uint8Array, row: RequestRow): Promise<void> {
    const [, groupId, installationId] = decodeKey(key) as [string, string, string];
    const cell = await groups.find(groupId);
    if (cell && (await mayAnswer(cell, row))) {
      const required = cell.record.metadata.attributes.get(minimumVersionKey);
      if (required === undefined || isNewer(readdVersion, required)) {
        const value = readdVersion;
        await engine.carryOut(cell, { kind: "metadata", field: minimumVersionKey, value });
      }
      await engine.carryOut(cell, { kind: "readd", installations: [installationId] });
    }
    const answered: RequestRow = { ...row, answeredAtNs: clock.nowNs() };
    await store.write([{ kind: "put", key, value: encodeRow(answered) }]);
  }

  /** XIN-44. In DMs nobody is super admin: a new DM takes the place of a forked one (XDM-05). */
  async function mayAnswer({ id, record }: Cell, { inboxId }: RequestRow): Promise<boolean> {
    if (!record.active || record.conversationType !== "group") return false;
    if (record.commitLogForked === true || record.pausedForVersion !== undefined) return false;
    if (!record.metadata.superAdmins.includes(context.inboxId)) return false;
    const consent = await context.preferences.getConsent(ConsentEntityType.GroupId, id);
    if (consent !== ConsentState.Allowed) return false;
    return groups.exclusive(await groups.get(id), async ({ state }) =>
      decodeFacts(mlsOf(state).context.extensions).membership.members.has(inboxId),
    );
  }

  return {
    async request() {
      if (!context.forkRecovery.request) return;
      for (const cell of await groups.all()) {
        if (cell.record.active && cell.record.commitLogForked === true) await ask(cell);
      }
    },
    async respond() {
      if (!context.forkRecovery.respond) return;
      for (const { key, value } of await store.list(keys.readdRequests())) {
        const row = decodeRow<RequestRow>(value);
        const { answeredAtNs } = row;
        if (answeredAtNs === undefined) await answer(key, row);
        else if (clock.nowNs() - answeredAtNs > answerEveryNs) {
          await store.write([{ kind: "delete", key }]);
        }
      }
    },
  };
}
