/** What the stage asks of an actor's process. Plain data: it crosses a process boundary. */
export type Ask =
  | {
      readonly op: "open";
      readonly apiUrl: string;
      readonly folder: string;
      readonly wallet: string;
      readonly dbKey: string;
    }
  | { readonly op: "create-group"; readonly name: string; readonly inboxIds: readonly string[] }
  | { readonly op: "send"; readonly groupId: string; readonly text: string }
  | { readonly op: "look"; readonly groupId: string }
  | { readonly op: "add"; readonly groupId: string; readonly inboxId: string }
  | { readonly op: "remove"; readonly groupId: string; readonly inboxId: string }
  | { readonly op: "rename"; readonly groupId: string; readonly name: string }
  | { readonly op: "promote"; readonly groupId: string; readonly inboxId: string }
  | { readonly op: "close" };

export interface Opened {
  readonly inboxId: string;
  readonly address: string;
}

export interface Look {
  readonly name: string;
  readonly active: boolean;
  readonly epoch: bigint;
  readonly members: readonly string[];
  /** Texts in the order of the group, as this actor can read them. */
  readonly texts: readonly string[];
}

/** One field per answer to an {@link Ask}. */
export interface Answers {
  open: Opened;
  "create-group": { readonly groupId: string };
  send: { readonly sentAt: number };
  look: Look;
  add: Record<never, never>;
  remove: Record<never, never>;
  rename: Record<never, never>;
  promote: Record<never, never>;
  close: Record<never, never>;
}

export type ToActor = { readonly id: number; readonly ask: Ask };

export type FromActor =
  | {
      readonly kind: "answer";
      readonly id: number;
      readonly value: unknown;
      readonly tookMs: number;
    }
  | {
      readonly kind: "refusal";
      readonly id: number;
      readonly code: string;
      readonly reason: string;
      readonly tookMs: number;
    }
  /** A message that arrived on the actor's stream. `at` is wall-clock milliseconds with a fraction. */
  | {
      readonly kind: "heard";
      readonly groupId: string;
      readonly text: string;
      readonly at: number;
    };
