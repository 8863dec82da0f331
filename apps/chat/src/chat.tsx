import { useEffect, useState } from "preact/hooks";
import type { VNode } from "preact";
import { ConversationView } from "./conversation.tsx";
import { useConversations, useNames } from "./hooks.ts";
import { NewConversation } from "./new-conversation.tsx";
import { shortId, titleOf } from "./session.ts";
import type { Session } from "./session.ts";

function Identity({ session }: { readonly session: Session }): VNode {
  const { client } = session;
  const [copied, setCopied] = useState(false);
  const [leads, setLeads] = useState(client.isLeader);
  useEffect(() => client.onLeader(() => setLeads(client.isLeader)), [client]);
  const address = client.accountIdentifier.identifier;
  return (
    <section class="identity" aria-label="You">
      <div>
        <strong>You</strong>
        <span class="id" data-testid="address" data-full={address} title={address}>
          {shortId(address)}
        </span>
      </div>
      <button
        type="button"
        class="small"
        onClick={() =>
          void navigator.clipboard.writeText(address).then(() => {
            setCopied(true);
            setTimeout(() => setCopied(false), 2000);
          })
        }
      >
        {copied ? "Copied" : "Copy address"}
      </button>
      <p class="hint" data-testid="tab" data-leads={leads}>
        {leads ? "This tab holds the keys." : "Served by another tab."}
      </p>
    </section>
  );
}

export function Chat({ session }: { readonly session: Session }): VNode {
  const conversations = useConversations(session);
  const [openId, setOpenId] = useState<string | undefined>(undefined);
  const [adding, setAdding] = useState(false);
  const names = useNames(
    session,
    conversations.flatMap((one) => (one.type === "dm" ? [one.peerInboxId] : [])),
  );
  const open = conversations.find(({ id }) => id === openId);
  return (
    <div class={`layout ${open || adding ? "has-open" : ""}`}>
      <aside class="side">
        <header>
          <h1>Coterie</h1>
          <button type="button" class="primary small" onClick={() => setAdding(true)}>
            New
          </button>
        </header>
        <nav aria-label="Conversations">
          {conversations.length === 0 && <p class="hint">No conversations yet.</p>}
          <ul>
            {conversations.map((conversation) => (
              <li key={conversation.id}>
                <button
                  type="button"
                  class="entry"
                  aria-current={conversation.id === openId && !adding ? "true" : undefined}
                  onClick={() => {
                    setOpenId(conversation.id);
                    setAdding(false);
                  }}
                >
                  <span class="avatar" aria-hidden="true">
                    {titleOf(conversation, names).replace(/^0x/, "").slice(0, 1).toUpperCase()}
                  </span>
                  <span class="title">{titleOf(conversation, names)}</span>
                  <span class="kind">
                    {conversation.isActive
                      ? conversation.type === "dm"
                        ? "direct"
                        : "group"
                      : "left"}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </nav>
        <Identity session={session} />
      </aside>
      <main class="main">
        {adding ? (
          <NewConversation
            session={session}
            onDone={(id) => {
              setAdding(false);
              if (id) setOpenId(id);
            }}
          />
        ) : open ? (
          <ConversationView
            key={open.id}
            session={session}
            conversation={open}
            title={titleOf(open, names)}
            onBack={() => setOpenId(undefined)}
          />
        ) : (
          <div class="center empty">
            <p>Choose a conversation, or start a new one.</p>
          </div>
        )}
      </main>
    </div>
  );
}
