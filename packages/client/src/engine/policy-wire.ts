import { policySetFromMessage, policySetToMessage } from "@coterie/policy";
import type { PolicyMessage, PolicySet } from "@coterie/policy";
import type { PolicySet as WirePolicySet } from "@coterie/wire";

/** One policy of any of the three wire types: they differ in the numbers of their base values alone. */
type WirePolicy =
  | { readonly kind: "base"; readonly value: number }
  | {
      readonly kind: "andCondition" | "anyCondition";
      readonly value: { readonly policies: readonly WirePolicy[] };
    }
  | { readonly kind: "unset" };

function fromWire(policy: WirePolicy | undefined): unknown {
  if (policy === undefined || policy.kind === "unset") return policy;
  if (policy.kind === "base") return { base: policy.value };
  return { [policy.kind]: { policies: policy.value.policies.map(fromWire) } };
}

function toWire(message: PolicyMessage): WirePolicy {
  if ("base" in message) return { kind: "base", value: message.base };
  return "andCondition" in message
    ? { kind: "andCondition", value: { policies: message.andCondition.policies.map(toWire) } }
    : { kind: "anyCondition", value: { policies: message.anyCondition.policies.map(toWire) } };
}

/** Reads a decoded policy set; throws a PolicyError where it cannot be read as a whole (XPM-02, XPM-03). */
export function policyFromWire(message: WirePolicySet | undefined): PolicySet {
  if (!message) return policySetFromMessage(undefined);
  return policySetFromMessage({
    addMemberPolicy: fromWire(message.addMemberPolicy),
    removeMemberPolicy: fromWire(message.removeMemberPolicy),
    updateMetadataPolicy: new Map(
      [...message.updateMetadataPolicy].map(([key, policy]) => [key, fromWire(policy)]),
    ),
    addAdminPolicy: fromWire(message.addAdminPolicy),
    removeAdminPolicy: fromWire(message.removeAdminPolicy),
    updatePermissionsPolicy: fromWire(message.updatePermissionsPolicy),
  });
}

/** The message of a policy set. */
export function policyToWire(policy: PolicySet): WirePolicySet {
  const message = policySetToMessage(policy);
  return {
    addMemberPolicy: toWire(message.addMemberPolicy),
    removeMemberPolicy: toWire(message.removeMemberPolicy),
    updateMetadataPolicy: new Map(
      Object.entries(message.updateMetadataPolicy).map(([key, value]) => [key, toWire(value)]),
    ),
    addAdminPolicy: toWire(message.addAdminPolicy),
    removeAdminPolicy: toWire(message.removeAdminPolicy),
    updatePermissionsPolicy: toWire(message.updatePermissionsPolicy),
  };
}
