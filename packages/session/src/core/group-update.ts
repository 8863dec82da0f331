import { SessionMessageType } from "@coterie/wire/slim";
import type { CommandPayload, Participant } from "@coterie/wire/slim";
import { ask } from "./asks.ts";
import type { Change } from "./mls-profile.ts";
import type { Ask, Context, Member, Session } from "./model.ts";
import { participantOf } from "./roster.ts";
import { commandOf } from "./session.ts";

/** GROUP_UPDATE to the control channel. */
export function sendUpdate(
  context: Context,
  session: Session,
  what: {
    readonly op: number;
    readonly member: Member;
    readonly participants: readonly Participant[];
    readonly change: Change | undefined;
    readonly expect: readonly Member[];
  },
): Ask {
  const payload: CommandPayload = {
    kind: "groupUpdate",
    value: {
      op: what.op,
      participant: participantOf(what.member),
      participants: what.participants,
      ...(what.change && {
        mls: { commitId: what.change.commitId, mlsContent: what.change.commit },
      }),
    },
  };
  return ask(context, session, {
    command: commandOf(context, session, {
      type: SessionMessageType.groupUpdate,
      payload,
      to: "group",
    }),
    expect: what.expect.map(({ name }) => name),
    replyTypes: [SessionMessageType.groupAck],
    epoch: what.change && session.mls?.group?.epoch,
  });
}

/** Whoever did not acknowledge an update is taken for away; a heartbeat of theirs shows what they miss. */
export function missed(session: Session, which: Ask | undefined): void {
  for (const key of which?.missing.keys() ?? []) session.presence.mark(key, false);
}
