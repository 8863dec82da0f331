import { useState } from "preact/hooks";
import type { VNode } from "preact";
import { wordsOf } from "./session.ts";
import type { Session } from "./session.ts";

interface NewConversationProps {
  readonly session: Session;
  /** With the id of what was made; without one it was called off. */
  readonly onDone: (id?: string) => void;
}

const addressPattern = /^0x[0-9a-fA-F]{40}$/;
const inboxPattern = /^[0-9a-fA-F]{64}$/;

/** Inbox ids of people given by address or inbox id. */
async function findPeople({ client }: Session, text: string): Promise<string[]> {
  const words = text.split(/[\s,;]+/).filter((word) => word !== "");
  return Promise.all(
    words.map(async (word) => {
      if (inboxPattern.test(word)) return word.toLowerCase();
      if (!addressPattern.test(word)) throw new Error(`“${word}” is no address and no inbox id.`);
      const found = await client.account.fetchInboxIdByIdentifier({
        identifier: word.toLowerCase(),
        identifierKind: 0,
      });
      if (found === null) throw new Error(`Nobody can be reached at ${word}.`);
      return found;
    }),
  );
}

export function NewConversation({ session, onDone }: NewConversationProps): VNode {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | undefined>(undefined);

  async function create(form: HTMLFormElement): Promise<void> {
    const data = new FormData(form);
    const name = String(data.get("name") ?? "").trim();
    setBusy(true);
    setProblem(undefined);
    try {
      const people = await findPeople(session, String(data.get("people") ?? ""));
      const { conversations } = session.client;
      const [only] = people;
      const made =
        people.length === 1 && name === "" && only !== undefined
          ? await conversations.createDm(only)
          : await conversations.createGroup(people, { groupName: name });
      onDone(made.id);
    } catch (error) {
      setProblem(wordsOf(error));
      setBusy(false);
    }
  }

  return (
    <form
      class="new"
      aria-label="New conversation"
      onSubmit={(event) => {
        event.preventDefault();
        void create(event.currentTarget as HTMLFormElement);
      }}
    >
      <h2>New conversation</h2>
      <label>
        Name of the group
        <input name="name" autocomplete="off" maxLength={100} placeholder="Sunday ride" />
      </label>
      <label>
        People
        <textarea
          name="people"
          rows={4}
          spellcheck={false}
          autocomplete="off"
          placeholder="0x address or inbox id, one a line"
        />
      </label>
      <p class="hint">One person and no name: a direct conversation.</p>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <div class="actions">
        <button type="submit" class="primary" disabled={busy}>
          {busy ? "Creating…" : "Create"}
        </button>
        <button type="button" onClick={() => onDone()} disabled={busy}>
          Cancel
        </button>
      </div>
    </form>
  );
}
