import { fromUtf8, toUtf8 } from "@coterie/base";
import { noMetadata } from "./command.ts";
import { refused } from "./mls-profile.ts";
import type { Context, Message, Session, Warrant } from "./model.ts";
import { decodeWarrants, encodeWarrants } from "./warrant.ts";

/** What members of ours write to each other beside the application (SHB-18): messages to one member, which the core reads itself. */
export type Letter =
  /** From the moderator to its successor. */
  | { readonly op: "handover"; readonly warrant: Warrant }
  /** The moderator is lost and the sender asks for votes. */
  | {
      readonly op: "claim";
      readonly from: string;
      readonly epoch: bigint;
      readonly commitId: number;
    }
  | { readonly op: "vote"; readonly warrant: Warrant };

export const letterType = "application/vnd.slim.ctl+json";
/** Nobody waits for what becomes of it. */
export const ownHandle = -1;

/** SSN-21: only to members that are marked as ours; natives would show it to people. */
export function sendLetter(context: Context, session: Session, to: string, letter: Letter): void {
  if (session.roster.get(to)?.ours !== true) return;
  const content = {
    payloadType: letterType,
    payload: toUtf8(JSON.stringify(fieldsOf(letter))),
    metadata: noMetadata,
  };
  session.data.sender.publishTo(ownHandle, content, to, true, context.now);
}

/** Throws `session/refused` where it has another form. */
export function readLetter({ payload }: Message): Letter {
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(payload));
  } catch {
    value = undefined;
  }
  if (typeof value !== "object" || value === null) throw refused("letter");
  const { op, warrant, from, epoch, commit_id: commitId } = value as Record<string, unknown>;
  if ((op === "handover" || op === "vote") && typeof warrant === "string") {
    const [only, ...more] = decodeWarrants(warrant);
    if (only === undefined || more.length > 0) throw refused("letter");
    return { op, warrant: only };
  }
  if (
    op === "claim" &&
    typeof from === "string" &&
    typeof epoch === "string" &&
    /^\d{1,20}$/.test(epoch) &&
    typeof commitId === "number"
  ) {
    return { op, from, epoch: BigInt(epoch), commitId };
  }
  throw refused("letter");
}

function fieldsOf(letter: Letter): Readonly<Record<string, unknown>> {
  return letter.op === "claim"
    ? {
        op: letter.op,
        from: letter.from,
        epoch: letter.epoch.toString(),
        commit_id: letter.commitId,
      }
    : { op: letter.op, warrant: encodeWarrants([letter.warrant]) };
}
