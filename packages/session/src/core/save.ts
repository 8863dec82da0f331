import { snapshotChanges } from "@coterie/mls";
import {
  encodeCounters,
  encodeId,
  encodeRoster,
  encodeSession,
  encodeSuccession,
} from "./entries.ts";
import type { Context, Session } from "./model.ts";

/** Where the entries of the MLS group stand, and the last ids of sources. */
export const mlsPrefix = "mls/";
export const positionPrefix = "position/";

/** SHB-17: what this step changed goes before everything that it sends. */
export function save(context: Context, session: Session): void {
  const { unsaved } = session;
  const { nextId } = session.data.sender;
  const isNew = unsaved.size > 0 || nextId !== session.savedId;
  if (context.parts.persistent !== true || !isNew || !isWorthIt(session)) return;
  const puts: [string, Uint8Array][] = [];
  const deletes: string[] = [];
  if (unsaved.has("session")) puts.push(["session", encodeSession(session)]);
  if (unsaved.has("roster")) puts.push(["roster", encodeRoster(session.roster)]);
  // numbers are given when a message is taken, or later where it waits for room
  if (nextId !== session.savedId) puts.push(["sequence", encodeId(nextId)]);
  session.savedId = nextId;
  if (unsaved.has("succession")) puts.push(["succession", encodeSuccession(session.succession)]);
  for (const key of unsaved) {
    if (key.startsWith(positionPrefix)) {
      const last = session.data.receiver.position(key.slice(positionPrefix.length));
      if (last === undefined) deletes.push(key);
      else puts.push([key, encodeId(last)]);
    }
  }
  const { mls } = session;
  if (mls?.group !== undefined && unsaved.has("mls")) {
    puts.push(["counters", encodeCounters(mls)]);
    const changes = snapshotChanges(mls.saved, mls.group);
    for (const [key, value] of changes.puts) puts.push([mlsPrefix + key, value]);
    for (const key of changes.deletes) deletes.push(mlsPrefix + key);
    mls.saved = mls.group;
  }
  unsaved.clear();
  context.saves.push({ kind: "persist", session: session.id, puts, deletes });
}

/** Nobody comes back to a session that was never joined, or to a pair without a peer. */
function isWorthIt({ phase, settings, roster }: Session): boolean {
  return (
    (phase === "open" || phase === "draining") && (settings.kind === "group" || roster.size > 1)
  );
}
