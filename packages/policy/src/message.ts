import { unreachable } from "@coterie/base";
import type { AdminBase, Condition, MemberBase } from "./condition.ts";
import type { PolicySet } from "./policy.ts";
import { readPolicySet } from "./parse.ts";
import type { Node, Spelling } from "./parse.ts";

/** The protobuf message of one policy (MembershipPolicy, MetadataPolicy or PermissionsUpdatePolicy), as plain data. */
export type PolicyMessage =
  | { readonly base: number }
  | { readonly andCondition: { readonly policies: readonly PolicyMessage[] } }
  | { readonly anyCondition: { readonly policies: readonly PolicyMessage[] } };

/** The protobuf message PolicySet as plain data, with the property names that its schema gives. */
export interface PolicySetMessage {
  readonly addMemberPolicy: PolicyMessage;
  readonly removeMemberPolicy: PolicyMessage;
  readonly updateMetadataPolicy: Readonly<Record<string, PolicyMessage>>;
  readonly addAdminPolicy: PolicyMessage;
  readonly removeAdminPolicy: PolicyMessage;
  readonly updatePermissionsPolicy: PolicyMessage;
}

// Position = wire value; 0 is UNSPECIFIED and means an unreadable set (XPM-02). The two enums number differently.
const memberWire: readonly (MemberBase | undefined)[] = [
  undefined,
  "allow",
  "deny",
  "admin",
  "super-admin",
];
const adminWire: readonly (AdminBase | undefined)[] = [undefined, "deny", "admin", "super-admin"];

const message: Spelling = {
  names: {
    addMember: "addMemberPolicy",
    removeMember: "removeMemberPolicy",
    metadata: "updateMetadataPolicy",
    addAdmin: "addAdminPolicy",
    removeAdmin: "removeAdminPolicy",
    updatePermissions: "updatePermissionsPolicy",
  },
  classify,
  memberBase: (value) => (typeof value === "number" ? memberWire[value] : undefined),
  adminBase: (value) => (typeof value === "number" ? adminWire[value] : undefined),
};

/**
 * Reads a decoded PolicySet message. A policy with several members of its `kind` set is read by what its `kind` property
 * names, else refused. Throws {@link PolicyError}, which makes the permissions of the group undecodable (XPM-02, XPM-03).
 */
export function policySetFromMessage(input: unknown): PolicySet {
  return readPolicySet(input, message);
}

/** The PolicySet message of a set, ready for any protobuf encoder. */
export function policySetToMessage(policy: PolicySet): PolicySetMessage {
  // Without a prototype, so that no metadata key can reach one.
  const metadata = Object.create(null) as Record<string, PolicyMessage>;
  for (const [field, condition] of policy.metadata) metadata[field] = write(condition, memberWire);
  return {
    addMemberPolicy: write(policy.addMember, memberWire),
    removeMemberPolicy: write(policy.removeMember, memberWire),
    updateMetadataPolicy: metadata,
    addAdminPolicy: write(policy.addAdmin, adminWire),
    removeAdminPolicy: write(policy.removeAdmin, adminWire),
    updatePermissionsPolicy: write(policy.updatePermissions, adminWire),
  };
}

function write<Base extends MemberBase>(
  condition: Condition<Base>,
  wire: readonly (Base | undefined)[],
): PolicyMessage {
  if (typeof condition === "string") return { base: wire.indexOf(condition) };
  const policies = condition.of.map((part) => write(part, wire));
  switch (condition.kind) {
    case "and":
      return { andCondition: { policies } };
    case "any":
      return { anyCondition: { policies } };
    default:
      return unreachable(condition.kind);
  }
}

interface LooseMessage {
  readonly kind?: unknown;
  readonly base?: unknown;
  readonly andCondition?: unknown;
  readonly anyCondition?: unknown;
}

function classify(input: unknown): Node | undefined {
  if (typeof input !== "object" || input === null) return undefined;
  const loose = input as LooseMessage;
  const set = (["base", "andCondition", "anyCondition"] as const).filter(
    (name) => loose[name] !== undefined && loose[name] !== null,
  );
  const chosen = set.length === 1 ? set[0] : set.find((name) => name === loose.kind);
  switch (chosen) {
    case "base":
      return { kind: "base", value: loose.base };
    case "andCondition":
      return { kind: "and", of: policiesOf(loose.andCondition) };
    case "anyCondition":
      return { kind: "any", of: policiesOf(loose.anyCondition) };
    case undefined:
      return undefined;
    default:
      return unreachable(chosen);
  }
}

function policiesOf(condition: unknown): unknown {
  return typeof condition === "object" && condition !== null
    ? // A list that was never set is an empty one.
      ((condition as { policies?: unknown }).policies ?? [])
    : condition;
}
