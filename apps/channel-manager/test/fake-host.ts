import { formatSlimService, parseSlimName, slimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import type { ChannelHost, ChannelOptions, HostedSession } from "@coterie/channel-manager";

export interface FakeHost extends ChannelHost {
  readonly created: { readonly channel: string; readonly options: ChannelOptions }[];
  /** What happened, in order. */
  readonly story: string[];
  /** Names that nobody answers to. */
  readonly absent: Set<string>;
  /** Resolves or rejects what is under way where a test wants to decide when. */
  hold: Promise<void> | undefined;
}

/** Sessions without any network: everybody who is invited is there at once. */
export function fakeHost(earlier: readonly string[] = []): FakeHost {
  const story: string[] = [];
  const moderator: SlimName = { ...slimName("agntcy", "ns", "channel-manager"), id: 1n };
  let nextId = 16n;
  const host: FakeHost = {
    created: [],
    story,
    absent: new Set(),
    hold: undefined,
    async create(channel, options) {
      host.created.push({ channel: formatSlimService(channel), options });
      await host.hold;
      if (host.absent.has(formatSlimService(channel))) throw new Error("subscription refused");
      return session(channel);
    },
    restore: async () => earlier.map((name) => session(parseSlimName(name))),
  };
  function session(channel: SlimName): HostedSession {
    const members: SlimName[] = [moderator];
    const about = formatSlimService(channel);
    return {
      channel,
      async invite(participant) {
        await host.hold;
        const service = formatSlimService(participant);
        if (host.absent.has(service)) throw new Error("message send retries exhausted for id=7");
        members.push({ ...participant, id: participant.id ?? (nextId += 1n) });
        story.push(`invited ${service} to ${about}`);
      },
      async remove(participant) {
        const service = formatSlimService(participant);
        if (host.absent.has(service)) throw new Error("message send retries exhausted for id=8");
        const at = members.findIndex(({ id }) => id === participant.id);
        members.splice(at, 1);
        story.push(`removed ${service} from ${about}`);
      },
      members: async () =>
        members.map((name) => ({ name, online: true, isHost: name === moderator })),
      async close() {
        story.push(`closing ${about}`);
        await host.hold;
      },
      async rest() {
        story.push(`resting ${about}`);
      },
    };
  }
  return host;
}
