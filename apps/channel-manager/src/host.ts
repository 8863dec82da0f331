import type { SlimName } from "@coterie/wire/slim";

/** What hosted channels need of an app of sessions. */
export interface ChannelHost {
  /** Resolves once the moderator hears its channel: group, ten retries a second apart, MLS or not (SCM-02). */
  create(channel: SlimName, options: ChannelOptions): Promise<HostedSession>;
  /** Sessions of an earlier run, rejoined. */
  restore(): Promise<readonly HostedSession[]>;
}

export interface ChannelOptions {
  readonly mls: boolean;
  readonly metadata?: ReadonlyMap<string, string> | undefined;
}

/** A group session that this process moderates. */
export interface HostedSession {
  /** The channel, without an id. */
  readonly channel: SlimName;
  /** Resolves when the participant is in. A name with an id is that instance (SGR-03). Throws `no-route` and whatever else goes wrong. */
  invite(participant: SlimName): Promise<void>;
  remove(participant: SlimName): Promise<void>;
  /** Everybody with their ids, the moderator too. */
  members(): Promise<readonly HostedMember[]>;
  /** Ends the session for all; resolves when they have heard. */
  close(): Promise<void>;
  /** Goes offline and leaves the session to a later run. */
  rest(): Promise<void>;
}

export interface HostedMember {
  readonly name: SlimName;
  readonly online: boolean;
  /** It is this process, which sends and receives no data (SCT-28). */
  readonly isHost: boolean;
}
