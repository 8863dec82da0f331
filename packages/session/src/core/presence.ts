import type { MemberKey } from "./reliability/sender.ts";

export interface PresenceOptions {
  /** Our MLS epoch; undefined without MLS. */
  readonly epoch: () => bigint | undefined;
  /** Whether we follow somebody's commits, and so can have missed one (SHB-07). */
  readonly follows: () => boolean;
}

export interface PresenceSink {
  /** HEARTBEAT with this epoch (SHB-03), to the control name or to the peer. */
  heartbeat(epoch: bigint): void;
  /** Its acknowledgements count again. */
  online(member: MemberKey): void;
  /** They do not count any more (SHB-06). */
  offline(member: MemberKey): void;
  /** A commit never reached us (SHB-07): REJOIN_REQUEST is due. */
  behind(): void;
}

/** Who of the other members is there, as far as we know; and that they know of us. */
export interface Presence {
  readonly wakeAt: number | undefined;
  /** Heartbeats from now on: at creation, and for a participant once its welcome is acknowledged (SHB-01). */
  start(nowMs: number): void;
  /** None while we are away (SHB-10). */
  stop(): void;
  /** A member came, or was listed. `online` tells what is known of it; nothing is told to the sink. */
  set(member: MemberKey, online: boolean): void;
  remove(member: MemberKey): void;
  isOnline(member: MemberKey): boolean;
  readonly onlineMembers: readonly MemberKey[];
  /** Any message of it (SHB-04). */
  heard(member: MemberKey): void;
  /** We published, or sent a command to the group name (SHB-02). */
  sentToGroup(): void;
  /** HEARTBEAT from it. */
  heartbeat(member: MemberKey, epoch: bigint, nowMs: number): void;
  /** UPDATE_PARTICIPANT_STATE of a member about itself (SHB-12): what to answer, if anything. */
  stateChange(member: MemberKey, to: "online" | "offline", epoch: bigint): "ack" | "nack" | "none";
  /** Known from elsewhere: it acknowledged our return, or left messages unacknowledged (SHB-06, SHB-11). */
  mark(member: MemberKey, online: boolean): void;
  tick(nowMs: number): void;
}

/** SHB-03: no MLS, or not in the group yet. */
export const noEpoch: bigint = 2n ** 64n - 1n;
export const heartbeatMs = 10_000;
const missedToOffline = 3;
/** A peer's heartbeat may overtake the commit that it tells of. */
const graceMs = 1000;

interface Peer {
  online: boolean;
  missed: number;
}

export function createPresence(options: PresenceOptions, sink: PresenceSink): Presence {
  const peers = new Map<MemberKey, Peer>();
  let nextTick: number | undefined;
  let busy = false;
  let forced = false;
  let ahead: { readonly epoch: bigint; readonly at: number } | undefined;

  function mark(member: MemberKey, online: boolean): void {
    const peer = peers.get(member);
    if (peer === undefined) return;
    if (online) peer.missed = 0;
    if (peer.online === online) return;
    peer.online = online;
    if (online) sink.online(member);
    else sink.offline(member);
  }

  /** SHB-05, SHB-12: without MLS there is nothing to have missed. */
  function isCurrent(epoch: bigint): boolean {
    const ours = options.epoch();
    return ours === undefined || epoch === ours;
  }

  function beat(): void {
    const nobody = [...peers.values()].every((peer) => !peer.online);
    // SHB-02
    if (!busy || forced || nobody) sink.heartbeat(options.epoch() ?? noEpoch);
    busy = false;
    forced = false;
  }

  return {
    get wakeAt() {
      if (nextTick === undefined || ahead === undefined) return nextTick ?? ahead?.at;
      return Math.min(nextTick, ahead.at);
    },
    start(nowMs) {
      nextTick = nowMs + heartbeatMs;
      for (const peer of peers.values()) peer.missed = 0;
    },
    stop() {
      nextTick = undefined;
      ahead = undefined;
    },
    set(member, online) {
      peers.set(member, { online, missed: 0 });
    },
    remove(member) {
      peers.delete(member);
    },
    isOnline: (member) => peers.get(member)?.online === true,
    get onlineMembers() {
      return [...peers].filter(([, peer]) => peer.online).map(([member]) => member);
    },
    heard(member) {
      const peer = peers.get(member);
      if (peer !== undefined) peer.missed = 0;
    },
    sentToGroup() {
      busy = true;
    },
    heartbeat(member, epoch, nowMs) {
      const peer = peers.get(member);
      if (peer === undefined) return;
      peer.missed = 0;
      if (!peer.online) {
        forced = true;
        if (isCurrent(epoch)) mark(member, true);
      }
      const ours = options.epoch();
      if (ours === undefined || epoch === noEpoch || epoch <= ours || !options.follows()) return;
      ahead ??= { epoch, at: nowMs + graceMs };
    },
    stateChange(member, to, epoch) {
      const peer = peers.get(member);
      if (peer === undefined) return "none";
      if (to === "offline") {
        if (!peer.online) return "none";
        mark(member, false);
        return "ack";
      }
      if (!isCurrent(epoch)) return "nack";
      mark(member, true);
      return "ack";
    },
    mark,
    tick(nowMs) {
      if (nextTick !== undefined && nextTick <= nowMs) {
        // after a long sleep of ours one tick, not all those that were missed: the peers were not asleep
        nextTick = nowMs + heartbeatMs;
        for (const [member, peer] of peers) {
          peer.missed += 1;
          if (peer.missed >= missedToOffline) mark(member, false);
        }
        beat();
      }
      if (ahead !== undefined && ahead.at <= nowMs) {
        const missed = ahead.epoch > (options.epoch() ?? noEpoch);
        ahead = undefined;
        if (missed) sink.behind();
      }
    },
  };
}
