import type { Session } from "./model.ts";
import type { SessionView } from "./port.ts";

export function viewOf(session: Session): SessionView {
  return {
    id: session.id,
    settings: session.settings,
    isInitiator: session.isInitiator,
    source: session.source.name,
    destination: session.destination.name,
    moderator: session.moderator.name,
    members: (session.view ??= [...session.roster.values()].map(({ name, online, ours, key }) => ({
      name: name.name,
      online,
      ours: ours || key !== undefined ? ours : undefined,
    }))),
    epoch: session.mls?.group?.epoch,
  };
}
