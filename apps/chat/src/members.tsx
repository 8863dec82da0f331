import { useEffect, useState } from "preact/hooks";
import type { VNode } from "preact";
import { shortId } from "./session.ts";
import type { ServedConversation, Session } from "./session.ts";

type Member = Awaited<ReturnType<ServedConversation["members"]>>[number];
const roles = ["", "admin", "super admin"];

interface MembersProps {
  readonly session: Session;
  readonly conversation: ServedConversation;
  /** Changes when the members may have. */
  readonly revision: string | undefined;
}

export function Members({ session, conversation, revision }: MembersProps): VNode {
  const [members, setMembers] = useState<readonly Member[]>([]);
  useEffect(() => {
    let stale = false;
    void conversation.members().then((found) => {
      if (!stale) setMembers(found);
    });
    return () => {
      stale = true;
    };
  }, [conversation.id, revision]);
  return (
    <aside class="members" aria-label="Members">
      <h3>{members.length === 1 ? "1 member" : `${members.length} members`}</h3>
      <ul>
        {members.map(({ inboxId, accountIdentifiers, permissionLevel }) => {
          const name = accountIdentifiers[0]?.identifier ?? inboxId;
          return (
            <li key={inboxId} title={name}>
              <span>{inboxId === session.client.inboxId ? "You" : shortId(name)}</span>
              <span class="kind">{roles[permissionLevel]}</span>
            </li>
          );
        })}
      </ul>
    </aside>
  );
}
