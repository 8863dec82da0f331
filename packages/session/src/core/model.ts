import type { ParticipantSettings } from "@coterie/wire/slim";
import type { Absence } from "./absence.ts";
import type { Answers } from "./answers.ts";
import type { Command } from "./command.ts";
import type { DiscoveryLimit } from "./discovery-limit.ts";
import type { SessionMls } from "./mls-state.ts";
import type { KnownName, NameBook } from "./names.ts";
import type {
  AppCoreParts,
  AppEffect,
  ConnectionId,
  Delivery,
  Direction,
  Handle,
  MemberView,
  Outcome,
  SessionSettings,
  Timers,
} from "./port.ts";
import type { Received } from "./received.ts";
import type { Presence } from "./presence.ts";
import type { Held } from "./reliability/held.ts";
import type { Receiver } from "./reliability/receiver.ts";
import type { Sender } from "./reliability/sender.ts";
import type { ReplayGuard } from "./replay.ts";
import type { Wakes } from "./wakes.ts";

// What the parts of the core share. All of it but names, settings and MLS groups may change in place.

/** A request to a node to send us what goes to a name, or to stop. */
export interface Subscription {
  readonly session: number;
  state: "open" | "done" | "failed";
  readonly until: number;
}

/** What all parts of one app's core share during a step. */
export interface Context {
  readonly parts: AppCoreParts;
  readonly names: NameBook;
  readonly own: KnownName;
  /** Services that this app answers to (SGR-20). */
  readonly answersTo: Set<string>;
  readonly sessions: Map<number, Session>;
  readonly answers: Answers;
  readonly discoveries: DiscoveryLimit;
  readonly subscriptions: Map<number, Subscription>;
  nextRequest: number;
  /** Of this step. */
  now: number;
  out: AppEffect[];
  /** Go before all others. */
  saves: AppEffect[];
  readonly touched: Set<Session>;
  readonly wakes: Wakes<Session>;
  /** The next data id in sessions that ended, for when we are invited again (SRL-23). */
  readonly sequences: Map<number, number>;
}

export interface Member {
  readonly name: KnownName;
  settings: ParticipantSettings;
  online: boolean;
  /** SSN-21. */
  ours: boolean;
  /** Of the moderator's MLS group. */
  leaf?: number | undefined;
  /** When it fell silent; undefined of one that is online, or said that it goes. */
  goneAt?: number | undefined;
  /** The key that its messages come with. */
  key?: Uint8Array | undefined;
  /** Of the leaf that sealed its last message to us. */
  leafKey?: Uint8Array | undefined;
  /** Unix seconds: when the token in its leaf ends (SML-22). */
  credentialUntil?: number | undefined;
}

/**
 * `joining`: invited, not welcomed yet. `draining`: takes nothing new and waits for what is open (SSN-13). `closed`: forgotten after this
 * step.
 */
type Phase = "joining" | "open" | "draining" | "closed";

/** One session. Everything in it may change in place; MLS groups are values. */
export interface Session {
  readonly id: number;
  readonly settings: SessionSettings;
  /** We began it. */
  readonly isInitiator: boolean;
  readonly connection: ConnectionId;
  /** What this member does with data. */
  readonly direction: Direction;
  phase: Phase;
  /** SSN-03. */
  readonly source: KnownName;
  /** The data channel, or the peer; of a pair that is not bound yet, the name as it was given (SPP-02). */
  destination: KnownName;
  /** Of a group. */
  readonly control: KnownName | undefined;
  moderator: KnownName;
  /** By key, ourselves included. */
  readonly roster: Map<string, Member>;
  readonly asks: Set<Ask>;
  readonly tasks: Tasks;
  readonly seen: ReplayGuard;
  readonly data: DataFlow;
  readonly presence: Presence;
  readonly absence: Absence;
  /** UPDATE_PARTICIPANT_STATE of ours that is being answered (SHB-10, SHB-11). */
  announcement: Ask | undefined;
  /** REJOIN_REQUEST of ours (SHB-13). */
  plea: Ask | undefined;
  /** When a Welcome gave us our place anew, on the clock of steps. */
  regainedAt: number | undefined;
  /** REJOIN_REQUESTs to serve, the latest of each member (SHB-14). */
  readonly returning: Map<string, Received>;
  /** Messages of sources that are in no roster yet (SRL-17). */
  readonly held: Held<Received>;
  /** When members were taken out, on the clock of steps. */
  readonly expelled: Map<string, number>;
  /** When the last of those made us ask for the roster. */
  strangersAt: number | undefined;
  /** Members that left messages unacknowledged in this step. */
  readonly silent: Set<string>;
  readonly succession: Succession;
  /** The moderator waits for its successor. */
  handingOver: boolean;
  /** Letters of members of ours, to be read at the end of what is going on. */
  letters: Message[];
  mls: SessionMls | undefined;
  /** Both channel names of a group; empty in a pair. */
  subscriptions: readonly Subscription[];
  subscribed: boolean;
  /** Full names that discovery found, by service, until they have joined (SGR-15). */
  readonly found: Map<string, { readonly name: KnownName; joinFailed: boolean }>;
  /** While joining: when to give up (SSN-14). */
  joinUntil: number | undefined;
  /** Of a task that waits for a time. */
  waitUntil: number | undefined;
  /** Welcomes to acknowledge once the channel is subscribed to (SGR-24). */
  welcomes: Received[];
  /** A pair that never came to be (SPP-01). */
  failed: boolean;
  /** State changed that has to be stored before what was sent goes out. */
  readonly unsaved: Set<string>;
  /** The next data id as it was stored. */
  savedId: number | undefined;
  /** The same array until somebody comes, goes or is away. */
  view: readonly MemberView[] | undefined;
}

/** A member's signed word on who moderates a session from now on (SHB-18): the moderator's own, or one vote of many. */
export interface Warrant {
  readonly kind: "handover" | "vote";
  readonly session: number;
  /** Keys of the members that moderated and is to moderate. */
  readonly from: string;
  readonly successor: string;
  /** All zeros without MLS. */
  readonly epoch: bigint;
  readonly commitId: number;
  /** Unix seconds. */
  readonly issuedAt: number;
  readonly signer: string;
  /** Of the signer, then: it names the key for those who never heard of it. */
  readonly token: string;
  readonly signature: Uint8Array;
}

/** Who moderates next (SHB-18). */
export interface Succession {
  /** Ours, and until when it binds us. */
  vote: { readonly from: string; readonly successor: string; readonly until: number } | undefined;
  /** Those for us, while we claim the place. */
  votes: Map<string, Warrant> | undefined;
  /** When to claim it. */
  claimAt: number | undefined;
  /** Unix seconds: of the words that made the last change; older ones count no more. */
  since: number;
  /** What made us moderator, for those who do not know yet. */
  proof: string | undefined;
  /** Those, with how often they are still to be told. */
  untold: Map<string, number>;
  readonly telling: Map<string, Ask>;
}

/** A command that wants answers, and its timer (SSN-06). */
export interface Ask {
  command: Command;
  /** More than one where later repetitions got a number of their own. */
  readonly ids: Set<number>;
  readonly replyTypes: readonly number[];
  /** By key; of a discovery by service, because who answers is what it asks. */
  readonly missing: Map<string, KnownName>;
  readonly replies: Received[];
  readonly renews: boolean;
  readonly timers: Timers;
  /** Of a GROUP_UPDATE with a commit: who is in this epoch has had it (SML-34). */
  readonly epoch: bigint | undefined;
  state: "open" | "done" | "failed";
  sent: number;
  nextAt: number;
}

/**
 * Work of a session that waits in between, written in the order in which it happens. It yields while it waits and is asked to go on after
 * every event of its session. All that it waits for ends by itself, so it ends, too (SGR-14).
 */
export type Work = Generator<undefined, Outcome, undefined>;

interface Task {
  readonly handle: Handle | undefined;
  readonly start: () => Work;
  work: Work | undefined;
}

/** One task at a time, the others wait in order; what runs beside them is only what ends the session. */
export interface Tasks {
  readonly queue: Task[];
  current: Task | undefined;
  /** The current one is at work now, and whatever it does to the session it reports its own end. */
  running: boolean;
}

export type Message = Delivery & { readonly kind: "message" };

/** Application messages of one session, in both directions. */
export interface DataFlow {
  readonly sender: Sender;
  readonly receiver: Receiver<Message>;
  /** Sealed in an epoch that we have not reached; opened after the next commit. */
  ahead: Received[];
  /** Ids that could not be opened, of sources that are in no roster yet (SRL-26). */
  unread: { readonly key: string; readonly id: number }[];
}
