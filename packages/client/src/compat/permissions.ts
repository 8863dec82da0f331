import { parseOption } from "@coterie/policy";
import { PermissionUpdateType } from "../enums.ts";
import type { MetadataField } from "../enums.ts";
import { ClientError } from "../errors.ts";
import type { Group } from "../group.ts";
import type { PermissionChoice } from "../permission-options.ts";

/** The six permissions of a group by their older names. */
export type PermissionName =
  | "Add Member"
  | "Remove Member"
  | "Update Metadata"
  | "Add Admin"
  | "Remove Admin"
  | "Update Permissions";

/** The settings of a permission by their older names. "Unspecified" is refused (§13). */
export type PermissionOptionName =
  | "Unspecified"
  | "Allow"
  | "Deny"
  | "Creator Only"
  | "Allow if Admin or Super Admin"
  | "Allow if Super Admin";

const choices: Readonly<Record<PermissionOptionName, PermissionChoice | "unspecified">> = {
  Unspecified: "unspecified",
  Allow: "allow",
  Deny: "deny",
  "Creator Only": "creator-only",
  "Allow if Admin or Super Admin": "admin",
  "Allow if Super Admin": "super-admin",
};

const updates: Readonly<
  Record<Exclude<PermissionName, "Update Permissions">, PermissionUpdateType>
> = {
  "Add Member": PermissionUpdateType.AddMember,
  "Remove Member": PermissionUpdateType.RemoveMember,
  "Update Metadata": PermissionUpdateType.UpdateMetadata,
  "Add Admin": PermissionUpdateType.AddAdmin,
  "Remove Admin": PermissionUpdateType.RemoveAdmin,
};

/**
 * Sets one of the six permissions. "Update Metadata" sets all four public fields unless one is named. "Update Permissions" is for super
 * admins whatever anybody sets (XPM-06): asked for that, nothing happens; for anything else it throws `client/unsupported`.
 */
export async function updatePermissionByName(
  group: Group,
  permission: PermissionName,
  option: PermissionOptionName,
  field?: MetadataField,
): Promise<void> {
  const wanted = parseOption(Object.hasOwn(choices, option) ? choices[option] : option);
  if (permission === "Update Permissions") {
    if (wanted === "super-admin") return;
    throw new ClientError("client/unsupported", { rule: "XPM-06", permission });
  }
  const update = Object.hasOwn(updates, permission) ? updates[permission] : undefined;
  if (update === undefined)
    throw new ClientError("client/bad-argument", { argument: "permission" });
  // XPM-13: the wire has no Allow for these; by this name nobody would expect super admins instead.
  const admins =
    update === PermissionUpdateType.AddAdmin || update === PermissionUpdateType.RemoveAdmin;
  if (admins && wanted === "allow") {
    throw new ClientError("client/unsupported", { rule: "XPM-13", permission });
  }
  await group.updatePermission(update, wanted, field);
}
