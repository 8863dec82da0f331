import { METADATA_FIELDS, adminOnlyPolicy, customPolicySet, defaultPolicy } from "@coterie/policy";
import type { PolicySet } from "@coterie/policy";
import { disappearFromKey, disappearInKey } from "./engine/expiry.ts";
import type { DisappearingSettings } from "./engine/expiry.ts";
import { GroupPermissionsOptions } from "./enums.ts";
import { ClientError } from "./errors.ts";
import type { PermissionPolicySet } from "./group.ts";

export interface CreateGroupOptions {
  readonly permissions?: GroupPermissionsOptions | "creator-only" | undefined;
  /** Needed with, and only with, CustomPolicy. */
  readonly customPermissionPolicySet?: PermissionPolicySet | undefined;
  readonly groupName?: string | undefined;
  readonly groupDescription?: string | undefined;
  readonly groupImageUrlSquare?: string | undefined;
  readonly appData?: string | undefined;
  readonly messageDisappearingSettings?: DisappearingSettings | undefined;
}

/** The policy set that the options ask for. Throws `client/bad-argument` or a PolicyError. */
export function policyFor(options: CreateGroupOptions): PolicySet {
  const { permissions, customPermissionPolicySet: custom } = options;
  switch (permissions) {
    case undefined:
    case GroupPermissionsOptions.Default:
      return defaultPolicy;
    case GroupPermissionsOptions.AdminOnly:
    case "creator-only":
      return permissions === "creator-only" ? creatorOnly() : adminOnlyPolicy;
    case GroupPermissionsOptions.CustomPolicy: {
      if (!custom) {
        throw new ClientError("client/bad-argument", { argument: "customPermissionPolicySet" });
      }
      type Option = 0 | 1 | 2 | 3;
      return customPolicySet({
        addMember: custom.addMemberPolicy as Option,
        removeMember: custom.removeMemberPolicy as Option,
        addAdmin: custom.addAdminPolicy as Option,
        removeAdmin: custom.removeAdminPolicy as Option,
        updateGroupName: custom.updateGroupNamePolicy as Option,
        updateGroupDescription: custom.updateGroupDescriptionPolicy as Option,
        updateGroupImageUrlSquare: custom.updateGroupImageUrlSquarePolicy as Option,
        updateMessageDisappearing: custom.updateMessageDisappearingPolicy as Option,
        updateAppData: custom.updateAppDataPolicy as Option,
      });
    }
    default:
      throw new ClientError("client/bad-argument", { argument: "permissions" });
  }
}

/** §13: an older name for "super admins only", of whom the creator is the first. */
function creatorOnly(): PolicySet {
  return customPolicySet({
    addMember: "super-admin",
    removeMember: "super-admin",
    addAdmin: "super-admin",
    removeAdmin: "super-admin",
    updateMetadata: "super-admin",
    updateMessageDisappearing: "super-admin",
  });
}

/** XGC-32 */
export function attributesFor(options: CreateGroupOptions): Map<string, string> {
  const attributes = new Map<string, string>([
    [METADATA_FIELDS.name, options.groupName ?? ""],
    [METADATA_FIELDS.description, options.groupDescription ?? ""],
    [METADATA_FIELDS.imageUrl, options.groupImageUrlSquare ?? ""],
    [METADATA_FIELDS.appData, options.appData ?? ""],
  ]);
  const settings = options.messageDisappearingSettings;
  if (settings) {
    attributes.set(disappearFromKey, settings.fromNs.toString());
    attributes.set(disappearInKey, settings.inNs.toString());
  }
  return attributes;
}
