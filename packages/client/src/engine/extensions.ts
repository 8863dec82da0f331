import { concat, equal, fromHex, toHex } from "@coterie/base";
import type { Extension } from "@coterie/mls";
import { policySetFromMessage, policySetToMessage } from "@coterie/policy";
import type { PolicySet } from "@coterie/policy";
import {
  GroupMembership,
  GroupMetadataV1,
  GroupMutableMetadataV1,
  GroupMutablePermissionsV1,
} from "@coterie/wire";
import { ClientError } from "../errors.ts";
import type { Membership } from "./membership.ts";
import type { ConversationKind, MutableMetadata } from "./state.ts";
import { encodeU16List, encodeVl, readVl } from "./vl.ts";

/** Extension types of the profile (§4.1 to §4.3). Look them up by type, never by position (trap 12). */
export const extensionType = {
  applicationId: 1,
  requiredCapabilities: 3,
  lastResort: 10,
  immutableMetadata: 0xf000,
  mutableMetadata: 0xff00,
  membership: 0xff01,
  permissions: 0xff02,
  welcomeWrapper: 0xff03,
  pointeeAead: 0xff04,
  /** Proposal mode of 1.10 and of 1.11 (XGC-60, XGC-61). */
  proposalSupport: 0xff05,
  appDataDictionary: 6,
} as const;

export interface ImmutableMetadata {
  readonly conversationType: ConversationKind;
  readonly creatorInboxId: string;
  readonly dmMembers?: readonly [string, string] | undefined;
  /** What a one-shot group carries (XWL-16, XIN-44). */
  readonly readdRequest?: ReaddRequest | undefined;
}

/** A forked installation asks to be added to a group again (XIN-44). */
export interface ReaddRequest {
  readonly groupId: string;
  readonly latestCommitSequenceId: bigint;
}

const kinds: readonly (ConversationKind | undefined)[] = [
  undefined,
  "group",
  "dm",
  "sync",
  "oneshot",
];

function bad(rule: string, type: number, cause?: unknown): ClientError {
  return new ClientError("client/bad-group-context", { rule, extension: type }, { cause });
}

function decodeWith<T>(rule: string, type: number, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw bad(rule, type, cause);
  }
}

/** The data of the extension of one type, or undefined. */
export function findExtension(
  extensions: readonly Extension[],
  type: number,
): Uint8Array | undefined {
  return extensions.find((extension) => extension.type === type)?.data;
}

/** XGC-35: the whole list again, the given ones changed in place (or added last), all others byte for byte. */
export function replaceExtensions(
  extensions: readonly Extension[],
  changed: readonly Extension[],
): Extension[] {
  const out = extensions.map(
    (extension) => changed.find((other) => other.type === extension.type) ?? extension,
  );
  return [
    ...out,
    ...changed.filter((extension) => !extensions.some((other) => other.type === extension.type)),
  ];
}

/** XGC-20: the one extension with an inner length prefix (trap 1). */
export function encodeImmutableMetadata(value: ImmutableMetadata): Extension {
  const message = GroupMetadataV1.encode({
    conversationType: kinds.indexOf(value.conversationType),
    creatorAccountAddress: "",
    creatorInboxId: value.creatorInboxId,
    dmMembers: value.dmMembers && {
      dmMemberOne: { inboxId: value.dmMembers[0] },
      dmMemberTwo: { inboxId: value.dmMembers[1] },
    },
    oneshotMessage: value.readdRequest && {
      kind: "readdRequest",
      value: {
        groupId: fromHex(value.readdRequest.groupId),
        latestCommitSequenceId: value.readdRequest.latestCommitSequenceId,
      },
    },
  });
  return { type: extensionType.immutableMetadata, data: encodeVl(message) };
}

/** Reads 0xf000; throws `client/bad-group-context` (XGC-36). */
export function decodeImmutableMetadata(data: Uint8Array | undefined): ImmutableMetadata {
  const type = extensionType.immutableMetadata;
  const inner = data && readVl(data);
  if (!data || !inner || inner.end !== data.length) throw bad("XGC-20", type);
  const message = decodeWith("XGC-20", type, () => GroupMetadataV1.decode(inner.data));
  const conversationType = kinds[message.conversationType];
  if (!conversationType) throw bad("XGC-20", type);
  const one = message.dmMembers?.dmMemberOne?.inboxId;
  const two = message.dmMembers?.dmMemberTwo?.inboxId;
  return {
    conversationType,
    creatorInboxId: message.creatorInboxId,
    ...(one && two ? { dmMembers: [one, two] as const } : {}),
    ...(message.oneshotMessage?.kind === "readdRequest"
      ? { readdRequest: readdRequestOf(message.oneshotMessage.value) }
      : {}),
  };
}

function readdRequestOf(value: {
  readonly groupId: Uint8Array;
  readonly latestCommitSequenceId: bigint;
}): ReaddRequest {
  return {
    groupId: toHex(value.groupId),
    latestCommitSequenceId: value.latestCommitSequenceId,
  };
}

/** XGC-21: both lists are written even when empty (trap 11). */
export function encodeMutableMetadata(value: MutableMetadata): Extension {
  const data = GroupMutableMetadataV1.encode({
    attributes: value.attributes,
    adminList: { inboxIds: [...value.admins] },
    superAdminList: { inboxIds: [...value.superAdmins] },
  });
  return { type: extensionType.mutableMetadata, data };
}

/** Reads 0xff00; throws `client/bad-group-context`, also where a list is absent (XGC-21). */
export function decodeMutableMetadata(data: Uint8Array | undefined): MutableMetadata {
  const type = extensionType.mutableMetadata;
  if (!data) throw bad("XGC-21", type);
  const message = decodeWith("XGC-21", type, () => GroupMutableMetadataV1.decode(data));
  return {
    attributes: message.attributes,
    admins: message.adminList.inboxIds,
    superAdmins: message.superAdminList.inboxIds,
  };
}

/** XGC-22. */
export function encodeMembership(value: Membership): Extension {
  const data = GroupMembership.encode({
    members: value.members,
    failedInstallations: [...value.failedInstallations].map(fromHex),
  });
  return { type: extensionType.membership, data };
}

/** Reads 0xff01; throws `client/bad-group-context`. */
export function decodeMembership(data: Uint8Array | undefined): Membership {
  const type = extensionType.membership;
  if (!data) throw bad("XGC-22", type);
  const message = decodeWith("XGC-22", type, () => GroupMembership.decode(data));
  return {
    members: message.members,
    failedInstallations: new Set(message.failedInstallations.map(toHex)),
  };
}

/** XGC-23. */
export function encodePermissions(policy: PolicySet): Extension {
  const data = GroupMutablePermissionsV1.encode({ policies: policySetToMessage(policy) });
  return { type: extensionType.permissions, data };
}

/** Reads 0xff02; throws `client/bad-group-context`, also where a policy is missing or unknown (XPM-02, XPM-03). */
export function decodePermissions(data: Uint8Array | undefined): PolicySet {
  const type = extensionType.permissions;
  if (!data) throw bad("XGC-23", type);
  return decodeWith("XGC-23", type, () =>
    policySetFromMessage(GroupMutablePermissionsV1.decode(data).policies),
  );
}

/** XGC-24. */
export function requiredCapabilities(): Extension {
  const { membership, mutableMetadata, permissions, immutableMetadata, lastResort, applicationId } =
    extensionType;
  const data = concat(
    encodeU16List([
      membership,
      mutableMetadata,
      permissions,
      immutableMetadata,
      lastResort,
      applicationId,
    ]),
    encodeU16List([7]),
    encodeU16List([1]),
  );
  return { type: extensionType.requiredCapabilities, data };
}

/** Everything that the extensions of one group context say. */
export interface GroupFacts {
  readonly immutable: ImmutableMetadata;
  readonly metadata: MutableMetadata;
  readonly policy: PolicySet;
  readonly membership: Membership;
  /** XGC-61: the context asks for proposal mode, which we do not speak. */
  readonly proposalMode: boolean;
}

/** Decodes the four extensions; throws `client/bad-group-context` where one is missing or damaged. */
export function decodeFacts(extensions: readonly Extension[]): GroupFacts {
  const find = (type: number): Uint8Array | undefined => findExtension(extensions, type);
  return {
    immutable: decodeImmutableMetadata(find(extensionType.immutableMetadata)),
    metadata: decodeMutableMetadata(find(extensionType.mutableMetadata)),
    policy: decodePermissions(find(extensionType.permissions)),
    membership: decodeMembership(find(extensionType.membership)),
    proposalMode:
      find(extensionType.proposalSupport) !== undefined ||
      find(extensionType.appDataDictionary) !== undefined,
  };
}

/** XCV-03: equal bytes mean no change; anything else is compared by meaning (trap 22). */
export function sameExtension(
  before: readonly Extension[],
  after: readonly Extension[],
  type: number,
): boolean {
  const a = findExtension(before, type);
  const b = findExtension(after, type);
  return a === undefined || b === undefined ? a === b : equal(a, b);
}
