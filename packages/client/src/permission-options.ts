import { OPTION_NAMES, parseOption } from "@coterie/policy";
import type { MemberBase, OptionName } from "@coterie/policy";
import type { PermissionPolicy } from "./enums.ts";

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

/**
 * A permission option: a number of {@link PermissionPolicy}, or its name. "creator-only" is another word for "super-admin": the
 * creator is the first of them (§13).
 */
export type PermissionChoice = PermissionPolicy | MemberBase | "creator-only";

/** The nine policies of a custom group. */
export type PermissionChoices = {
  readonly [Name in keyof PermissionPolicySet]: PermissionChoice;
};

/** The number that apps read for a policy (XPM-13). */
export function numberOf(option: OptionName): PermissionPolicy {
  return OPTION_NAMES.indexOf(option) as PermissionPolicy;
}

/** The number of an option. Throws `policy/unspecified`, `policy/unknown-value`. */
export function optionNumber(choice: PermissionChoice): PermissionPolicy {
  return numberOf(parseOption(choice));
}
