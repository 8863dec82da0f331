import { members as leavesOf } from "@coterie/mls";
import { groupTopic } from "@coterie/wire";
import { ConversationMessages } from "./conversation-messages.ts";
import { describeConversation } from "./debug-info.ts";
import type { ConversationDebugInfo } from "./debug-info.ts";
import { disappearFromKey, disappearInKey, disappearingSettings } from "./engine/expiry.ts";
import type { DisappearingSettings } from "./engine/expiry.ts";
import { decodeFacts } from "./engine/extensions.ts";
import { mlsOf } from "./engine/send.ts";
import type { MembershipState } from "./engine/state.ts";
import { GroupMembershipState } from "./enums.ts";
import type { ConversationType } from "./enums.ts";
import { typeOf } from "./list-conversations.ts";
import { listMembers } from "./list-members.ts";
import type { GroupMember } from "./list-members.ts";
import { hmacKeysOf } from "./push/hmac-keys.ts";
import type { HmacKey } from "./push/hmac-keys.ts";

/** By their numbers in the API. */
const membershipStates: Readonly<Record<MembershipState, GroupMembershipState>> = {
  allowed: GroupMembershipState.Allowed,
  rejected: GroupMembershipState.Rejected,
  pending: GroupMembershipState.Pending,
  restored: GroupMembershipState.Restored,
  "pending-remove": GroupMembershipState.PendingRemove,
};

/** A group or a DM. Its getters read what this client knows now; `sync` brings what the node has. */
export class Conversation extends ConversationMessages {
  get isActive(): boolean {
    return this.cell.record.active;
  }
  get addedByInboxId(): string {
    return this.cell.record.addedByInboxId;
  }
  get createdAtNs(): bigint {
    return this.cell.record.createdAtNs;
  }
  get createdAt(): Date {
    return new Date(Number(this.createdAtNs / 1_000_000n));
  }
  get topic(): string {
    return groupTopic(this.cell.id);
  }
  /** The version that is asked for, while the group waits for it (XIN-31). */
  pausedForVersion(): string | undefined {
    return this.cell.record.pausedForVersion;
  }

  /** How far we are a member: allowed, pending consent, restored from an archive, about to leave. */
  membershipState(): GroupMembershipState {
    return membershipStates[this.cell.record.membershipState];
  }

  /** Publishes what is queued and reads what is new (XIN-02). */
  sync(): Promise<void> {
    return this.parts.engine.sync(this.cell);
  }

  /** Adds and removes installations as their owners' logs say now (XIN-17). */
  updateInstallations(): Promise<void> {
    return this.parts.engine.updateInstallations(this.cell);
  }

  async members(): Promise<GroupMember[]> {
    const { facts, leaves } = await this.read((state) => {
      const group = mlsOf(state);
      return { facts: decodeFacts(group.context.extensions), leaves: leavesOf(group) };
    });
    return listMembers(this.parts.context, facts, leaves);
  }

  get creatorInboxId(): string {
    return this.cell.record.creatorInboxId;
  }
  async metadata(): Promise<{ creatorInboxId: string; conversationType: ConversationType }> {
    const { record } = this.cell;
    return {
      creatorInboxId: record.creatorInboxId,
      conversationType: typeOf[record.conversationType],
    };
  }

  messageDisappearingSettings(): DisappearingSettings | undefined {
    return disappearingSettings(this.cell.record.metadata);
  }
  isMessageDisappearingEnabled(): boolean {
    return this.messageDisappearingSettings() !== undefined;
  }
  /** XDS-01: two commits, from first. XDS-02: the policies of the two keys say who may. */
  async updateMessageDisappearingSettings(fromNs: bigint, inNs: bigint): Promise<void> {
    await this.setAttribute(disappearFromKey, fromNs.toString());
    await this.setAttribute(disappearInKey, inNs.toString());
  }
  removeMessageDisappearingSettings(): Promise<void> {
    return this.updateMessageDisappearingSettings(0n, 0n);
  }

  /** XPU-05: the keys of the last, this and the next period, by group id: a DM brings its duplicates. */
  async hmacKeys(): Promise<Record<string, HmacKey[]>> {
    return hmacKeysOf(this.parts.context, await this.messageSources());
  }

  async debugInfo(): Promise<ConversationDebugInfo> {
    return describeConversation(this.parts.commitLogs, await this.read((state) => state));
  }

  protected async setAttribute(field: string, value: string): Promise<void> {
    await this.parts.engine.carryOut(this.cell, { kind: "metadata", field, value });
  }

  protected read<T>(work: (state: Parameters<typeof mlsOf>[0]) => T): Promise<T> {
    return this.parts.groups.exclusive(this.cell, async ({ state }) => work(state));
  }
}
