import { useEffect, useState } from "preact/hooks";
import type { DecodedMessage } from "@coterie/client/browser";
import type { Names, ServedConversation, Session } from "./session.ts";

/** All conversations, the last active first, as they are now. */
export function useConversations({ client, onNews }: Session): readonly ServedConversation[] {
  const [list, setList] = useState<readonly ServedConversation[]>([]);
  useEffect(() => {
    let stale = false;
    const load = async (): Promise<void> => {
      const found = await client.conversations.list({ orderBy: 1 });
      if (!stale) setList(found);
    };
    const refresh = latestOnly(load);
    refresh();
    const stop = onNews(refresh);
    return () => {
      stale = true;
      stop();
    };
  }, [client, onNews]);
  return list;
}

export interface MessagesView {
  readonly messages: readonly DecodedMessage[];
  readonly refresh: () => void;
}

/** The newest messages of one conversation, the oldest first. */
export function useMessages(session: Session, conversation: ServedConversation): MessagesView {
  const [view, setView] = useState<MessagesView>({ messages: [], refresh: () => {} });
  useEffect(() => {
    let stale = false;
    const load = async (): Promise<void> => {
      const newest = await conversation.messages({ limit: 200, direction: 1 });
      if (!stale) setView({ messages: newest.toReversed(), refresh });
    };
    const refresh = latestOnly(load);
    refresh();
    const stop = session.onNews((message) => {
      // DMs show messages of their duplicates too.
      if (message && message.conversationId !== conversation.id && conversation.type === "group") {
        return;
      }
      refresh();
    });
    return () => {
      stale = true;
      stop();
    };
  }, [session, conversation]);
  return view;
}

/** What to call these people. */
export function useNames(session: Session, inboxIds: readonly string[]): Names {
  const [names, setNames] = useState<Names>(new Map());
  const asked = [...new Set(inboxIds)].toSorted().join();
  useEffect(() => {
    let stale = false;
    void session.namesOf(asked === "" ? [] : asked.split(",")).then((found) => {
      if (!stale) setNames(new Map(found));
    });
    return () => {
      stale = true;
    };
  }, [session, asked]);
  return names;
}

/** Runs once more after the run under way, however often it is asked meanwhile. */
function latestOnly(work: () => Promise<void>): () => void {
  let running = false;
  let again = false;
  return function run(): void {
    if (running) {
      again = true;
      return;
    }
    running = true;
    work()
      .catch(() => undefined)
      .finally(() => {
        running = false;
        if (!again) return;
        again = false;
        run();
      });
  };
}
