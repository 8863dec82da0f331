import { openSharedClient } from "@coterie/client/browser";
import type {
  DecodedMessage,
  PublicIdentifier,
  ServedDm,
  ServedGroup,
  SharedClient,
  Signer,
} from "@coterie/client/browser";

export type Names = ReadonlyMap<string, string>;

export type ServedConversation = ServedGroup | ServedDm;

/** The client of this page and what comes in, told to whoever shows it. */
export interface Session {
  readonly client: SharedClient;
  /** Hears of each message; of undefined where all may have changed. Returns how to stop. */
  onNews(listener: (message: DecodedMessage | undefined) => void): () => void;
  /** What to call people: their address, shortened. */
  namesOf(inboxIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

interface Config {
  readonly nodeUrl: string;
}

export async function openSession(who: Signer | PublicIdentifier): Promise<Session> {
  const response = await fetch("./config.json");
  const { nodeUrl } = (await response.json()) as Config;
  const client = await openSharedClient(who, { apiUrl: nodeUrl, appVersion: "coterie-chat/0.1.0" });
  const listeners = new Set<(message: DecodedMessage | undefined) => void>();
  const tell = (message: DecodedMessage | undefined): void => {
    for (const listener of listeners) listener(message);
  };
  const onRestart = (): void => tell(undefined);
  const catchUp = (): void => {
    void client.conversations
      .syncAll()
      .catch(() => undefined)
      .then(onRestart);
  };
  // What was missed while the page was closed comes first; the streams wait for nobody.
  catchUp();
  // Streams try again by themselves, but less and less often.
  addEventListener("online", catchUp);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") catchUp();
  });
  void client.conversations.streamAllMessages({
    onValue: tell,
    onRestart,
    retryAttempts: Number.POSITIVE_INFINITY,
  });
  void client.conversations.stream({
    onValue: () => tell(undefined),
    onRestart,
    retryAttempts: Number.POSITIVE_INFINITY,
  });
  client.onLeader(onRestart);
  const names = new Map<string, string>([[client.inboxId, "You"]]);
  return {
    client,
    async namesOf(inboxIds) {
      const unknown = inboxIds.filter((id) => !names.has(id));
      const states = unknown.length > 0 ? await client.preferences.getInboxStates(unknown) : [];
      for (const { inboxId, identifiers } of states) {
        const [first] = identifiers;
        if (first) names.set(inboxId, shortId(first.identifier));
      }
      return names;
    },
    onNews(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** What to call a conversation. */
export function titleOf(conversation: ServedConversation, names: Names): string {
  if (conversation.type === "dm") {
    return names.get(conversation.peerInboxId) ?? shortId(conversation.peerInboxId);
  }
  return conversation.name || "Unnamed group";
}

export function shortId(id: string): string {
  return `${id.slice(0, 6)}…${id.slice(-4)}`;
}

/** Whether what failed may go through later by itself. */
export function canHeal(error: unknown): boolean {
  const { disposition } = error as { readonly disposition?: string };
  return disposition === "retry" || disposition === "wait";
}

/** A failure in words, with its code. */
export function wordsOf(error: unknown): string {
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  if (code === "client/address-not-found") return "Nobody can be reached at this address.";
  if (code === "client/insufficient-permissions") return "The rules of this group do not let you.";
  if (code === "client/group-inactive") return "You are no longer in this group.";
  if (code === "transport/unavailable") return "The node cannot be reached. Try again.";
  if (code === "client/interrupted") return "That was interrupted. Look whether it happened.";
  return message ?? String(error);
}
