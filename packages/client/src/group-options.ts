import { METADATA_FIELDS, adminOnlyPolicy, customPolicySet, defaultPolicy } from "@coterie/policy";
import type { OptionInput, PolicySet } from "@coterie/policy";
import { disappearFromKey, disappearInKey } from "./engine/expiry.ts";
import type { DisappearingSettings } from "./engine/expiry.ts";
import { GroupPermissionsOptions } from "./enums.ts";
import { ClientError } from "./errors.ts";
import type { PermissionChoice, PermissionChoices } from "./permission-options.ts";

export interface CreateGroupOptions {
  readonly permissions?: GroupPermissionsOptions | "creator-only" | undefined;
  /** Needed with, and only with, CustomPolicy. */
  readonly customPermissionPolicySet?: PermissionChoices | undefined;
  readonly groupName?: string | undefined;
  readonly groupDescription?: string | undefined;
  readonly groupImageUrlSquare?: string | undefined;
  readonly appData?: string | undefined;
  readonly messageDisappearingSettings?: DisappearingSettings | undefined;
}

/** The policy set that the options ask for. Throws `client/bad-argument` or a PolicyError. */
export function policyFor(options: CreateGroupOptions): PolicySet {
  const { permissions, customPermissionPolicySet: custom } = options;
  if (custom !== undefined && permissions !== GroupPermissionsOptions.CustomPolicy) {
    throw new ClientError("client/bad-argument", { argument: "customPermissionPolicySet" });
  }
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
      // Numbers 4 and 5 are answers only; the policy package refuses them, and Allow for admins (XPM-13).
      const option = (choice: PermissionChoice): OptionInput => choice as OptionInput;
      return customPolicySet({
        addMember: option(custom.addMemberPolicy),
        removeMember: option(custom.removeMemberPolicy),
        addAdmin: option(custom.addAdminPolicy),
        removeAdmin: option(custom.removeAdminPolicy),
        updateGroupName: option(custom.updateGroupNamePolicy),
        updateGroupDescription: option(custom.updateGroupDescriptionPolicy),
        updateGroupImageUrlSquare: option(custom.updateGroupImageUrlSquarePolicy),
        updateMessageDisappearing: option(custom.updateMessageDisappearingPolicy),
        updateAppData: option(custom.updateAppDataPolicy),
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
