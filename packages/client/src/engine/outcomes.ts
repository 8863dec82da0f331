import type { ErrorDetails } from "@coterie/base";
import type { Group as MlsGroup } from "@coterie/mls";
import type { Envelope } from "./envelope.ts";
import { stepTo } from "./step.ts";
import type { Step, StepEnv } from "./step.ts";
import type { CommitLogRow, EngineEvent, GroupState } from "./state.ts";
import type { Awaited } from "./validate-commit.ts";

export type Received =
  | { readonly kind: "step"; readonly step: Step }
  /** Load what is missing, then hand the same envelope in again. Nothing has changed. */
  | {
      readonly kind: "wait";
      readonly needs: Extract<Awaited, { readonly kind: "identity" }>["needs"];
      /** They were asked for before, and the log ends before them (XCV-11). */
      readonly late?: boolean | undefined;
    }
  /** XIN-30: keep the cursor where it is and stop. */
  | { readonly kind: "paused"; readonly step: Step }
  /** XST-03: only a full sync may process this one. */
  | { readonly kind: "needs-sync" };

/** What is told of an envelope that was passed over. */
export function refusal(
  state: GroupState,
  envelope: Envelope,
  what: Extract<EngineEvent, { readonly kind: "refused" }>["what"],
  code: string,
  rule?: string,
): EngineEvent {
  return {
    kind: "refused",
    what,
    groupId: state.record.id,
    sequenceId: envelope.sequenceId,
    code,
    rule,
  };
}

/** XIN-30: the group waits for a newer version of ourselves. */
export function pause(state: GroupState, version: string): Step {
  const paused = { ...state, record: { ...state.record, pausedForVersion: version } };
  return stepTo(paused, { events: [{ kind: "paused", groupId: state.record.id, version }] });
}

/** A row of the commit log for a commit that did not count (XIN-41). */
export function logRow(
  group: MlsGroup,
  envelope: Envelope,
  result: number,
  type: string,
  env: StepEnv,
  against: { readonly code?: string; readonly rule?: string | undefined } = {},
): CommitLogRow {
  return {
    sequenceId: envelope.sequenceId,
    lastAuthenticator: group.epochAuthenticator,
    appliedAuthenticator: group.epochAuthenticator,
    appliedEpoch: group.context.epoch,
    result,
    type,
    sender: type === unknownType ? undefined : env.ownInboxId,
    error: against.code,
    rule: against.rule,
  };
}

/** The type of a commit of another that was never opened. */
export const unknownType = "Unknown";

/** The rule that a refusal names. */
export function ruleOf(details: ErrorDetails | undefined): string | undefined {
  const rule = details?.["rule"];
  return rule === undefined ? undefined : String(rule);
}
