import type { SlimName } from "@coterie/wire/slim";

/** A conversation of two about channels: point-to-point, reliable, with MLS (SCT-25). */
export interface ControlSession {
  readonly hasMls: boolean;
  /** Resolves when the other side has it. */
  send(payload: Uint8Array, payloadType: string): Promise<void>;
  /** The next message; rejects at the end of the session. */
  receive(): Promise<ControlMessage>;
  close(): Promise<void>;
}

export interface ControlMessage {
  readonly source: SlimName;
  readonly payloadType: string;
  readonly payload: Uint8Array;
  /** The sender's token. */
  readonly identity: string;
}

/** A group session that this app moderates on somebody's word. */
export interface ControlledChannel {
  readonly channel: SlimName;
  readonly metadata: ReadonlyMap<string, string>;
  readonly isOver: boolean;
  /** Not any more once it was handed over, or taken by a successor (SHB-18). */
  readonly isModerator: boolean;
  /** Resolves when the participant is in. */
  invite(name: SlimName): Promise<void>;
  remove(name: SlimName): Promise<void>;
  members(): Promise<readonly ControlledMember[]>;
  close(): Promise<void>;
}

export interface ControlledMember {
  readonly name: SlimName;
  readonly online: boolean;
}

export interface ChannelSettings {
  readonly mls: boolean;
  readonly intervalMs: number;
  readonly maxRetries: number;
  readonly metadata: ReadonlyMap<string, string>;
}

/** What a controller needs of an app. */
export interface ControlledApp {
  /** With its id. */
  readonly name: SlimName;
  /** Resolves once the channel is heard; the application finds the session like one that others began (SCT-27). */
  createChannel(channel: SlimName, settings: ChannelSettings): Promise<ControlledChannel>;
  /** Sessions of earlier runs. */
  channels(): readonly ControlledChannel[];
}
