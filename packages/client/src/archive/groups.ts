import { fromHex, idBytes, idFromBytes } from "@coterie/base";
import type { GroupId } from "@coterie/base";
import { defaultPolicy, dmPolicy } from "@coterie/policy";
import { ConversationTypeSave, GroupMembershipStateSave } from "@coterie/wire";
import type { GroupSave } from "@coterie/wire";
import { logTypes } from "../engine/commit-log.ts";
import { dmIdOf } from "../engine/dm-id.ts";
import { disappearingSettings } from "../engine/expiry.ts";
import { stepTo } from "../engine/step.ts";
import type { Step } from "../engine/step.ts";
import { CommitResult } from "../engine/state.ts";
import type {
  CommitLogRow,
  GroupRecord,
  GroupState,
  MembershipState,
  Progress,
} from "../engine/state.ts";

const states: Readonly<Record<MembershipState, number>> = {
  allowed: GroupMembershipStateSave.allowed,
  rejected: GroupMembershipStateSave.rejected,
  pending: GroupMembershipStateSave.pending,
  restored: GroupMembershipStateSave.restored,
  "pending-remove": GroupMembershipStateSave.pendingRemove,
};

/** XHS-09: sync groups, one-shots and groups whose history is all we have ourselves stay out. */
export function isExported(record: GroupRecord): boolean {
  const { conversationType, membershipState } = record;
  if (conversationType !== "group" && conversationType !== "dm") return false;
  return membershipState !== "restored";
}

export function encodeGroup(record: GroupRecord, progress: Progress): GroupSave {
  const settings = disappearingSettings(record.metadata);
  return {
    id: idBytes(record.id),
    createdAtNs: record.createdAtNs,
    membershipState: states[record.membershipState],
    installationsLastChecked: progress.installationsCheckedAtNs,
    addedByInboxId: record.addedByInboxId,
    welcomeId: record.welcomeId,
    rotatedAtNs: progress.rotatedAtNs,
    conversationType:
      record.conversationType === "dm" ? ConversationTypeSave.dm : ConversationTypeSave.group,
    dmId: record.dmId,
    lastMessageNs: progress.lastMessageNs,
    messageDisappearFromNs: settings?.fromNs,
    messageDisappearInNs: settings?.inNs,
    metadata: { creatorInboxId: record.creatorInboxId },
    mutableMetadata: {
      // The signing key of the commit log stays with the group.
      attributes: new Map([...record.metadata.attributes].filter(([key]) => !key.startsWith("_"))),
      adminList: record.metadata.admins,
      superAdminList: record.metadata.superAdmins,
    },
    pausedForVersion: record.pausedForVersion,
  };
}

const groupIdBytes = 16;
const none = new Uint8Array(0);

/** XHS-10: a placeholder without keys; a welcome brings it to life. Undefined for what is no conversation of this inbox. */
export function restoreGroup(save: GroupSave, ownInboxId: string): Step | undefined {
  if (save.id.length !== groupIdBytes || save.createdAtNs < 0n) return undefined;
  const isDm = save.conversationType === ConversationTypeSave.dm;
  if (!isDm && save.conversationType !== ConversationTypeSave.group) return undefined;
  const creatorInboxId = save.metadata?.creatorInboxId ?? "";
  const dmMembers = isDm ? membersOf(save.dmId, creatorInboxId) : undefined;
  if (isDm && !dmMembers?.includes(ownInboxId)) return undefined;
  const { attributes, adminList, superAdminList } = save.mutableMetadata ?? {};
  const state: GroupState = {
    record: {
      id: idFromBytes<GroupId>(save.id),
      conversationType: isDm ? "dm" : "group",
      createdAtNs: save.createdAtNs,
      creatorInboxId,
      addedByInboxId: save.addedByInboxId,
      membershipState: "restored",
      active: false,
      dmId: dmMembers && dmIdOf(...dmMembers),
      dmMembers,
      pendingLeaves: [],
      metadata: {
        attributes: attributes ?? new Map(),
        admins: adminList ?? [],
        superAdmins: superAdminList ?? [],
      },
      policy: isDm ? dmPolicy : defaultPolicy,
    },
    progress: {
      commitCursor: 0n,
      messageCursor: 0n,
      ahead: [],
      rotatedAtNs: 0n,
      installationsCheckedAtNs: 0n,
      lastMessageNs: save.lastMessageNs,
      nextIntent: 1,
      nextLogEntry: 0,
    },
    mls: undefined,
    intents: [],
  };
  // XIN-41
  const restored: CommitLogRow = {
    sequenceId: 0n,
    lastAuthenticator: none,
    appliedAuthenticator: none,
    appliedEpoch: 0n,
    result: CommitResult.applied,
    type: logTypes.restore,
  };
  return stepTo(state, { log: [restored] });
}

/** XDM-01: the creator first. */
function membersOf(
  dmId: string | undefined,
  creator: string,
): readonly [string, string] | undefined {
  const [, one, two] = /^dm:([0-9a-f]{64}):([0-9a-f]{64})$/.exec(dmId ?? "") ?? [];
  if (one === undefined || two === undefined) return undefined;
  return creator === two ? [two, one] : [one, two];
}

/** Hex of a message id or group id, where it is one. */
export function hexId(text: string, bytes: number): Uint8Array | undefined {
  return text.length === bytes * 2 && /^[0-9a-f]*$/.test(text) ? fromHex(text) : undefined;
}
