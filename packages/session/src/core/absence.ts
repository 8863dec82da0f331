import type { Handle } from "./port.ts";
import type { MemberKey } from "./reliability/sender.ts";

export interface AbsenceOptions {
  readonly mls: boolean;
  /** A restored session begins away, and comes back by `rejoin` (SHB-16). */
  readonly away?: boolean | undefined;
  /** Whether somebody else moderates, whom we can ask for a place (SHB-13, SHB-20). */
  readonly follows: () => boolean;
  /** All other members, and those of them that are online. */
  readonly members: () => readonly MemberKey[];
  readonly online: () => readonly MemberKey[];
}

export interface AbsenceSink {
  /**
   * UPDATE_PARTICIPANT_STATE to the control name with the control timers, until all of these have answered (SHB-10, SHB-11). With
   * nobody to answer it is sent once, and `announced` is not to be called.
   */
  announce(state: "online" | "offline", expected: readonly MemberKey[]): void;
  /** REJOIN_REQUEST to the moderator with the control timers; with a new key package iff the session has MLS (SHB-13, SHB-20). */
  askBack(): void;
  /** Ends the timers of what was sent last: its answer does not matter any more. */
  withdraw(): void;
  /** What we know of a member's presence. */
  mark(member: MemberKey, online: boolean): void;
  /** Heartbeats go on, or stop. */
  present(isPresent: boolean): void;
  done(handle: Handle): void;
  failed(handle: Handle, why: "busy" | "unanswered"): void;
}

/**
 * Our own going away and coming back in a group (SHB-10, SHB-11, SHB-13, SHB-20): one change at a time. The owner tells of answers and
 * of the end of the timers; MLS and the roster are its own.
 */
export interface Absence {
  /** Away for the application: nothing is published, and what comes is refused but for the answers that bring us back. */
  readonly isAway: boolean;
  softClose(handle: Handle): void;
  rejoin(handle: Handle): void;
  /** Our view of the group is old: asks for a place without the application noticing (SHB-07, SHB-20, SML-33). One at a time. */
  repair(): void;
  /** GROUP_ACK of our announcement, by one member. */
  acknowledged(member: MemberKey): void;
  /** GROUP_NACK of it (SHB-13). */
  refused(member: MemberKey): void;
  /** What we asked the old one for, the new one gives. */
  moderatorChanged(): void;
  /** Everybody answered the announcement, or its retries ended. */
  announced(): void;
  /** REJOIN_REPLY was applied. */
  returned(): void;
  /** Nobody answered REJOIN_REQUEST. */
  unanswered(): void;
  /** Whether a change is under way. */
  readonly isChanging: boolean;
  /** The session ended. */
  close(): void;
}

type Step =
  /** OFFLINE is announced, to stay away or to ask for a place after it. */
  | { readonly kind: "leaving"; readonly thenAsk: boolean }
  /** ONLINE is announced. */
  | { readonly kind: "returning" }
  /** REJOIN_REQUEST was sent; `plainly`: where it fails, ONLINE is announced instead. */
  | { readonly kind: "asking"; readonly plainly: boolean };

export function createAbsence(options: AbsenceOptions, sink: AbsenceSink): Absence {
  const { mls, follows } = options;
  let away = options.away ?? false;
  /** Whether the others take us for offline. */
  let gone = away;
  let step: Step | undefined;
  let handle: Handle | undefined;

  function end(result: "done" | "unanswered"): void {
    const ended = handle;
    step = undefined;
    handle = undefined;
    if (ended === undefined) return;
    if (result === "done") sink.done(ended);
    else sink.failed(ended, result);
  }

  function begin(next: Handle | undefined): boolean {
    if (step === undefined) {
      handle = next;
      return true;
    }
    if (next !== undefined) sink.failed(next, "busy");
    return false;
  }

  function leave(thenAsk: boolean): void {
    step = { kind: "leaving", thenAsk };
    announce("offline", options.online());
  }

  function comeBack(): void {
    step = { kind: "returning" };
    for (const member of options.members()) sink.mark(member, false);
    announce("online", options.members());
  }

  function announce(state: "online" | "offline", expected: readonly MemberKey[]): void {
    sink.announce(state, expected);
    if (expected.length === 0) announced();
  }

  function announced(): void {
    if (step?.kind === "returning") {
      arrive();
    } else if (step?.kind === "leaving") {
      gone = true;
      if (step.thenAsk) {
        ask(true);
        return;
      }
      away = true;
      sink.present(false);
      end("done");
    }
  }

  function ask(plainly: boolean): void {
    step = { kind: "asking", plainly };
    sink.askBack();
  }

  function arrive(): void {
    away = false;
    gone = false;
    sink.present(true);
    end("done");
  }

  return {
    get isAway() {
      return away;
    },
    get isChanging() {
      return step !== undefined;
    },
    softClose(next) {
      if (!begin(next)) return;
      if (away) end("done");
      else leave(false);
    },
    rejoin(next) {
      if (!begin(next)) return;
      if (mls || !follows()) comeBack();
      // SHB-19, SHB-20: ONLINE is acknowledged whatever changed; the moderator serves who is offline, with the roster
      else if (gone) ask(true);
      else leave(true);
    },
    repair() {
      if (away || !follows() || !begin(undefined)) return;
      if (mls) ask(false);
      else leave(true);
    },
    acknowledged(member) {
      if (step?.kind === "returning") sink.mark(member, true);
    },
    refused() {
      // who moderates is nobody to be given a place: those that are behind ask for theirs once it is there
      if (step?.kind !== "returning" || !mls || !follows()) return;
      sink.withdraw();
      ask(false);
    },
    moderatorChanged() {
      if (step?.kind !== "asking") return;
      sink.withdraw();
      if (follows()) ask(step.plainly);
      else arrive();
    },
    announced,
    returned() {
      if (step?.kind !== "asking") return;
      sink.withdraw();
      arrive();
    },
    unanswered() {
      if (step?.kind !== "asking") return;
      if (step.plainly) comeBack();
      else end("unanswered");
    },
    close() {
      if (step !== undefined) sink.withdraw();
      end("unanswered");
    },
  };
}
