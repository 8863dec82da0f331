export { decide } from "./decide.ts";
export type { DecideInput } from "./decide.ts";
export { judgeChange } from "./judge.ts";
export type { JudgeInput } from "./judge.ts";
export { apply } from "./apply.ts";
export type { Applied, GroupRights } from "./apply.ts";
export { explain } from "./explain.ts";
export type { Explanation } from "./explain.ts";
export { whatMay } from "./what-may.ts";
export type { Permission, Permissions } from "./what-may.ts";

export { changeOf, noChange } from "./action.ts";
export type { Action, Change } from "./action.ts";
export { RULES } from "./rules.ts";
export type { Decision, Reason, RuleId } from "./rules.ts";
export { createRoster, roleOf } from "./roster.ts";
export type { DmMembers, Role, Roster, RosterInput } from "./roster.ts";

export { metadataPolicy, samePolicySet } from "./policy.ts";
export type { PolicySet } from "./policy.ts";
export { adminOnlyPolicy, defaultPolicy, detectPreset, dmMismatches, dmPolicy } from "./presets.ts";
export type { PresetName, SingularPolicy } from "./presets.ts";
export {
  OPTION_NAMES,
  changePolicy,
  customPolicySet,
  parseOption,
  policyOptions,
} from "./options.ts";
export type {
  CustomOptions,
  OptionInput,
  OptionName,
  PolicyChange,
  PolicyOptions,
} from "./options.ts";
export { METADATA_FIELDS, PUBLIC_FIELDS, SUPER_ADMIN_FIELD_PREFIX } from "./fields.ts";
export { describeCondition, holds, sameCondition } from "./condition.ts";
export type { AdminBase, AdminPolicy, Condition, MemberBase, MemberPolicy } from "./condition.ts";

export { POLICY_LIMITS, parsePolicySet } from "./parse.ts";
export { policySetFromMessage, policySetToMessage } from "./message.ts";
export type { PolicyMessage, PolicySetMessage } from "./message.ts";
export { PolicyError } from "./errors.ts";
export type { PolicyErrorCode } from "./errors.ts";
