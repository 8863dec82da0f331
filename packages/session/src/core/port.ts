import type { Clock, CoterieError } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import type { SlimIdentity, SlimVerifier } from "@coterie/identity/slim";
import type { Publish, SlimName } from "@coterie/wire/slim";

/** What a member does with data (SSN-10). */
export type Direction = "send" | "receive" | "both" | "none";

/** How one session works. */
export interface SessionSettings {
  readonly kind: "group" | "point-to-point";
  /** Travels in the invitation and becomes the participant's session metadata (SSN-11). */
  readonly metadata: ReadonlyMap<string, string>;
  /** Absent: messages are neither acknowledged nor ordered (SSN-05). */
  readonly reliability?: Timers | undefined;
  /** Absent: no MLS (SML-11). */
  readonly mls?: { readonly headerIntegrityPercent: number } | undefined;
  /** An unreliable group of our own members only (SGR-07). */
  readonly oursOnly?: boolean | undefined;
  /** Additions change the keys of the whole group, as removals do (SML-09). Released members take part (gate B13). Off by default. */
  readonly pathOnAdd?: boolean | undefined;
  /** Before an invitation, members of other makes whose credential has expired are removed and invited again (SML-22). */
  readonly reinviteExpired?: boolean | undefined;
  /** Of a group left with its moderator alone (SGR-35). */
  readonly keepEmptyGroup?: boolean | undefined;
  /** Of a group: nobody takes over when its moderator is lost (SHB-18). */
  readonly noSuccessor?: boolean | undefined;
  /** With MLS: types and metadata of messages travel sealed (SML-12). Native apps cannot read them then. */
  readonly sealMetadata?: boolean | undefined;
  /** A publish that not everybody acknowledged rejects (SRL-06). */
  readonly requireAll?: boolean | undefined;
}

/** Constant intervals (SSN-06). */
export interface Timers {
  readonly intervalMs: number;
  readonly maxRetries: number;
}

/** A connection of the app to a node, as the app numbers it. */
export type ConnectionId = bigint;
/** The caller's number for one operation that ends once. */
export type Handle = number;

/** Who invites, asked before a session is joined (SGR-21). */
export interface Invitation {
  readonly moderator: SlimName;
  readonly baseId: string;
  readonly sessionId: number;
  readonly kind: SessionSettings["kind"];
  /** Absent at discovery, which asks by the identity alone. */
  readonly channel?: SlimName | undefined;
  readonly metadata?: ReadonlyMap<string, string> | undefined;
}

/** What an app's core is made of. It holds no timer, opens no socket and reads no clock: whoever steps it does. */
export interface AppCoreParts {
  readonly crypto: CryptoProvider;
  /** Wall time, for lifetimes of key packages and the age of credentials (SML-05, SML-21); never for timers. */
  readonly clock: Clock;
  readonly identity: SlimIdentity;
  readonly verifier: SlimVerifier;
  /** Components of the app; its id is the hash of the token id (SNM-04). */
  readonly name: SlimName;
  readonly direction: Direction;
  /** Default false: nothing is stored and nothing can be restored; `persist` and `forget` never come. */
  readonly persistent?: boolean | undefined;
  /** Default false: an app may answer to several names. True: the base id of a token has to be the service that it speaks for (SSG-07). */
  readonly strictBaseId?: boolean | undefined;
  readonly onInvite?: ((invitation: Invitation) => "accept" | "reject") | undefined;
}

/** What happens to an app. Times come with `step`. */
export type AppInput =
  /** A message whose MAC was right. */
  | {
      readonly kind: "received";
      readonly publish: Publish;
      readonly metadata: ReadonlyMap<string, string>;
      readonly connection: ConnectionId;
    }
  /** The deadline of `wakeAt` has come. */
  | { readonly kind: "tick" }
  | { readonly kind: "subscribed"; readonly request: number; readonly error?: string | undefined }
  | { readonly kind: "disconnected"; readonly connection: ConnectionId }
  /** Given up for good; one that is dialled again keeps its number and says nothing here. */
  | { readonly kind: "answer-to" | "stop-answering-to"; readonly name: SlimName }
  | {
      readonly kind: "create";
      readonly handle: Handle;
      readonly settings: SessionSettings;
      readonly destination: SlimName;
      readonly connection: ConnectionId;
    }
  | {
      readonly kind: "invite" | "remove";
      readonly handle: Handle;
      readonly session: number;
      readonly name: SlimName;
    }
  | ({
      readonly kind: "publish";
      readonly handle: Handle;
      readonly session: number;
      /** One member alone (SRL-16). */ readonly to?: SlimName | undefined;
    } & Payload)
  /** SHB-18: to this member of ours, or to the first that may. */
  | {
      readonly kind: "hand-over";
      readonly handle: Handle;
      readonly session: number;
      readonly to?: SlimName | undefined;
    }
  | {
      readonly kind: "close" | "soft-close" | "rejoin";
      readonly handle: Handle;
      readonly session: number;
    }
  | {
      readonly kind: "restore";
      readonly session: number;
      readonly entries: ReadonlyMap<string, Uint8Array>;
      readonly connection: ConnectionId;
    };

/** Inputs of one kind. */
export type Input<Kind extends AppInput["kind"]> = Extract<AppInput, { readonly kind: Kind }>;

export interface Payload {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly metadata: ReadonlyMap<string, string>;
}

/** What the runtime does for it, in this order. */
export type AppEffect =
  /** One atomic batch, before anything that follows it (SHB-17). */
  | {
      readonly kind: "persist";
      readonly session: number;
      readonly puts: readonly (readonly [key: string, value: Uint8Array])[];
      readonly deletes: readonly string[];
    }
  | { readonly kind: "forget"; readonly session: number }
  /** Identity and signature stand in it; the connection stamps the MAC. */
  | {
      readonly kind: "send";
      readonly connection: ConnectionId;
      readonly publish: Publish;
      readonly metadata: ReadonlyMap<string, string>;
    }
  /** Answered by `subscribed` (SCN-32). */
  | {
      readonly kind: "subscribe" | "unsubscribe";
      readonly request: number;
      readonly connection: ConnectionId;
      readonly name: SlimName;
      readonly source: SlimName;
    }
  /** A session that we began has a number at once; `done` comes for a group then, too, and for a pair when the peer has joined (SPP-01). */
  | { readonly kind: "created"; readonly handle: Handle; readonly session: number }
  /** The operation of a handle ended. */
  | { readonly kind: "done"; readonly handle: Handle; readonly outcome: Outcome }
  | { readonly kind: "failed"; readonly handle: Handle; readonly error: CoterieError }
  /** A session that somebody else began (SGR-25). */
  | { readonly kind: "joined"; readonly session: number }
  | { readonly kind: "delivered"; readonly session: number; readonly item: Delivery }
  | {
      readonly kind: "closed";
      readonly session: number;
      readonly reason: "left" | "removed" | "closed-by-moderator" | "closed-by-us" | "disconnected";
    }
  /** Something was refused; counted, never with content. */
  | { readonly kind: "refused"; readonly reason: string; readonly session?: number | undefined };

/**
 * `session`: of a creation. `messageId`, `acked` and `missing`: of a publish (SRL-06), and of a removal that its subject did not answer. `expired`: of an
 * invitation, members whose credential is too old for others to verify (SML-22).
 */
export interface Outcome {
  readonly session?: number | undefined;
  readonly messageId?: number | undefined;
  readonly acked?: readonly SlimName[] | undefined;
  readonly missing?: readonly SlimName[] | undefined;
  readonly expired?: readonly SlimName[] | undefined;
}

/** What `getMessage` gives, in order (SRL-20). */
export type Delivery =
  | ({
      readonly kind: "message";
      readonly source: SlimName;
      readonly destination: SlimName;
      readonly identity: string;
      readonly messageId: number;
      readonly connection: ConnectionId;
    } & Payload)
  /** A gap that nobody can fill: so many messages from this one on (SRL-14). */
  | {
      readonly kind: "lost";
      readonly source: SlimName;
      readonly messageId: number;
      readonly count: number;
    }
  /** A member left by itself, or was taken for gone. */
  | { readonly kind: "disconnected"; readonly name: SlimName };

export interface MemberView {
  readonly name: SlimName;
  readonly online: boolean;
  /** An app of this library (SSN-21); undefined: nothing was heard of it yet. */
  readonly ours: boolean | undefined;
}

/** What can be read of a session at any time. */
export interface SessionView {
  readonly id: number;
  readonly settings: SessionSettings;
  readonly isInitiator: boolean;
  readonly source: SlimName;
  readonly destination: SlimName;
  readonly moderator: SlimName;
  readonly members: readonly MemberView[];
  /** Undefined without MLS. */
  readonly epoch: bigint | undefined;
}

/**
 * All sessions of one app. `nowMs` never goes back (a monotonic reading); tokens have a clock of their own. A step that throws is a bug: every bad
 * input is an effect.
 */
export interface AppCore {
  readonly name: SlimName;
  step(input: AppInput, nowMs: number): readonly AppEffect[];
  /** When to step with a tick, in the same milliseconds. */
  readonly wakeAt: number | undefined;
  session(id: number): SessionView | undefined;
}
