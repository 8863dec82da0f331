import type { VNode } from "preact";
import type { DecodedMessage } from "@coterie/client/browser";
import { shortId } from "./session.ts";

interface Changed {
  readonly addedInboxes?: readonly unknown[];
  readonly removedInboxes?: readonly unknown[];
  readonly leftInboxes?: readonly unknown[];
  readonly metadataFieldChanges?: readonly {
    readonly fieldName: string;
    readonly newValue?: string;
  }[];
}

/** What a change of the group was, in a few words. */
function wordsOfChange(content: unknown): string {
  const { addedInboxes, removedInboxes, leftInboxes, metadataFieldChanges } = (content ??
    {}) as Changed;
  const people = (list: readonly unknown[] | undefined): string =>
    list?.length === 1 ? "somebody" : `${list?.length ?? 0} people`;
  const parts: string[] = [];
  if (addedInboxes?.length) parts.push(`added ${people(addedInboxes)}`);
  if (removedInboxes?.length) parts.push(`removed ${people(removedInboxes)}`);
  if (leftInboxes?.length) parts.push("left");
  for (const { fieldName, newValue } of metadataFieldChanges ?? []) {
    parts.push(
      fieldName === "group_name" ? `named the group “${newValue ?? ""}”` : "changed the settings",
    );
  }
  return parts.join(", ") || "changed the group";
}

interface MessageProps {
  readonly message: DecodedMessage;
  readonly own: boolean;
}

export function MessageItem({ message, own }: MessageProps): VNode {
  const { content, fallback, sentAt, senderInboxId, kind, deliveryStatus } = message;
  const who = own ? "You" : shortId(senderInboxId);
  const time = (
    <time dateTime={sentAt.toISOString()}>
      {sentAt.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}
    </time>
  );
  if (kind === 1) {
    return (
      <li class="change">
        {who} {wordsOfChange(content)} · {time}
      </li>
    );
  }
  const text =
    typeof content === "string" ? content : (fallback ?? "Something this page cannot show");
  return (
    <li class={own ? "message own" : "message"}>
      <span class="who">{who}</span>
      <p>{text}</p>
      <span class="meta">
        {time}
        {deliveryStatus === 0 && " · sending"}
        {deliveryStatus === 2 && " · not sent"}
      </span>
    </li>
  );
}
