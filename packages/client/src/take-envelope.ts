import type { Context } from "./context.ts";
import { stepEnv } from "./context.ts";
import type { Envelope } from "./engine/envelope.ts";
import type { IdentityPoint } from "./engine/membership.ts";
import type { Received } from "./engine/outcomes.ts";
import { receiveEnvelope } from "./engine/receive.ts";
import type { ReceiveInput } from "./engine/receive.ts";
import type { GroupState } from "./engine/state.ts";
import { stepTo } from "./engine/step.ts";
import type { Step } from "./engine/step.ts";
import { ClientError } from "./errors.ts";
import type { LoadedCell } from "./groups.ts";
import { defaultRetry, refetchable, withRetry } from "./run.ts";

export type Taken = "done" | "paused" | "needs-sync";

/** What one envelope leads to. `held`: not now; the cursor stays before it (XCV-31). */
type Settled =
  | Exclude<Received, { readonly kind: "wait" }>
  | { readonly kind: "held"; readonly step: Step; readonly error: ClientError };

/** How long a commit may wait for an identity update that the node does not show (XCV-11). */
const patienceNs = 120n * 1_000_000_000n;

/** Processes one envelope over a state, loading identity logs as the judge asks for them (XCV-11, XCV-31). Stores nothing. */
export async function settleEnvelope(
  context: Context,
  state: GroupState,
  envelope: Envelope,
  via: ReceiveInput["via"],
): Promise<Settled> {
  let notFound: ReadonlySet<string> = new Set();
  let patient = true;
  for (;;) {
    const env = { ...stepEnv(context, notFound), patient };
    const received = receiveEnvelope({ env, state, envelope, via });
    if (received.kind !== "wait") return received;
    const { needs, late } = received;
    if (late !== true) {
      const missing = await withRetry(context.ports, () => context.identity.load(needs));
      notFound = new Set([...notFound, ...missing]);
      continue;
    }
    const since = heldSince(state, envelope);
    const now = context.ports.clock.nowNs();
    // Nobody may hold a group up for ever by naming what never comes.
    if (since !== undefined && now - since > patienceNs) patient = false;
    else if (!(await areThereNow(context, needs, since === undefined))) {
      return hold(state, envelope, now);
    }
  }
}

/** Takes one envelope in and stores what it leads to. Throws `client/identity-behind` where it has to wait. */
export async function takeEnvelope(
  context: Context,
  cell: LoadedCell,
  envelope: Envelope,
  via: ReceiveInput["via"],
): Promise<Taken> {
  const received = await settleEnvelope(context, cell.state, envelope, via);
  if (received.kind === "needs-sync") return "needs-sync";
  await cell.apply(received.step, refetchable);
  if (received.kind === "held") throw received.error;
  return received.kind === "paused" ? "paused" : "done";
}

function heldSince({ progress: { held } }: GroupState, envelope: Envelope): bigint | undefined {
  return held?.sequenceId === envelope.sequenceId ? held.sinceNs : undefined;
}

/** Asks again for updates that were not there: several times at first (XCV-31), later once. */
async function areThereNow(
  context: Context,
  needs: readonly IdentityPoint[],
  isNew: boolean,
): Promise<boolean> {
  const notYet = new ClientError("client/identity-behind");
  const look = async (): Promise<void> => {
    if ((await context.identity.load(needs)).size > 0) throw notYet;
  };
  try {
    await withRetry(context.ports, look, isNew ? defaultRetry : { ...defaultRetry, attempts: 1 });
    return true;
  } catch (error) {
    if (error === notYet) return false;
    throw error;
  }
}

function hold(state: GroupState, { sequenceId }: Envelope, nowNs: bigint): Settled {
  const groupId = state.record.id;
  const rule = "XCV-11";
  const error = new ClientError("client/identity-behind", { rule, groupId, sequenceId });
  if (state.progress.held?.sequenceId === sequenceId) {
    return { kind: "held", step: stepTo(state), error };
  }
  const held = { sequenceId, sinceNs: nowNs };
  const step = stepTo(
    { ...state, progress: { ...state.progress, held } },
    { events: [{ kind: "waiting", what: "commit", groupId, sequenceId, rule }] },
  );
  return { kind: "held", step, error };
}
