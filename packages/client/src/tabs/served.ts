import type { AsyncStreamProxy } from "../async-stream.ts";
import type { Client } from "../client.ts";
import type { Conversation } from "../conversation.ts";
import type { Conversations } from "../conversations.ts";
import type { Dm } from "../dm.ts";
import type { Group } from "../group.ts";
import type { Preferences } from "../preferences-api.ts";

/** A result as it reaches a tab: conversations are served ones. */
type Result<T> = T extends Group
  ? ServedGroup
  : T extends Dm
    ? ServedDm
    : T extends Conversation
      ? ServedGroup | ServedDm
      : T extends AsyncStreamProxy<infer V>
        ? AsyncStreamProxy<Result<V>>
        : T extends readonly (infer E)[]
          ? E extends Conversation
            ? Result<E>[]
            : T
          : T;

/** An object of the client as a tab has it: properties as last told, every method a promise. */
type Served<T, Without extends PropertyKey = never> = {
  readonly [K in Exclude<keyof T, Without>]: T[K] extends (...args: infer A) => infer R
    ? (...args: A) => Promise<Result<Awaited<R>>>
    : T[K];
};

export interface ServedGroup extends Served<Group> {
  readonly type: "group";
}
export interface ServedDm extends Served<Dm> {
  readonly type: "dm";
}
export type ServedConversations = Served<Conversations, "topic">;
export type ServedPreferences = Served<Preferences>;
/** What is asked of the client itself. */
export type ServedClient = Served<
  Pick<
    Client,
    | "canMessage"
    | "fetchInboxIdByIdentifier"
    | "fetchKeyPackageStatuses"
    | "removeAccount"
    | "changeRecoveryIdentifier"
    | "revokeInstallations"
    | "revokeAllOtherInstallations"
    | "rotateKeyPackage"
    | "signWithInstallationKey"
    | "verifySignedWithInstallationKey"
  >
>;
