import { unreachable } from "@coterie/base";
import type { AdminBase, AdminPolicy, MemberBase, MemberPolicy } from "./condition.ts";
import { PolicyError } from "./errors.ts";
import { METADATA_FIELDS, PUBLIC_FIELDS } from "./fields.ts";
import type { PolicySet } from "./policy.ts";

/**
 * A permission option as apps may give it: the names of this package, "creator-only" as another word for "super-admin"
 * (section 13), or the SDK's numbers 0 Allow, 1 Deny, 2 Admin, 3 SuperAdmin (XPM-13).
 */
export type OptionInput = MemberBase | "creator-only" | 0 | 1 | 2 | 3;

/** A policy as apps read it: a base value, absent, or conditions that have no option (SDK numbers 0 to 5 in this order). */
export type OptionName = MemberBase | "does-not-exist" | "other";

/** Options in the order of the SDK's PermissionPolicy enum (XPM-13). */
export const OPTION_NAMES: readonly OptionName[] = [
  "allow",
  "deny",
  "admin",
  "super-admin",
  "does-not-exist",
  "other",
];

/** The nine permissions of a custom group, by the SDK's names without the ending "Policy" (XPM-12). */
export interface CustomOptions {
  readonly addMember: OptionInput;
  readonly removeMember: OptionInput;
  /** Never "allow" (XPM-13). */
  readonly addAdmin: OptionInput;
  /** Never "allow" (XPM-13). */
  readonly removeAdmin: OptionInput;
  readonly updateMessageDisappearing: OptionInput;
  /** Stands for each of the four fields below that is not given. */
  readonly updateMetadata?: OptionInput | undefined;
  readonly updateGroupName?: OptionInput | undefined;
  readonly updateGroupDescription?: OptionInput | undefined;
  readonly updateGroupImageUrlSquare?: OptionInput | undefined;
  readonly updateAppData?: OptionInput | undefined;
}

/** A policy set read back as options, for showing (XPM-13). */
export interface PolicyOptions {
  readonly addMember: OptionName;
  readonly removeMember: OptionName;
  readonly addAdmin: OptionName;
  readonly removeAdmin: OptionName;
  readonly updateGroupName: OptionName;
  readonly updateGroupDescription: OptionName;
  readonly updateGroupImageUrlSquare: OptionName;
  readonly updateMessageDisappearing: OptionName;
  readonly updateAppData: OptionName;
}

/** One policy to be replaced (XPM-14). Without a field, "update-metadata" sets all four public fields (section 13). */
export type PolicyChange =
  | {
      readonly permission: "add-member" | "remove-member" | "add-admin" | "remove-admin";
      readonly option: OptionInput;
    }
  | {
      readonly permission: "update-metadata";
      readonly field?: string | undefined;
      readonly option: OptionInput;
    };

/** Reads an option. Throws `policy/unspecified` and `policy/unknown-value`. */
export function parseOption(input: unknown, at = "option"): MemberBase {
  switch (input) {
    case "allow":
    case 0:
      return "allow";
    case "deny":
    case 1:
      return "deny";
    case "admin":
    case 2:
      return "admin";
    case "super-admin":
    case "creator-only":
    case 3:
      return "super-admin";
    case "unspecified":
      throw new PolicyError("policy/unspecified", { at }, "fix-caller");
    case undefined:
      throw new PolicyError("policy/missing", { at }, "fix-caller");
    default:
      throw new PolicyError("policy/unknown-value", { at, rule: "XPM-13" }, "fix-caller");
  }
}

/**
 * The set of a new group with custom permissions (XPM-12): five metadata keys, permissions changed by super admins.
 * Throws `policy/allow-refused` where admins would be made or unmade by everybody (XPM-13), `policy/missing`, `policy/unspecified`,
 * `policy/unknown-value`.
 */
export function customPolicySet(options: CustomOptions): PolicySet {
  const plain = options.updateMetadata;
  const metadata: readonly (readonly [string, string, unknown])[] = [
    [METADATA_FIELDS.name, "updateGroupName", options.updateGroupName ?? plain],
    [
      METADATA_FIELDS.description,
      "updateGroupDescription",
      options.updateGroupDescription ?? plain,
    ],
    [
      METADATA_FIELDS.imageUrl,
      "updateGroupImageUrlSquare",
      options.updateGroupImageUrlSquare ?? plain,
    ],
    [METADATA_FIELDS.disappearIn, "updateMessageDisappearing", options.updateMessageDisappearing],
    [METADATA_FIELDS.appData, "updateAppData", options.updateAppData ?? plain],
  ];
  return {
    addMember: parseOption(options.addMember, "addMember"),
    removeMember: parseOption(options.removeMember, "removeMember"),
    metadata: new Map(metadata.map(([field, at, option]) => [field, parseOption(option, at)])),
    addAdmin: adminOption(options.addAdmin, "addAdmin"),
    removeAdmin: adminOption(options.removeAdmin, "removeAdmin"),
    updatePermissions: "super-admin",
  };
}

/** Reads a set back as the options an app shows. Several fields of one word are not merged: each has its own policy. */
export function policyOptions(policy: PolicySet): PolicyOptions {
  const field = (name: string): OptionName => optionOf(policy.metadata.get(name));
  return {
    addMember: optionOf(policy.addMember),
    removeMember: optionOf(policy.removeMember),
    addAdmin: optionOf(policy.addAdmin),
    removeAdmin: optionOf(policy.removeAdmin),
    updateGroupName: field(METADATA_FIELDS.name),
    updateGroupDescription: field(METADATA_FIELDS.description),
    updateGroupImageUrlSquare: field(METADATA_FIELDS.imageUrl),
    updateMessageDisappearing: field(METADATA_FIELDS.disappearIn),
    updateAppData: field(METADATA_FIELDS.appData),
  };
}

/** The set with one policy replaced (XPM-14). "allow" for admins becomes "super-admin", as released clients write it (XPM-13). */
export function changePolicy(policy: PolicySet, change: PolicyChange): PolicySet {
  const option = parseOption(change.option);
  const forAdmins: AdminBase = option === "allow" ? "super-admin" : option;
  switch (change.permission) {
    case "add-member":
      return { ...policy, addMember: option };
    case "remove-member":
      return { ...policy, removeMember: option };
    case "add-admin":
      return { ...policy, addAdmin: forAdmins };
    case "remove-admin":
      return { ...policy, removeAdmin: forAdmins };
    case "update-metadata": {
      const metadata = new Map(policy.metadata);
      const fields = change.field === undefined ? PUBLIC_FIELDS : [change.field];
      for (const field of fields) metadata.set(field, option);
      return { ...policy, metadata };
    }
    default:
      return unreachable(change);
  }
}

function adminOption(input: unknown, at: string): AdminBase {
  const option = parseOption(input, at);
  // XPM-13: the wire has no "allow" here, and creation does not guess what was meant.
  if (option === "allow") {
    throw new PolicyError("policy/allow-refused", { at, rule: "XPM-13" }, "fix-caller");
  }
  return option;
}

function optionOf(policy: MemberPolicy | AdminPolicy | undefined): OptionName {
  if (policy === undefined) return "does-not-exist";
  return typeof policy === "string" ? policy : "other";
}
