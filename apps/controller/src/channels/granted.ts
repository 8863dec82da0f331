import { createControlRequester } from "@coterie/session/control";
import type {
  Answered,
  Asking,
  ControlRequester,
  ControlSession,
  Grant,
} from "@coterie/session/control";
import { formatSlimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";

/** The controller's own app, as far as granted channels go. */
export interface ControllerIdentity {
  /** What grants and apps know it by. */
  readonly baseId: string;
  /** Signs with the identity's key (SCT-26). */
  sign(grant: Grant): string;
  /** A session about channels with an app (SCT-25). */
  open(control: SlimName): Promise<ControlSession>;
}

/** Sessions with the apps that moderate. */
export interface ControlSessions {
  /** Opens the session where there is none. Rejects with the app's words, or after the time. */
  ask(control: SlimName, asking: Asking): Promise<Answered>;
  close(): Promise<void>;
}

export function createControlSessions(
  identity: ControllerIdentity,
  answerMs: number,
): ControlSessions {
  const sessions = new Map<string, Promise<ControlRequester>>();
  const open = (control: SlimName): Promise<ControlRequester> => {
    const key = formatSlimName(control);
    const known = sessions.get(key);
    if (known !== undefined) return known;
    const opening = identity.open(control).then(createControlRequester);
    sessions.set(key, opening);
    opening.catch(() => sessions.delete(key));
    return opening;
  };
  return {
    async ask(control, asking) {
      let requester = await open(control);
      if (requester.isOver) {
        // the app ended it, or came back as another process
        sessions.delete(formatSlimName(control));
        requester = await open(control);
      }
      return requester.ask(asking, answerMs);
    },
    async close() {
      const open_ = [...sessions.values()];
      sessions.clear();
      await Promise.allSettled(open_.map(async (opening) => (await opening).close()));
    },
  };
}
