import { toHex } from "@coterie/base";
import { peekMessage, process } from "@coterie/mls";
import type { Group as MlsGroup, Processed } from "@coterie/mls";
import { applyCommit } from "./apply-commit.ts";
import { raiseDoubt, withoutOldSuspicion } from "./doubt.ts";
import type { Envelope } from "./envelope.ts";
import { intentByHash } from "./intents.ts";
import { createJudge } from "./judge.ts";
import { ownerOf } from "./leaf.ts";
import { limits } from "./limits.ts";
import { logRow, pause, refusal, ruleOf, unknownType } from "./outcomes.ts";
import type { Received } from "./outcomes.ts";
import { ownCommit, ownMessage } from "./own-echo.ts";
import { receiveMessage } from "./receive-message.ts";
import { CommitResult } from "./state.ts";
import type { AheadMark, EngineEvent, GroupRecord, GroupState, Progress } from "./state.ts";
import { stepTo } from "./step.ts";
import type { Step, StepEnv } from "./step.ts";
import type { Awaited } from "./validate-commit.ts";

export interface ReceiveInput {
  readonly env: StepEnv;
  readonly state: GroupState;
  readonly envelope: Envelope;
  /**
   * Streams and pushes process single application messages ahead of the cursor and nothing else. `again` looks at what may be known
   * already: cursors stay, and what MLS has seen before says nothing.
   */
  readonly via: "sync" | "stream" | "push" | "again";
}

type StreamName = "commit" | "application";

/** XIN-07: one query serves both streams, from the higher cursor. */
export function queryCursor(progress: Progress): bigint {
  return progress.commitCursor > progress.messageCursor
    ? progress.commitCursor
    : progress.messageCursor;
}

/** The state after an envelope was dealt with for good. */
function advance(
  state: GroupState,
  stream: StreamName,
  { sequenceId, createdNs }: Envelope,
  mark: AheadMark,
  via: ReceiveInput["via"],
): GroupState {
  const { progress } = state;
  if (via === "again") return state;
  if (via !== "sync")
    return { ...state, progress: { ...progress, ahead: [...progress.ahead, mark] } };
  const moved: Progress = {
    ...progress,
    ahead: progress.ahead.filter(({ id }) => id > sequenceId),
    cursorCreatedNs: createdNs,
    ...(progress.held?.sequenceId === sequenceId ? { held: undefined } : {}),
    ...(stream === "commit" ? { commitCursor: sequenceId } : { messageCursor: sequenceId }),
  };
  return { ...state, progress: moved };
}

/** Takes one envelope in: own echoes by their hash, everything else through MLS and the judge. Pure. */
export function receiveEnvelope(input: ReceiveInput): Received {
  const { env, state, envelope, via } = input;
  const { sequenceId } = envelope;
  const group = state.mls;
  if (!group) return { kind: "step", step: stepTo(state) };

  const peeked = peek(envelope.data);
  const stream: StreamName = peeked?.contentType === "commit" ? "commit" : "application";
  // XIN-08
  const cursor = stream === "commit" ? state.progress.commitCursor : state.progress.messageCursor;
  if (via !== "again" && sequenceId <= cursor) return { kind: "step", step: stepTo(state) };
  const hash = toHex(env.crypto.hash("sha256", envelope.data));
  const mark: AheadMark = { id: sequenceId, hash: hash.slice(0, 16) };
  const alone = via === "stream" || via === "push";
  if (state.progress.ahead.some(({ id, hash: seen }) => id === mark.id && seen === mark.hash)) {
    if (alone) return { kind: "step", step: stepTo(state) };
    return { kind: "step", step: stepTo(advance(state, stream, envelope, mark, via)) };
  }
  if (alone && (stream === "commit" || state.progress.ahead.length >= limits.ahead)) {
    return { kind: "needs-sync" };
  }
  const settle = (step: Step): Received => ({
    kind: "step",
    step: { ...step, state: advance(step.state, stream, envelope, mark, via) },
  });
  const events = (code: string, rule?: string): EngineEvent[] =>
    via === "again" ? [] : [refusal(state, envelope, "envelope", code, rule)];
  const refused = (code: string, rule?: string): Received =>
    settle(stepTo(unlessOpened(input, "mls/malformed"), { events: events(code, rule) }));

  // XGC-03, XND-32
  if (!peeked) return refused("client/bad-envelope", "XGC-03");
  if (peeked.wireFormat !== "private") return refused("client/unsupported-message-type", "XGC-03");
  if (!peeked.groupId || toHex(peeked.groupId) !== state.record.id) {
    // No log of this group can hold it: its number must not move our cursor.
    return {
      kind: "step",
      step: stepTo(state, { events: events("client/wrong-group", "XND-32") }),
    };
  }

  const intent = intentByHash(state, hash);
  const sealed =
    intent && (intent.state.kind === "published" || intent.state.kind === "error")
      ? intent.state.sealed
      : undefined;
  // XIN-09: never decrypted, the keys are gone.
  if (intent && sealed) {
    if (!sealed.pending) return settle(ownMessage(input, intent, sealed));
    return ownCommit(input, intent, sealed, settle);
  }
  return foreign(input, group, peeked.contentType ?? "application", settle);
}

function peek(data: Uint8Array): ReturnType<typeof peekMessage> | undefined {
  try {
    return peekMessage(data);
  } catch {
    return undefined;
  }
}

function foreign(
  input: ReceiveInput,
  group: MlsGroup,
  content: "application" | "proposal" | "commit",
  settle: (step: Step) => Received,
): Received {
  const { env, state, envelope, via } = input;
  const alone = via === "stream" || via === "push";
  const once = createJudge({
    identity: env.identity,
    ownInboxId: env.ownInboxId,
    patient: env.patient,
  });
  // Without a clock: lifetimes are the committer's to check (XGC-10), and no verdict may depend on when it is reached.
  const result = process({
    crypto: env.crypto,
    group,
    message: envelope.data,
    judge: once.judge,
  });
  const what = content === "application" ? "message" : content;
  switch (result.kind) {
    case "message": {
      const received = receiveMessage({ env, state, envelope, result });
      if (received.kind === "wait") return received;
      return settle(via === "push" ? received.step : withGap(input, group, result, received.step));
    }
    case "committed": {
      const valid = once.commit();
      if (!valid) return settle(stepTo(state));
      // XIN-40: the epoch that raised a suspicion may have come.
      const applied = (step: Step): Step => ({ ...step, state: withoutOldSuspicion(step.state) });
      return settle(
        applied(
          applyCommit({
            env,
            state,
            group: result.group,
            valid,
            envelope,
            removed: result.removed,
            spent: result.spent,
          }),
        ),
      );
    }
    case "proposal":
      return settle(stepTo({ ...state, mls: result.group }, { spent: result.spent }));
    case "waiting": {
      const awaited = result.for as Awaited;
      if (awaited.kind === "identity") return { ...awaited, kind: "wait" };
      return { kind: "paused", step: pause(state, awaited.required) };
    }
    case "refused": {
      // XST-03: whether it is refused for good a sync will say.
      if (alone) return { kind: "needs-sync" };
      if (via === "again") return settle(stepTo(state));
      const { code } = result.reason;
      const rule = ruleOf(result.reason.details);
      const event = refusal(state, envelope, what, code, rule);
      if (content !== "commit") {
        return settle(stepTo(unlessOpened(input, code), { events: [event] }));
      }
      const verdict = code.startsWith("mls/") ? CommitResult.undecryptable : CommitResult.invalid;
      // XCV-30
      return settle(
        stepTo(unlessOpened(input, code), {
          events: [event],
          log: [logRow(group, envelope, verdict, unknownType, env, { code, rule })],
        }),
      );
    }
    case "ignored": {
      // XST-03
      if (alone) return { kind: "needs-sync" };
      if (via === "again") return settle(stepTo(state));
      // XCV-32: a later commit of an epoch that is over. XIN-41: none is written right after a welcome.
      const log =
        content === "commit" && state.record.welcomedEpoch !== group.context.epoch
          ? [logRow(group, envelope, CommitResult.wrongEpoch, unknownType, env)]
          : [];
      return settle(stepTo(suspectFork(input, group, result.epoch), { log }));
    }
    case "own":
      if (via === "again") return settle(stepTo(state));
      // Our own handshake that we do not remember: a copy of this installation runs elsewhere (F9).
      return settle(
        stepTo(state, { events: [refusal(state, envelope, what, "client/own-unknown", "XIN-09")] }),
      );
  }
}

/** XIN-40: reported, and the log since the last commit is read again in case one was kept from us. */
function suspectFork(
  { env, state, envelope }: ReceiveInput,
  group: MlsGroup,
  epoch: bigint | undefined,
): GroupState {
  if (epoch === undefined || epoch <= group.context.epoch) return state;
  const details = `message ${envelope.sequenceId} is of epoch ${epoch}, the group in ${group.context.epoch}`;
  const record: GroupRecord = {
    ...state.record,
    forkDetails: `${details}; cursors ${state.progress.commitCursor} and ${state.progress.messageCursor}`,
    forkEpoch: epoch,
  };
  return raiseDoubt({ ...state, record }, "epoch", env.nowNs, { epochsBack: 0 });
}

/** What does not open may have been spoiled on the way: it is looked at again later. A key that was used says that all is well. */
function unlessOpened({ env, state, envelope }: ReceiveInput, code: string): GroupState {
  if (!code.startsWith("mls/") || code === "mls/key-consumed") return state;
  return raiseDoubt(state, "gap", env.nowNs, { after: envelope.sequenceId - 1n });
}

/** Generations that were passed over: the messages are looked for again, and told of (F13). */
function withGap(
  { env, envelope }: ReceiveInput,
  group: MlsGroup,
  result: Extract<Processed, { readonly kind: "message" }>,
  step: Step,
): Step {
  const sender = ownerOf(result.sender.leaf);
  if (result.skipped === 0 || !sender) return step;
  const epochsBack = Number(group.context.epoch - result.epoch);
  const event: EngineEvent = {
    kind: "gap",
    groupId: step.state.record.id,
    sequenceId: envelope.sequenceId,
    senderInboxId: sender.inboxId,
    missing: result.skipped,
  };
  return {
    ...step,
    state: raiseDoubt(step.state, "gap", env.nowNs, { epochsBack }),
    events: [...step.events, event],
  };
}
