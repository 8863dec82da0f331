import { OPTION_NAMES, decide, detectPreset, policyOptions } from "@coterie/policy";
import type { Action, Decision, OptionName } from "@coterie/policy";
import { parseIdentifier } from "@coterie/identity";
import type { PublicIdentifier } from "@coterie/identity";
import { leaveRequestCodec } from "./content/group-messages.ts";
import { Conversation } from "./conversation.ts";
import { decodeFacts } from "./engine/extensions.ts";
import { assertAttribute } from "./engine/limits.ts";
import { mlsOf } from "./engine/send.ts";
import type { AdminAction } from "./engine/state.ts";
import { rosterOf } from "./engine/validate-commit.ts";
import { GroupPermissionsOptions, PermissionUpdateType, metadataKeys } from "./enums.ts";
import type { MetadataField, PermissionPolicy } from "./enums.ts";
import { ClientError } from "./errors.ts";
import { resolveInboxIds } from "./identifiers.ts";

/** The nine policies as numbers of {@link PermissionPolicy} (XPM-13). */
export interface PermissionPolicySet {
  readonly addMemberPolicy: PermissionPolicy;
  readonly removeMemberPolicy: PermissionPolicy;
  readonly addAdminPolicy: PermissionPolicy;
  readonly removeAdminPolicy: PermissionPolicy;
  readonly updateGroupNamePolicy: PermissionPolicy;
  readonly updateGroupDescriptionPolicy: PermissionPolicy;
  readonly updateGroupImageUrlSquarePolicy: PermissionPolicy;
  readonly updateMessageDisappearingPolicy: PermissionPolicy;
  readonly updateAppDataPolicy: PermissionPolicy;
}

export interface GroupPermissions {
  readonly policyType: GroupPermissionsOptions;
  readonly policySet: PermissionPolicySet;
}

function numberOf(option: OptionName): PermissionPolicy {
  return OPTION_NAMES.indexOf(option) as PermissionPolicy;
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

  /** Replaces one policy (XPM-14); super admins only (XPM-06). `field` is needed for metadata. */
  async updatePermission(
    update: PermissionUpdateType,
    policy: PermissionPolicy,
    field?: MetadataField,
  ): Promise<void> {
    if (update === PermissionUpdateType.UpdateMetadata && field === undefined) {
      throw new ClientError("client/bad-argument", { rule: "XPM-14", argument: "field" });
    }
    await this.parts.engine.carryOut(this.cell, {
      kind: "permission",
      update,
      policy,
      field: field === undefined ? undefined : metadataKeys[field],
    });
  }

  /** Whether an action would be allowed now, and every reason against it; nothing is sent. */
  async decide(action: Action): Promise<Decision> {
    return this.read((state) => {
      const facts = decodeFacts(mlsOf(state).context.extensions);
      return decide({ policy: facts.policy, roster: rosterOf(facts), action });
    });
  }

  /** XLV-01: asks to be taken out; a super admin's client does it. */
  async requestRemoval(): Promise<void> {
    if (this.isPendingRemoval()) return;
    const decision = await this.decide({ kind: "leave", actor: this.parts.context.inboxId });
    if (decision.kind === "denied") {
      const [first] = decision.reasons;
      throw new ClientError("client/leave-refused", { rule: first.rule, reason: first.text });
    }
    await this.sendContent(leaveRequestCodec, {});
  }
  isPendingRemoval(): boolean {
    return this.cell.record.membershipState === "pending-remove";
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
