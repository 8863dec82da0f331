import { useEffect, useRef, useState } from "preact/hooks";
import type { VNode } from "preact";
import { useMessages, useNames } from "./hooks.ts";
import { Members } from "./members.tsx";
import { MessageItem, peopleIn } from "./message.tsx";
import { canHeal, wordsOf } from "./session.ts";
import type { ServedConversation, Session } from "./session.ts";

interface ConversationProps {
  readonly session: Session;
  readonly conversation: ServedConversation;
  readonly title: string;
  readonly onBack: () => void;
}

export function ConversationView(props: ConversationProps): VNode {
  const { session, conversation, title, onBack } = props;
  const { messages, refresh } = useMessages(session, conversation);
  const names = useNames(session, messages.flatMap(peopleIn));
  const [showMembers, setShowMembers] = useState(false);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [sending, setSending] = useState(0);
  const [waiting, setWaiting] = useState(false);
  const list = useRef<HTMLOListElement>(null);
  const lastId = messages.at(-1)?.id;

  useEffect(() => {
    if (conversation.isActive) void conversation.sync().then(refresh, () => undefined);
  }, [conversation.id]);
  // The newest is what one looks for.
  useEffect(() => {
    list.current?.lastElementChild?.scrollIntoView({ block: "end" });
  }, [lastId]);

  async function send(form: HTMLFormElement): Promise<void> {
    const field = form.elements.namedItem("text") as HTMLInputElement;
    const text = field.value.trim();
    if (text === "") return;
    field.value = "";
    setSending((count) => count + 1);
    setProblem(undefined);
    setWaiting(false);
    try {
      await conversation.sendText(text);
    } catch (error) {
      // What can heal is kept and goes out with the next sync: sending it again would say it twice.
      if (canHeal(error)) setWaiting(true);
      else {
        setProblem(wordsOf(error));
        field.value = text;
      }
    }
    setSending((count) => count - 1);
    refresh();
  }

  return (
    <section class="conversation" aria-label={title}>
      <header>
        <button type="button" class="back small" onClick={onBack} aria-label="Back to the list">
          ‹
        </button>
        <h2>{title}</h2>
        <button
          type="button"
          class="small"
          aria-expanded={showMembers}
          onClick={() => setShowMembers(!showMembers)}
        >
          Members
        </button>
      </header>
      <div class="body">
        <ol ref={list} class="messages" aria-label="Messages" aria-live="polite">
          {messages.map((message) => (
            <MessageItem
              key={message.id}
              message={message}
              names={names}
              own={message.senderInboxId === session.client.inboxId}
            />
          ))}
        </ol>
        {showMembers && <Members session={session} conversation={conversation} revision={lastId} />}
      </div>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {waiting && messages.some(({ deliveryStatus }) => deliveryStatus === 0) && (
        <p class="problem" role="alert">
          Not sent yet. It goes out as soon as the node can be reached.
        </p>
      )}
      {conversation.isActive ? (
        <form
          class="composer"
          aria-label="Write a message"
          onSubmit={(event) => {
            event.preventDefault();
            void send(event.currentTarget as HTMLFormElement);
          }}
        >
          <input name="text" aria-label="Message" placeholder="Message" autocomplete="off" />
          <button type="submit" class="primary">
            {sending > 0 ? "Sending…" : "Send"}
          </button>
        </form>
      ) : (
        <p class="hint closed">You are no longer in this conversation.</p>
      )}
    </section>
  );
}
