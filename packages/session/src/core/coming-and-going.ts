import { ParticipantState, SessionMessageType } from "@coterie/wire/slim";
import { SessionError } from "../errors.ts";
import type { AbsenceSink } from "./absence.ts";
import { ask, cancel } from "./asks.ts";
import { offerKeyPackage, refused } from "./mls-profile.ts";
import type { Context, Session } from "./model.ts";
import { payloadOf } from "./payload.ts";
import type { PresenceSink } from "./presence.ts";
import type { Received } from "./received.ts";
import { reply } from "./reply.ts";
import { setOnline } from "./roster.ts";
import { sendCommand } from "./send-command.ts";
import { commandOf, isModerator } from "./session.ts";
import { leftOnPurpose, moderatorSeen } from "./succession.ts";
import { fail, nothing } from "./tasks.ts";

/** What presence does to a session. */
export function presenceSink(context: Context, session: Session): PresenceSink {
  return {
    heartbeat(epoch) {
      // nobody to hear it; of a pair, not even a name
      if (session.roster.size < 2) return;
      sendCommand(
        context,
        commandOf(context, session, {
          type: SessionMessageType.heartbeat,
          payload: { kind: "heartbeat", value: { epoch } },
          to: "group",
        }),
      );
    },
    online(key) {
      setOnline(context, session, key, true);
      moderatorSeen(context, session, key);
    },
    offline(key) {
      setOnline(context, session, key, false);
      moderatorSeen(context, session, key);
    },
    behind: () => session.absence.repair(),
  };
}

/** What our own going away and coming back does to it. */
export function absenceSink(context: Context, session: Session): AbsenceSink {
  return {
    announce(state, expected) {
      const members = expected.flatMap((key) => session.roster.get(key)?.name ?? []);
      session.announcement = ask(context, session, {
        command: commandOf(context, session, {
          type: SessionMessageType.updateParticipantState,
          payload: {
            kind: "updateParticipantState",
            value: {
              participant: session.source.wire,
              newState: ParticipantState[state],
              epoch: session.mls?.group?.epoch ?? 0n,
            },
          },
          to: "group",
        }),
        expect: members,
        replyTypes: [SessionMessageType.groupAck, SessionMessageType.groupNack],
      });
    },
    askBack() {
      const { mls } = session;
      session.plea = ask(context, session, {
        command: commandOf(context, session, {
          type: SessionMessageType.rejoinRequest,
          payload: {
            kind: "rejoinRequest",
            value: {
              participant: session.source.wire,
              keyPackage: mls === undefined ? new Uint8Array(0) : offerKeyPackage(context, mls),
            },
          },
          to: session.moderator,
        }),
        expect: [session.moderator],
        replyTypes: [SessionMessageType.rejoinReply],
        // a native that was busy drops repetitions with the same number
        renews: true,
      });
    },
    withdraw() {
      cancel(session, session.announcement);
      cancel(session, session.plea);
      session.announcement = undefined;
      session.plea = undefined;
    },
    mark: (key, online) => session.presence.mark(key, online),
    present(isPresent) {
      if (!isPresent) {
        session.presence.stop();
        return;
      }
      session.presence.start(context.now);
      // who moderates knows who left
      if (!isModerator(session)) session.data.receiver.returned();
      moderatorSeen(context, session, session.moderator.key);
    },
    done: (handle) => void context.out.push({ kind: "done", handle, outcome: nothing }),
    failed(handle, why) {
      const code = why === "busy" ? "session/busy" : "session/unanswered";
      fail(context, handle, new SessionError(code, { session: session.id }));
    },
  };
}

/** After each event: what was announced or asked for may have been answered by all, or by nobody. */
export function settleAbsence(session: Session): void {
  const { announcement, plea, absence } = session;
  if (announcement !== undefined && announcement.state !== "open") {
    session.announcement = undefined;
    absence.announced();
  }
  if (plea?.state === "failed") {
    session.plea = undefined;
    absence.unanswered();
  }
}

/** GROUP_ACK or GROUP_NACK of our announcement (SHB-11, SHB-13). */
export function announcementAnswered(session: Session, { source, type }: Received): void {
  if (type === SessionMessageType.groupNack) session.absence.refused(source.key);
  else session.absence.acknowledged(source.key);
}

/** SHB-12, of a member about itself (SSG-10). */
export function stateChanged(context: Context, session: Session, received: Received): void {
  const { value } = payloadOf(received, "updateParticipantState");
  const { source } = received;
  if (context.names.read(value.participant).key !== source.key) throw refused("not-itself");
  const to = value.newState === ParticipantState.online ? "online" : "offline";
  const verdict = session.presence.stateChange(source.key, to, value.epoch);
  if (to === "offline") leftOnPurpose(session, source.key);
  if (verdict === "ack") {
    reply(context, session, received, SessionMessageType.groupAck, { kind: "groupAck", value: {} });
  } else if (verdict === "nack") {
    reply(context, session, received, SessionMessageType.groupNack, {
      kind: "groupNack",
      value: {},
    });
  }
}
