import { unreachable } from "@coterie/base";
import type { AdminBase, Condition, MemberBase } from "./condition.ts";
import type { PolicySet } from "./policy.ts";
import { readPolicySet } from "./parse.ts";
import type { Node, Spelling } from "./parse.ts";

/** The protobuf message of one policy (MembershipPolicy, MetadataPolicy or PermissionsUpdatePolicy), as plain data. */
export type PolicyMessage =
  | { readonly kind: "base"; readonly value: number }
  | {
      readonly kind: "andCondition" | "anyCondition";
      readonly value: { readonly policies: readonly PolicyMessage[] };
    };

/** The protobuf message PolicySet as plain data, with the property names that its schema gives. */
export interface PolicySetMessage {
  readonly addMemberPolicy: PolicyMessage;
  readonly removeMemberPolicy: PolicyMessage;
  readonly updateMetadataPolicy: ReadonlyMap<string, PolicyMessage>;
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
 * Reads a decoded PolicySet message, whose oneofs the codec has already resolved to their last member. Throws
 * {@link PolicyError}, which makes the permissions of the group undecodable (XPM-02, XPM-03).
 */
export function policySetFromMessage(input: unknown): PolicySet {
  return readPolicySet(input, message);
}

/** The PolicySet message of a set, ready to be encoded. */
export function policySetToMessage(policy: PolicySet): PolicySetMessage {
  return {
    addMemberPolicy: write(policy.addMember, memberWire),
    removeMemberPolicy: write(policy.removeMember, memberWire),
    updateMetadataPolicy: new Map(
      [...policy.metadata].map(([field, condition]) => [field, write(condition, memberWire)]),
    ),
    addAdminPolicy: write(policy.addAdmin, adminWire),
    removeAdminPolicy: write(policy.removeAdmin, adminWire),
    updatePermissionsPolicy: write(policy.updatePermissions, adminWire),
  };
}

function write<Base extends MemberBase>(
  condition: Condition<Base>,
  wire: readonly (Base | undefined)[],
): PolicyMessage {
  if (typeof condition === "string") return { kind: "base", value: wire.indexOf(condition) };
  const value = { policies: condition.of.map((part) => write(part, wire)) };
  switch (condition.kind) {
    case "and":
      return { kind: "andCondition", value };
    case "any":
      return { kind: "anyCondition", value };
    default:
      return unreachable(condition.kind);
  }
}

function classify(input: unknown): Node | undefined {
  if (typeof input !== "object" || input === null) return undefined;
  const { kind, value } = input as { readonly kind?: unknown; readonly value?: unknown };
  switch (kind) {
    case "base":
      return { kind: "base", value };
    case "andCondition":
      return { kind: "and", of: policiesOf(value) };
    case "anyCondition":
      return { kind: "any", of: policiesOf(value) };
    default:
      return undefined;
  }
}

function policiesOf(condition: unknown): unknown {
  return typeof condition === "object" && condition !== null
    ? (condition as { readonly policies?: unknown }).policies
    : undefined;
}
