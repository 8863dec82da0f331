import { CloseMode, Name, ParticipantStatus, SessionType } from "@coterie/session";
import type { App, Session } from "@coterie/session";
import { formatSlimService, parseSlimName } from "@coterie/wire/slim";
import { ChannelManagerError } from "./errors.ts";
import type { ChannelHost, HostedSession } from "./host.ts";

/**
 * Hosts channels by an app of `@coterie/session`, over one of its connections. The app's direction should be none: then nobody waits for it to
 * acknowledge data (SCT-28). It joins nobody else's sessions.
 */
export function sessionHost(app: App, connection: bigint): ChannelHost {
  app.onInvite(() => "deny");
  return {
    async create(channel, { mls, metadata }) {
      const session = await app.createSessionAndWait(
        {
          sessionType: SessionType.Group,
          // SCM-02
          maxRetries: 10,
          interval: 1000,
          enableMls: mls,
          metadata,
          // A channel ends when its operator says so (SGR-35).
          keepEmptyGroup: true,
        },
        Name.fromString(formatSlimService(channel)),
      );
      return host(app, connection, session);
    },
    async restore() {
      const restored = await app.restoreSessions(connection);
      const own = restored.filter(
        (session) => session.sessionType() === SessionType.Group && session.isInitiator(),
      );
      // Members who are away now are found offline; the channel is there all the same.
      await Promise.allSettled(own.map((session) => session.rejoinAndWait()));
      return own.map((session) => host(app, connection, session));
    },
  };
}

function host(app: App, connection: bigint, session: Session): HostedSession {
  const own = app.name().toDebugString();
  void passOver(session);
  return {
    channel: parseSlimName(session.destination().toString()),
    async invite(participant) {
      const name = Name.of(participant);
      try {
        await app.setRoute(name, connection);
      } catch (cause) {
        throw new ChannelManagerError("channel-manager/no-route", { cause });
      }
      await session.inviteAndWait(name);
    },
    async remove(participant) {
      await session.removeAndWait(Name.of(participant));
    },
    async members() {
      const members = await session.participantsList();
      return members.map(({ name, status }) => {
        const text = `${name.components().join("/")}/${name.id()}`;
        const online = status === ParticipantStatus.Online;
        return { name: parseSlimName(text), online, isHost: text === own };
      });
    },
    async close() {
      if (session.closed() === undefined) await session.closeAndWait();
    },
    async rest() {
      if (session.closed() === undefined) await session.closeWithModeAndWait(CloseMode.Soft);
    },
  };
}

/** What comes for a moderator that reads nothing would fill its queue. */
async function passOver(session: Session): Promise<void> {
  try {
    for await (const _ of session.messages());
  } catch {
    // The session has ended.
  }
}
