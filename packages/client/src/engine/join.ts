import { equal, fromHex, idBytes, toHex } from "@coterie/base";
import type { GroupId } from "@coterie/base";
import { join } from "@coterie/mls";
import type { Group as MlsGroup, KeyPackage, KeyPackageSecrets } from "@coterie/mls";
import { GroupUpdated } from "@coterie/wire";
import { logTypes } from "./commit-log.ts";
import { dmIdOf } from "./dm-id.ts";
import { createJudge } from "./judge.ts";
import { ruleOf } from "./outcomes.ts";
import { stepTo } from "./step.ts";
import type { Step, StepEnv } from "./step.ts";
import { CommitResult } from "./state.ts";
import type { CommitLogRow, GroupRecord, GroupState, Intent } from "./state.ts";
import { transcriptRow } from "./transcript.ts";
import type { Awaited } from "./validate-commit.ts";
import type { ValidJoin } from "./validate-join.ts";

/** A welcome for us, opened. */
export interface WelcomeInput {
  readonly env: StepEnv;
  /** MLSMessage with the Welcome. */
  readonly welcome: Uint8Array;
  readonly keyPackage: { readonly keyPackage: KeyPackage; readonly secrets: KeyPackageSecrets };
  readonly welcomeId: bigint;
  readonly welcomeCreatedNs: bigint;
  /** XWL-05: where to read on in the group's log. */
  readonly messageCursor: bigint;
}

export type WelcomeOutcome =
  | { readonly kind: "joined"; readonly group: MlsGroup; readonly join: ValidJoin }
  | { readonly kind: "refused"; readonly code: string; readonly rule?: string | undefined }
  | {
      readonly kind: "wait";
      readonly needs: Extract<Awaited, { kind: "identity" }>["needs"];
      readonly late?: boolean | undefined;
    };

/** Runs a welcome through MLS and the judge. Nothing is kept yet. */
export function openWelcome({ env, welcome, keyPackage }: WelcomeInput): WelcomeOutcome {
  const { identity, ownInboxId, patient } = env;
  const once = createJudge({ identity, ownInboxId, patient });
  // XWL-06: an MLSMessage with a Welcome and nothing else.
  const joined = join({
    crypto: env.crypto,
    welcome,
    keyPackages: [{ ...keyPackage, signer: env.signer }],
    judge: once.judge,
  });
  if (joined.kind === "refused") {
    const { code, details } = joined.reason;
    return { kind: "refused", code, rule: ruleOf(details) };
  }
  if (joined.kind === "waiting") {
    const awaited = joined.for as Awaited;
    if (awaited.kind === "identity") return { ...awaited, kind: "wait" };
    return { kind: "wait", needs: [] };
  }
  const valid = once.join();
  if (!valid) return { kind: "refused", code: "client/bad-welcome" };
  return { kind: "joined", group: joined.group, join: valid };
}

/**
 * XWL-14: whether a group that is here already makes the welcome old news. One that leads back into an epoch that we were in is a
 * replay whatever we are now: its keys were used. A fork may be left for an epoch that is not higher (XIN-44).
 */
export function isStaleWelcome(
  known: GroupState | undefined,
  joined: MlsGroup,
  log: readonly CommitLogRow[],
): boolean {
  if (known?.mls === undefined || joined.context.epoch > known.mls.context.epoch) return false;
  if (known.record.active && known.record.commitLogForked !== true) return true;
  return log.some(({ appliedAuthenticator }) =>
    equal(appliedAuthenticator, joined.epochAuthenticator),
  );
}

/** XWL-18 to XWL-20: the conversation that a welcome leads into, with its first transcript message. */
export function joinGroup(
  input: WelcomeInput,
  outcome: Extract<WelcomeOutcome, { readonly kind: "joined" }>,
  known: GroupState | undefined,
): Step {
  const { env, welcomeId, welcomeCreatedNs, messageCursor } = input;
  const { group, join: valid } = outcome;
  const { facts, addedBy } = valid;
  const { immutable } = facts;
  const id = toHex(group.groupId) as GroupId;
  const sync = immutable.conversationType === "sync";
  const record: GroupRecord = {
    id,
    conversationType: immutable.conversationType,
    createdAtNs: known?.record.createdAtNs ?? env.nowNs,
    creatorInboxId: immutable.creatorInboxId,
    addedByInboxId: addedBy.inboxId,
    membershipState: membershipStateOf(outcome, known),
    active: true,
    dmId: immutable.dmMembers && dmIdOf(...immutable.dmMembers),
    dmMembers: immutable.dmMembers,
    welcomeId,
    pausedForVersion: valid.pausedForVersion,
    pendingLeaves: [],
    policyMismatch: valid.policyMismatch,
    welcomedEpoch: group.context.epoch,
    metadata: facts.metadata,
    policy: facts.policy,
  };
  const state: GroupState = {
    record,
    mls: group,
    // What was queued for the old state was built on keys that are gone.
    intents: (known?.intents ?? []).flatMap((intent): Intent[] =>
      intent.state.kind === "to-publish" || intent.state.kind === "published"
        ? [{ ...intent, state: { kind: "to-publish" } }]
        : [],
    ),
    progress: {
      // XWL-19
      commitCursor: messageCursor,
      messageCursor: readFrom(known?.progress.messageCursor ?? 0n, messageCursor),
      ahead: [],
      epochStarts: [messageCursor],
      // XWL-18: asks for a key update before the first message (XIN-14).
      rotatedAtNs: 0n,
      installationsCheckedAtNs: 0n,
      lastMessageNs:
        immutable.conversationType === "dm" ? welcomeCreatedNs : known?.progress.lastMessageNs,
      nextIntent: known?.progress.nextIntent ?? 1,
      nextLogEntry: known?.progress.nextLogEntry ?? 0,
    },
  };
  const added = transcriptRow({
    crypto: env.crypto,
    groupId: idBytes(id),
    senderInboxId: addedBy.inboxId,
    senderInstallation: fromHex(addedBy.installationId),
    update: GroupUpdated.create({
      initiatedByInboxId: addedBy.inboxId,
      addedInboxes: [{ inboxId: env.ownInboxId }],
    }),
    key: `${rfc3339(welcomeCreatedNs)}_welcome_added`,
    sentAtNs: welcomeCreatedNs,
    sequenceId: messageCursor,
    nowNs: env.nowNs,
  });
  return stepTo(state, {
    messages: sync ? [] : [{ kind: "insert", row: added }],
    log: [
      {
        sequenceId: 0n,
        lastAuthenticator: new Uint8Array(0),
        appliedAuthenticator: group.epochAuthenticator,
        appliedEpoch: group.context.epoch,
        result: CommitResult.applied,
        type: logTypes.welcome,
        sender: addedBy.inboxId,
      },
    ],
    events: sync
      ? [{ kind: "device-sync", what: "group-joined", groupId: id }]
      : [{ kind: "conversation", groupId: id }],
  });
}

/** A state that was left walked past what only the new one can open. Rows that are there already stay as they are (XMS-04). */
function readFrom(known: bigint, welcomed: bigint): bigint {
  return welcomed > 0n && welcomed < known ? welcomed : known;
}

/** XWL-18, XLV-04; one who is added again in place (XIN-44) stays what they were. */
function membershipStateOf(
  { join: { facts } }: Extract<WelcomeOutcome, { readonly kind: "joined" }>,
  known: GroupState | undefined,
): GroupRecord["membershipState"] {
  if (facts.immutable.conversationType === "sync") return "allowed";
  if (!known || known.record.membershipState === "restored") return "pending";
  const returned = known.record.membershipState === "pending-remove" || !known.record.active;
  return returned ? "allowed" : known.record.membershipState;
}

/** Text of a time in UTC with nanoseconds; local only (XWL-20). */
function rfc3339(ns: bigint): string {
  const seconds = new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${(ns % 1_000_000_000n).toString().padStart(9, "0")}Z`;
}
