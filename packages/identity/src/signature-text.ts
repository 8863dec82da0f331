import { identifierText, type MemberId } from "./identifiers.ts";
import type { UnsignedAction, UnsignedUpdate } from "./actions.ts";
import { labels } from "@coterie/crypto";

/** XID-03: what everybody signs for an update; one text for all its actions (XID-05). */
export function signatureText(update: UnsignedUpdate): string {
  return [
    labels.identityUpdateText,
    "",
    `Inbox ID: ${update.inboxId}`,
    `Current time: ${timeText(update.clientTimestampNs)}`,
    "",
    ...update.actions.map(actionText),
    "",
    "For more info: https://xmtp.org/signatures",
  ].join("\n");
}

/** XID-04. */
function actionText(action: UnsignedAction): string {
  const [phrase, label, value] = wordsOf(action);
  return `- ${phrase}\n  (${label}: ${value})`;
}

function wordsOf(action: UnsignedAction): readonly [phrase: string, label: string, value: string] {
  switch (action.kind) {
    case "create-inbox":
      return ["Create inbox", "Owner", identifierText(action.identifier)];
    case "add":
      return [
        addPhrases[action.member.kind],
        memberLabels[action.member.kind],
        identifierText(action.member),
      ];
    case "revoke":
      return [
        revokePhrases[action.member.kind],
        memberLabels[action.member.kind],
        identifierText(action.member),
      ];
    case "change-recovery":
      // "Address" for a passkey too.
      return ["Change inbox recovery address", "Address", identifierText(action.identifier)];
  }
}

type Words = Readonly<Record<MemberId["kind"], string>>;
const memberLabels: Words = { installation: "ID", ethereum: "Address", passkey: "Passkey" };
const addPhrases: Words = {
  installation: "Grant messaging access to app",
  ethereum: "Link address to inbox",
  passkey: "Link passkey to inbox",
};
const revokePhrases: Words = {
  installation: "Revoke messaging access from app",
  ethereum: "Unlink address from inbox",
  passkey: "Unlink passkey from inbox",
};

/** RFC 3339, whole seconds. Released clients read the number as signed, so that times past 2262 show as times before 1970. */
function timeText(ns: bigint): string {
  const signed = BigInt.asIntN(64, ns);
  let seconds = signed / 1_000_000_000n;
  if (signed % 1_000_000_000n < 0n) seconds -= 1n;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}Z`;
}
