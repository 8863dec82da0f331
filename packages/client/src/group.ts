import type { InboxId } from "@coterie/base";
import { decide, detectPreset, explain, policyOptions, whatMay } from "@coterie/policy";
import type { Decision, Explanation, Permissions } from "@coterie/policy";
import { parseIdentifier } from "@coterie/identity";
import type { PublicIdentifier } from "@coterie/identity";
import { actionOf } from "./asked-action.ts";
import type { AskedAction } from "./asked-action.ts";
import { leaveRequestCodec } from "./content/group-messages.ts";
import { Conversation } from "./conversation.ts";
import { readMessage } from "./db.ts";
import type { DecodedMessage } from "./decoded-message.ts";
import { decodeFacts } from "./engine/extensions.ts";
import type { GroupFacts } from "./engine/extensions.ts";
import { assertAttribute } from "./engine/limits.ts";
import { readPins, withPin } from "./engine/pins.ts";
import { mlsOf } from "./engine/send.ts";
import type { AdminAction } from "./engine/state.ts";
import { rosterOf } from "./engine/validate-commit.ts";
import { GroupMessageKind, GroupPermissionsOptions, metadataKeys } from "./enums.ts";
import type { MetadataField, PermissionUpdateType } from "./enums.ts";
import { ClientError } from "./errors.ts";
import { numberOf, optionNumber } from "./permission-options.ts";
import type { PermissionChoice, PermissionPolicySet } from "./permission-options.ts";
import { resolveInboxIds } from "./identifiers.ts";
import { viewMessages } from "./view-messages.ts";

export interface GroupPermissions {
  readonly policyType: GroupPermissionsOptions;
  readonly policySet: PermissionPolicySet;
}

/** A conversation of any number of people, with roles and policies. */
export class Group extends Conversation {
  get name(): string {
    return this.attribute("group_name");
  }
  get description(): string {
    return this.attribute("description");
  }
  get imageUrl(): string {
    return this.attribute("group_image_url_square");
  }
  get appData(): string {
    return this.attribute("app_data");
  }

  updateName(name: string): Promise<void> {
    return this.update("group_name", name);
  }
  updateDescription(description: string): Promise<void> {
    return this.update("description", description);
  }
  updateImageUrl(imageUrl: string): Promise<void> {
    return this.update("group_image_url_square", imageUrl);
  }
  updateAppData(appData: string): Promise<void> {
    return this.update("app_data", appData);
  }

  /** Adds inboxes; their installations without a usable key package are listed as failed (XGC-53). */
  async addMembers(inboxIds: readonly string[]): Promise<void> {
    await this.assertSize(inboxIds);
    await this.parts.engine.carryOut(this.cell, { kind: "membership", add: inboxIds, remove: [] });
  }
  async removeMembers(inboxIds: readonly string[]): Promise<void> {
    await this.parts.engine.carryOut(this.cell, { kind: "membership", add: [], remove: inboxIds });
  }
  async addMembersByIdentifiers(identifiers: readonly PublicIdentifier[]): Promise<void> {
    await this.addMembers(await this.inboxesOf(identifiers));
  }
  async removeMembersByIdentifiers(identifiers: readonly PublicIdentifier[]): Promise<void> {
    await this.removeMembers(await this.inboxesOf(identifiers));
  }

  /** Removes installations, by id in hex, and adds them again in one commit: for those that lost their keys (XGC-45). Super admins only. */
  async readdInstallations(installationIds: readonly string[]): Promise<void> {
    await this.parts.engine.carryOut(this.cell, { kind: "readd", installations: installationIds });
  }

  listAdmins(): readonly string[] {
    return this.cell.record.metadata.admins;
  }
  listSuperAdmins(): readonly string[] {
    return this.cell.record.metadata.superAdmins;
  }
  isAdmin(inboxId: string): boolean {
    return this.listAdmins().includes(inboxId);
  }
  isSuperAdmin(inboxId: string): boolean {
    return this.listSuperAdmins().includes(inboxId);
  }
  addAdmin(inboxId: string): Promise<void> {
    return this.changeAdmins("add-admin", inboxId);
  }
  removeAdmin(inboxId: string): Promise<void> {
    return this.changeAdmins("remove-admin", inboxId);
  }
  addSuperAdmin(inboxId: string): Promise<void> {
    return this.changeAdmins("add-super-admin", inboxId);
  }
  removeSuperAdmin(inboxId: string): Promise<void> {
    return this.changeAdmins("remove-super-admin", inboxId);
  }

  permissions(): GroupPermissions {
    const { policy } = this.cell.record;
    const options = policyOptions(policy);
    const types = {
      default: GroupPermissionsOptions.Default,
      "admin-only": GroupPermissionsOptions.AdminOnly,
      custom: GroupPermissionsOptions.CustomPolicy,
    } as const;
    return {
      policyType: types[detectPreset(policy)],
      policySet: {
        addMemberPolicy: numberOf(options.addMember),
        removeMemberPolicy: numberOf(options.removeMember),
        addAdminPolicy: numberOf(options.addAdmin),
        removeAdminPolicy: numberOf(options.removeAdmin),
        updateGroupNamePolicy: numberOf(options.updateGroupName),
        updateGroupDescriptionPolicy: numberOf(options.updateGroupDescription),
        updateGroupImageUrlSquarePolicy: numberOf(options.updateGroupImageUrlSquare),
        updateMessageDisappearingPolicy: numberOf(options.updateMessageDisappearing),
        updateAppDataPolicy: numberOf(options.updateAppData),
      },
    };
  }

  /**
   * Replaces one policy (XPM-14); super admins only (XPM-06). `UpdateMetadata` without a field sets all four public ones: name,
   * description, image and app data (§13).
   */
  async updatePermission(
    update: PermissionUpdateType,
    policy: PermissionChoice,
    field?: MetadataField,
  ): Promise<void> {
    await this.parts.engine.carryOut(this.cell, {
      kind: "permission",
      update,
      policy: optionNumber(policy),
      field: field === undefined ? undefined : metadataKeys[field],
    });
  }

  /** Whether an action would be allowed now, and every reason against it with its rule; nothing is sent. */
  async decide(asked: AskedAction): Promise<Decision> {
    const { policy, roster, action } = await this.rights((facts) => ({
      policy: facts.policy,
      roster: rosterOf(facts),
      action: actionOf(asked, facts, this.parts.context.inboxId),
    }));
    return decide({ policy, roster, action });
  }
  /** The same in sentences: one to show, and one per reason with its rule. */
  async explain(asked: AskedAction): Promise<Explanation> {
    return explain(await this.decide(asked));
  }
  /** Everything that one inbox may do now, for a screen of permissions; by default this client's own. */
  async whatMay(inboxId: string = this.parts.context.inboxId): Promise<Permissions> {
    return this.rights((facts) => whatMay(facts.policy, rosterOf(facts), inboxId as InboxId));
  }

  /** Hex ids of pinned messages, most recent pin first (§13). */
  pinnedMessageIds(): string[] {
    return readPins(this.appData);
  }
  /** The pinned messages that are stored here, most recent pin first. */
  async pinnedMessages(): Promise<DecodedMessage[]> {
    const { store } = this.parts.context.ports;
    const found = await Promise.all(this.pinnedMessageIds().map((id) => readMessage(store, id)));
    const rows = found.flatMap((row) => (row?.groupId === this.id ? [row] : []));
    return viewMessages(this.viewer, rows);
  }
  /**
   * Pins a message of this group for all, before those pinned already; of more than 50 the oldest go. Whoever may change the app data
   * may. Throws `client/not-found`, `client/app-data-in-use` where the app keeps something else there.
   */
  async pinMessage(id: string): Promise<void> {
    const row = await readMessage(this.parts.context.ports.store, id);
    if (row?.groupId !== this.id || row.kind !== GroupMessageKind.Application) {
      throw new ClientError("client/not-found", { messageId: id });
    }
    await this.setPin(id, true);
  }
  /** Takes a pin away. Nothing happens where there is none. */
  async unpinMessage(id: string): Promise<void> {
    if (this.pinnedMessageIds().includes(id)) await this.setPin(id, false);
  }

  /** XLV-01: asks to be taken out; a super admin's client does it. */
  async requestRemoval(): Promise<void> {
    if (this.isPendingRemoval()) return;
    const decision = await this.decide({ kind: "leave" });
    if (decision.kind === "denied") {
      const [first] = decision.reasons;
      throw new ClientError("client/leave-refused", { rule: first.rule, reason: first.text });
    }
    await this.sendContent(leaveRequestCodec, {});
  }
  isPendingRemoval(): boolean {
    return this.cell.record.membershipState === "pending-remove";
  }

  private async setPin(messageId: string, pinned: boolean): Promise<void> {
    // Refused here rather than after three attempts to build a commit.
    assertAttribute("app_data", withPin(this.appData, messageId, pinned));
    await this.parts.engine.carryOut(this.cell, { kind: "pin", messageId, pinned });
  }

  private rights<T>(work: (facts: GroupFacts) => T): Promise<T> {
    return this.read((state) => work(decodeFacts(mlsOf(state).context.extensions)));
  }

  private attribute(key: string): string {
    return this.cell.record.metadata.attributes.get(key) ?? "";
  }

  private async update(key: string, value: string): Promise<void> {
    assertAttribute(key, value);
    await this.setAttribute(key, value);
  }

  private async changeAdmins(action: AdminAction, inboxId: string): Promise<void> {
    await this.parts.engine.carryOut(this.cell, { kind: "admin-list", action, inboxId });
  }

  private inboxesOf(identifiers: readonly PublicIdentifier[]): Promise<string[]> {
    return resolveInboxIds(this.parts.context.api, identifiers.map(parseIdentifier));
  }

  /** XGC-56 */
  private async assertSize(adding: readonly string[]): Promise<void> {
    const { maxGroupSize } = this.parts.context;
    const members = await this.read(
      (state) => decodeFacts(mlsOf(state).context.extensions).membership.members,
    );
    const size = new Set([...members.keys(), ...adding]).size;
    if (size > maxGroupSize) {
      throw new ClientError("client/user-limit-exceeded", {
        rule: "XGC-56",
        limit: maxGroupSize,
        size,
      });
    }
  }
}
