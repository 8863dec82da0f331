import type { Log as Logger } from "@coterie/base";
import { readGrant } from "@coterie/session/control";
import { formatSlimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import type { Records } from "../records.ts";
import type { ControllerIdentity, ControlSessions } from "./granted.ts";
import type { KnownNames, ModeratorPresence } from "./presence.ts";
import { wordsOf } from "./words.ts";

export interface RelearnParts {
  readonly records: Records;
  readonly presence: ModeratorPresence;
  readonly known: KnownNames;
  readonly granted?: ControllerIdentity | undefined;
  readonly sessions?: ControlSessions | undefined;
  readonly logger: Logger;
}

/** SCT-31: an app that accepts controllers and is new here is asked which channels it holds on our word. */
export function relearn({
  records,
  presence,
  known,
  granted,
  sessions,
  logger,
}: RelearnParts): () => void {
  const asked = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  if (granted === undefined || sessions === undefined) return () => {};

  const learn = async (control: SlimName): Promise<void> => {
    const answer = await sessions.ask(control, { op: "list-channels" });
    for (const { channel, grant: token } of answer.channels ?? []) {
      const grant = readGrant(token);
      if (grant?.channel !== channel || grant.controller !== granted.baseId) continue;
      const known = records.channels.get(channel);
      if (known?.isDeleted === true) {
        await sessions.ask(control, { op: "delete-channel", channel });
        records.channels.delete(channel);
      }
      if (known !== undefined) continue;
      const { moderators, issuedAt } = grant;
      const record = { channel, mode: "granted", moderators, participants: [], mls: true } as const;
      records.channels.put(channel, { ...record, created: issuedAt * 1000, grant: token });
      logger.write("info", "controller.channel-found", { channel });
    }
  };
  const look = (): void => {
    timer = undefined;
    const present = presence.all();
    const names = new Set(present.map(formatSlimName));
    for (const name of asked) if (!names.has(name)) asked.delete(name);
    for (const control of present) {
      const name = formatSlimName(control);
      if (asked.has(name)) continue;
      asked.add(name);
      learn(control).catch((error: unknown) => {
        asked.delete(name);
        logger.write("warn", "controller.not-asked", { app: name, error: wordsOf(error) });
      });
    }
  };
  // an app that has just subscribed is about to listen
  const soon = (): void => {
    timer ??= setTimeout(look, 1_000).unref();
  };
  soon();
  const unwatch = known.watch(soon);
  return () => {
    clearTimeout(timer);
    unwatch();
  };
}
