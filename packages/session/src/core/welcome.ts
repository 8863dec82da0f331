import { end, subscribeToChannel } from "./life.ts";
import { joinByWelcome } from "./mls-profile.ts";
import type { Context, Session, Work } from "./model.ts";
import { mlsOf, payloadOf } from "./payload.ts";
import { rebuildRoster } from "./rebuild-roster.ts";
import type { Received } from "./received.ts";
import { acknowledge } from "./reply.ts";
import { enqueue, nothing, settled } from "./tasks.ts";
import { adoptCommitId, caughtUp } from "./updates.ts";

/** SGR-24: into the tree and the roster at once; acknowledged once the node sends us what goes to the channel. */
export function welcomed(context: Context, session: Session, received: Received): void {
  const { value } = payloadOf(received, "groupWelcome");
  const { mls } = session;
  if (mls !== undefined) {
    const { commitId, mlsContent } = mlsOf(value.mls);
    // a repetition with a number of its own
    if (mls.group === undefined || commitId > mls.lastCommit) {
      joinByWelcome(context, mls, mlsContent, received.token);
      adoptCommitId(session, mls, commitId);
    }
  }
  rebuildRoster(context, session, value, received);
  session.joinUntil = undefined;
  session.welcomes.push(received);
  subscribeToChannel(context, session);
  if (session.welcomes.length === 1) enqueue(session.tasks, () => finishJoin(context, session));
}

function* finishJoin(context: Context, session: Session): Work {
  yield* settled(...session.subscriptions);
  const { welcomes } = session;
  session.welcomes = [];
  if (session.subscriptions.some(({ state }) => state === "failed")) {
    // without the channel it would hear nothing: the moderator takes it back
    end(context, session, "closed-by-us");
    return nothing;
  }
  const isNew = session.phase === "joining";
  if (isNew) {
    session.phase = "open";
    session.joinUntil = undefined;
    // SHB-01
    session.presence.start(context.now);
  }
  for (const welcome of welcomes) acknowledge(context, session, welcome);
  // SGR-25
  if (isNew) context.out.push({ kind: "joined", session: session.id });
  caughtUp(context, session);
  return nothing;
}
