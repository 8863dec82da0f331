import type { Invitation as CoreInvitation } from "../core/port.ts";
import type { Scheduler } from "../runtime/scheduler.ts";
import { SessionType } from "./enums.ts";
import { Name } from "./name.ts";

/** Who asks this app into a session, and into which (SGR-21). */
export interface Invitation {
  readonly moderator: Name;
  /** Of the moderator's token: what a policy should go by (SID-08). */
  readonly baseId: string;
  readonly sessionId: number;
  readonly sessionType: SessionType;
  /** Of a group. */
  readonly channel?: Name | undefined;
  readonly metadata: ReadonlyMap<string, string>;
}

/** `deny` is silence: whoever invites learns no more than if this app were not there. `ask` leaves it to whoever is asked. */
export type InviteAnswer = "accept" | "ask" | "deny";

/** Decides over an invitation, at once or in its time. */
export type InvitePolicy = (invitation: Invitation) => InviteAnswer | Promise<InviteAnswer>;

/** Somebody to ask, such as the person in front of the screen. */
export type InviteAsker = (invitation: Invitation) => Promise<"accept" | "deny">;

/** A policy as a core can ask it. */
export interface InviteGate {
  /** `again` has the core asked once more. */
  decide(invitation: CoreInvitation, again: (() => void) | undefined): "accept" | "reject";
  use(policy: InvitePolicy | undefined, ask: InviteAsker | undefined): void;
}

const maxAsked = 256;
/** An invitation is repeated for some seconds: so long one answer holds. */
const denialMs = 60_000;

/**
 * Puts a policy that may take its time in front of a core that wants to know at once: until the answer is there the core hears "reject", and
 * `again` has it asked once more.
 */
export function createInviteGate(scheduler: Scheduler): InviteGate {
  let policy: InvitePolicy | undefined;
  let ask: InviteAsker | undefined;
  const answers = new Map<string, "asked" | "accept" | "deny">();

  const decideLater = async (
    key: string,
    again: (() => void) | undefined,
    invitation: Invitation,
    first: InviteAnswer | Promise<InviteAnswer>,
  ): Promise<void> => {
    if (answers.size >= maxAsked) answers.delete(answers.keys().next().value as string);
    answers.set(key, "asked");
    let answer: InviteAnswer = "deny";
    try {
      answer = await first;
      if (answer === "ask") answer = (await ask?.(invitation)) ?? "deny";
    } catch {
      // whoever cannot say yes says no
    }
    if (answer === "accept") {
      answers.set(key, "accept");
      again?.();
    } else {
      answers.set(key, "deny");
      scheduler.later(denialMs, () => answers.delete(key));
    }
  };

  return {
    use(nextPolicy, nextAsk) {
      policy = nextPolicy;
      ask = nextAsk;
      answers.clear();
    },
    decide(core, again) {
      // discovery knows no more than who asks: the whole is asked when the invitation comes (SGR-21)
      if (policy === undefined || core.metadata === undefined) return "accept";
      const invitation = invitationOf(core);
      const key = `${core.sessionId} ${invitation.moderator.toDebugString()}`;
      const known = answers.get(key);
      if (known === "accept") answers.delete(key);
      if (known !== undefined) return known === "accept" ? "accept" : "reject";
      let answer: InviteAnswer | Promise<InviteAnswer>;
      try {
        answer = policy(invitation);
      } catch {
        return "reject";
      }
      if (answer === "accept") return "accept";
      if (answer === "deny") return "reject";
      void decideLater(key, again, invitation, answer);
      return "reject";
    },
  };
}

function invitationOf(core: CoreInvitation): Invitation {
  return {
    moderator: Name.of(core.moderator),
    baseId: core.baseId,
    sessionId: core.sessionId,
    sessionType: core.kind === "group" ? SessionType.Group : SessionType.PointToPoint,
    channel: core.channel && Name.of(core.channel),
    metadata: core.metadata ?? new Map(),
  };
}
