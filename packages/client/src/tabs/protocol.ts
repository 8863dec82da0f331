import type { Disposition, ErrorDetails } from "@coterie/base";
import type { PublicIdentifier } from "@coterie/identity";

// What tabs of one origin say to each other. All of it can be cloned.

/** What a call is made on. */
export type Target =
  | { readonly kind: "client" | "conversations" | "preferences" }
  | { readonly kind: "conversation"; readonly id: string };

export interface Call {
  /** Unique among all tabs. */
  readonly id: string;
  readonly target: Target;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** Who the client of all tabs is. */
export interface OwnFacts {
  readonly inboxId: string;
  readonly installationId: string;
  readonly accountIdentifier: PublicIdentifier;
}

/** A conversation as its getters told when it was sent. */
export interface ConversationFacts {
  readonly id: string;
  readonly type: "group" | "dm";
  readonly values: Readonly<Record<string, unknown>>;
}

export interface TabError {
  readonly code: string | undefined;
  readonly disposition: Disposition | undefined;
  readonly details: ErrorDetails;
  readonly message: string;
}

export type TabValue =
  | { readonly kind: "plain"; readonly value: unknown }
  | { readonly kind: "conversation"; readonly facts: ConversationFacts }
  | { readonly kind: "conversations"; readonly facts: readonly ConversationFacts[] }
  /** The values follow as stream events with the id of the call. */
  | { readonly kind: "stream" };

export type Answer =
  | {
      readonly kind: "value";
      readonly value: TabValue;
      /** What is true now of the conversation that the call was made on. */
      readonly about: ConversationFacts | undefined;
    }
  | { readonly kind: "error"; readonly error: TabError };

export type StreamEvent =
  | {
      readonly kind: "value";
      readonly value: TabValue;
      readonly about: ConversationFacts | undefined;
    }
  | { readonly kind: "end" }
  | { readonly kind: "fail"; readonly error: TabError }
  | { readonly kind: "restart" };

export type TabMessage =
  | { readonly kind: "hello" }
  | { readonly kind: "leader"; readonly from: string; readonly own: OwnFacts }
  | { readonly kind: "call"; readonly from: string; readonly to: string; readonly call: Call }
  | { readonly kind: "answer"; readonly to: string; readonly id: string; readonly answer: Answer }
  | {
      readonly kind: "stream";
      readonly to: string;
      readonly id: string;
      readonly event: StreamEvent;
    }
  | { readonly kind: "end-stream"; readonly to: string; readonly id: string };
