import type { VNode } from "preact";
import type { DecodedMessage } from "@coterie/client/browser";
import { shortId } from "./session.ts";
import type { Names } from "./session.ts";

interface Person {
  readonly inboxId: string;
}
interface Changed {
  readonly addedInboxes?: readonly Person[];
  readonly removedInboxes?: readonly Person[];
  readonly leftInboxes?: readonly Person[];
  readonly metadataFieldChanges?: readonly {
    readonly fieldName: string;
    readonly newValue?: string;
  }[];
}

/** Everybody whom a message speaks of. */
export function peopleIn({ senderInboxId, kind, content }: DecodedMessage): string[] {
  if (kind !== 1) return [senderInboxId];
  const { addedInboxes = [], removedInboxes = [] } = (content ?? {}) as Changed;
  return [senderInboxId, ...[...addedInboxes, ...removedInboxes].map(({ inboxId }) => inboxId)];
}

/** What a change of the group was, in a few words. */
function wordsOfChange(content: unknown, names: Names): string {
  const changed = (content ?? {}) as Changed;
  const people = (list: readonly Person[]): string =>
    list.map(({ inboxId }) => names.get(inboxId) ?? shortId(inboxId)).join(", ");
  const parts: string[] = [];
  if (changed.addedInboxes?.length) parts.push(`added ${people(changed.addedInboxes)}`);
  if (changed.removedInboxes?.length) parts.push(`removed ${people(changed.removedInboxes)}`);
  if (changed.leftInboxes?.length) parts.push("left");
  for (const { fieldName, newValue } of changed.metadataFieldChanges ?? []) {
    const isName = fieldName === "group_name";
    parts.push(isName ? `named the group “${newValue ?? ""}”` : "changed the settings");
  }
  return parts.join(", ") || "changed the group";
}

interface MessageProps {
  readonly message: DecodedMessage;
  readonly names: Names;
  readonly own: boolean;
}

export function MessageItem({ message, names, own }: MessageProps): VNode {
  const { content, fallback, sentAt, senderInboxId, kind, deliveryStatus } = message;
  const who = own ? "You" : (names.get(senderInboxId) ?? shortId(senderInboxId));
  const time = (
    <time dateTime={sentAt.toISOString()}>
      {sentAt.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}
    </time>
  );
  if (kind === 1) {
    return (
      <li class="change">
        {who} {wordsOfChange(content, names)} · {time}
      </li>
    );
  }
  const text =
    typeof content === "string" ? content : (fallback ?? "Something this page cannot show");
  return (
    <li class={own ? "message own" : "message"}>
      <span class={own ? "who unseen" : "who"}>{who}</span>
      <p>{text}</p>
      <span class="meta">
        {time}
        {deliveryStatus === 0 && " · sending"}
        {deliveryStatus === 2 && " · not sent"}
      </span>
    </li>
  );
}
