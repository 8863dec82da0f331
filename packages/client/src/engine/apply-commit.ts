import { fromHex, idBytes } from "@coterie/base";
import type { Group as MlsGroup } from "@coterie/mls";
import { isNoteworthy } from "./changes.ts";
import { typeOfChanges } from "./commit-log.ts";
import { withEpochStart } from "./doubt.ts";
import { extensionType, sameExtension } from "./extensions.ts";
import { stepTo } from "./step.ts";
import type { Step, StepEnv } from "./step.ts";
import { CommitResult } from "./state.ts";
import type { EngineEvent, GroupRecord, GroupState } from "./state.ts";
import { groupUpdatedOf, transcriptRow } from "./transcript.ts";
import type { ValidCommit } from "./validate-commit.ts";

export interface AppliedCommit {
  readonly env: StepEnv;
  readonly state: GroupState;
  /** In the new epoch. */
  readonly group: MlsGroup;
  readonly valid: ValidCommit;
  readonly envelope: { readonly sequenceId: bigint; readonly createdNs: bigint };
  /** Our own leaf was removed. */
  readonly removed: boolean;
  readonly spent: readonly Uint8Array[];
}

/** XCV-20 to XCV-25: what follows from a commit that every member accepts. */
export function applyCommit(applied: AppliedCommit): Step {
  const { env, state, group, valid, envelope, removed } = applied;
  const { changes, committer, after } = valid;
  const record: GroupRecord = {
    ...state.record,
    metadata: after.metadata,
    policy: after.policy,
    active: state.record.active && !removed,
    // XCV-24
    pendingLeaves: state.record.pendingLeaves.filter((id) => after.membership.members.has(id)),
    impostors: impostorsAfter(state.record.impostors, valid.claims),
  };
  const next: GroupState = {
    ...state,
    record,
    progress: {
      ...state.progress,
      epochStarts: withEpochStart(state.progress, envelope.sequenceId),
    },
    mls: group,
  };
  const events: EngineEvent[] = removed ? [{ kind: "removed", groupId: record.id }] : [];
  const membershipChanged =
    valid.movesInstallations ||
    !sameExtension(
      (state.mls as MlsGroup).context.extensions,
      group.context.extensions,
      extensionType.membership,
    );
  const saidBefore = record.conversationType === "dm" && changes.addedInboxes.length > 0;
  // One-shot groups are gone once they are sent (XIN-44).
  const told = record.conversationType !== "oneshot";
  const transcript =
    told && isNoteworthy(changes, after.metadata)
      ? transcriptRow({
          crypto: env.crypto,
          groupId: idBytes(record.id),
          senderInboxId: committer.inboxId,
          senderInstallation: fromHex(committer.installationId),
          update: groupUpdatedOf(committer.inboxId, changes, state.record.pendingLeaves),
          key: envelope.createdNs.toString(),
          sentAtNs: envelope.createdNs,
          sequenceId: envelope.sequenceId,
          nowNs: env.nowNs,
        })
      : undefined;
  return stepTo(next, {
    messages: transcript ? [{ kind: "insert", row: transcript, unlessSaid: saidBefore }] : [],
    log: [
      {
        sequenceId: envelope.sequenceId,
        lastAuthenticator: (state.mls as MlsGroup).epochAuthenticator,
        appliedAuthenticator: group.epochAuthenticator,
        appliedEpoch: group.context.epoch,
        result: CommitResult.applied,
        type: typeOfChanges(changes, membershipChanged),
        sender: committer.inboxId,
      },
    ],
    events,
    spent: applied.spent,
  });
}

/** They stay known when they are gone: what they sealed before may come afterwards. */
function impostorsAfter(
  known: readonly string[] = [],
  claims: ValidCommit["claims"],
): readonly string[] | undefined {
  const added = [...claims].flatMap(([one, isTrue]) => (isTrue ? [] : [one]));
  const all = [...known.filter((one) => !claims.has(one)), ...added];
  return all.length > 0 ? all : undefined;
}
