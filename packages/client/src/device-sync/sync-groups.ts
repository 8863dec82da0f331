import { fromHex } from "@coterie/base";
import { installationsOf } from "@coterie/identity";
import type { DeviceSyncContent } from "@coterie/wire";
import { EncodedContent } from "@coterie/wire";
import type { Context } from "../context.ts";
import type { ConversationEngine } from "../conversation-engine.ts";
import { createConversation } from "../create-group.ts";
import { contentTypes, encodeEnvelope } from "../engine/content.ts";
import { decodeFacts } from "../engine/extensions.ts";
import { messageId } from "../engine/message-id.ts";
import { mlsOf } from "../engine/send.ts";
import type { MessageRow } from "../engine/state.ts";
import { DeliveryStatus, GroupMessageKind } from "../enums.ts";
import { attributesFor, policyFor } from "../group-options.ts";
import type { Cell, Groups } from "../groups.ts";
import { withRetry } from "../run.ts";
import { encodeDeviceSync } from "./content.ts";

/** Groups of the own installations among themselves (XHS-01). */
export interface SyncGroups {
  /** Those that can be read and written, the one created last first. */
  all(): Promise<Cell[]>;
  /** Whether the inbox has no other installation, as the node says now. */
  isAlone(): Promise<boolean>;
  /** The one created last, or a new one; with all installations in it, and none that was revoked. */
  ready(): Promise<Cell>;
  /** XHS-02. A message with the key of an earlier one is that message: it is sent at most once. */
  send(content: DeviceSyncContent, idempotencyKey?: string): Promise<void>;
}

export function createSyncGroups(
  context: Context,
  groups: Groups,
  engine: ConversationEngine,
): SyncGroups {
  const { ports, inboxId } = context;

  const newest = async (): Promise<bigint> =>
    (await withRetry(ports, () => context.identity.refresh([inboxId]))).get(inboxId) ?? 0n;

  /** Whatever was let into it since: nothing is told where anybody else listens. */
  const isOurs = (cell: Cell): Promise<boolean> =>
    groups.exclusive(cell, async ({ state }) => {
      if (!state.mls) return false;
      const { members } = decodeFacts(state.mls.context.extensions).membership;
      return [...members.keys()].every((id) => id === inboxId);
    });

  async function all(): Promise<Cell[]> {
    const cells: Cell[] = [];
    for (const cell of await groups.all()) {
      const { conversationType, active } = cell.record;
      if (conversationType === "sync" && active && (await isOurs(cell))) cells.push(cell);
    }
    return cells.toSorted((a, b) => (a.record.createdAtNs > b.record.createdAtNs ? -1 : 1));
  }

  async function create(): Promise<Cell> {
    const cell = await createConversation(context, groups, {
      conversationType: "sync",
      policy: policyFor({}),
      attributes: attributesFor({}),
    });
    context.bus.emit([{ kind: "device-sync", what: "group-joined", groupId: cell.id }]);
    return cell;
  }

  /** Before anything secret is said: who was revoked must not hear it, who is new shall. */
  async function updateMembers(cell: Cell): Promise<void> {
    const now = await newest();
    const known = await groups.exclusive(cell, async ({ state }) =>
      decodeFacts(mlsOf(state).context.extensions).membership.members.get(inboxId),
    );
    if (known !== undefined && known >= now) return;
    await engine.carryOut(cell, { kind: "membership", add: [], remove: [] });
  }

  async function ready(): Promise<Cell> {
    for (const cell of await all()) {
      await updateMembers(cell);
      if (await isOurs(cell)) return cell;
    }
    const made = await create();
    await updateMembers(made);
    return made;
  }

  return {
    all,
    ready,
    async isAlone() {
      await newest();
      const state = await context.identity.state(inboxId);
      return state === undefined || installationsOf(state).length <= 1;
    },
    async send(content, idempotencyKey = ports.clock.nowNs().toString()) {
      const cell = await ready();
      const nowNs = ports.clock.nowNs();
      const bytes = EncodedContent.encode(encodeDeviceSync(content));
      const id = messageId(ports.crypto, fromHex(cell.id), idempotencyKey, bytes);
      const row: MessageRow = {
        id,
        groupId: cell.id,
        senderInboxId: inboxId,
        senderInstallationId: context.installationId,
        kind: GroupMessageKind.Application,
        content: bytes,
        contentType: contentTypes.deviceSync,
        sentAtNs: nowNs,
        insertedAtNs: nowNs,
        deliveryStatus: DeliveryStatus.Unpublished,
      };
      const envelope = encodeEnvelope(bytes, idempotencyKey);
      await engine.send(cell, {
        wish: { kind: "send-message", messageId: id, envelope, shouldPush: false },
        row,
        optimistic: false,
      });
    },
  };
}
