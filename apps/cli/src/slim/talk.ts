import { Name, ParticipantStatus, SessionError } from "@coterie/session";
import type { App, Session } from "@coterie/session";
import { fromUtf8, toUtf8 } from "@coterie/base";
import { harmless } from "../output.ts";
import type { Output } from "../output.ts";

/** Tells what happens, as a line for people or as one of JSON. */
export type Tell = (
  line: string,
  event: string,
  details?: Readonly<Record<string, unknown>>,
) => void;

export function teller(output: Output): Tell {
  return (line, event, details = {}) => output.result({ event, ...details }, [line]);
}

/** What a person at a terminal can do in sessions: read, send lines, and `/` commands. */
export interface Talk {
  /** Shows what comes in the session until it ends; the latest one is where lines go. */
  follow(session: Session): Promise<void>;
  /** A line that was typed. False: the person wants to go. */
  typed(line: string): Promise<boolean>;
  /** Leaves all sessions. */
  leave(): Promise<void>;
}

const help =
  "/members  /invite NAME  /remove NAME  /leave  /quit; anything else is sent to the session joined last";

export function createTalk(app: App, tell: Tell, heard: () => void): Talk {
  const own = app.name().toString();
  const open: Session[] = [];

  const follow = async (session: Session): Promise<void> => {
    open.push(session);
    const channel = session.destination().toString();
    try {
      for (;;) {
        let message;
        try {
          message = await session.getMessage();
        } catch (error) {
          if (session.closed() !== undefined || !(error instanceof SessionError)) throw error;
          // A lost message, or somebody who left: more may come.
          tell(error.message, "notice", { channel, code: error.code, message: error.message });
          continue;
        }
        const { context, payload } = message;
        const from = context.sourceName.components().join("/");
        const { text, readable } = textOf(payload);
        const shown = readable
          ? harmless(text)
          : `(${payload.length} bytes of ${context.payloadType})`;
        const where = open.length > 1 ? `[${channel}] ` : "";
        tell(`${where}${from} > ${shown}`, "message", {
          channel,
          from,
          fromId: context.sourceName.id(),
          payloadType: context.payloadType,
          ...(readable ? { text } : { bytes: payload }),
        });
        heard();
      }
    } catch (error) {
      const reason = session.closed() ?? (error instanceof Error ? error.message : String(error));
      tell(`Session ${channel} is over: ${reason}`, "closed", { channel, reason });
    } finally {
      open.splice(open.indexOf(session), 1);
    }
  };

  const current = (): Session | undefined => open.at(-1);

  const command = async (session: Session | undefined, line: string): Promise<boolean> => {
    const [verb = "", argument = ""] = line.slice(1).split(/\s+/);
    if (verb === "quit") return false;
    if (verb === "help" || session === undefined) {
      tell(session === undefined ? "no session yet" : help, "help");
      return true;
    }
    const channel = session.destination().toString();
    switch (verb) {
      case "members": {
        const members = (await session.participantsList()).map(({ name, status }) => ({
          name: `${name.components().join("/")}/${name.id()}`,
          online: status === ParticipantStatus.Online,
        }));
        const lines = members.map(({ name, online }) => `  - ${name}${online ? "" : " (offline)"}`);
        tell([`Members of ${channel} (${members.length}):`, ...lines].join("\n"), "members", {
          channel,
          members,
        });
        break;
      }
      case "invite":
        await session.inviteAndWait(Name.fromString(argument));
        tell(`${own} -> add ${argument} to the group`, "invited", {
          channel,
          participant: argument,
        });
        break;
      case "remove":
        await session.removeAndWait(Name.fromString(argument));
        tell(`${own} -> remove ${argument} from the group`, "removed", {
          channel,
          participant: argument,
        });
        break;
      case "leave":
        await session.closeAndWait();
        break;
      default:
        tell(help, "help");
    }
    return true;
  };

  return {
    follow,
    async typed(line) {
      if (line.trim() === "") return true;
      const session = current();
      try {
        if (line.startsWith("/")) return await command(session, line);
        if (session === undefined) {
          tell("no session yet: nobody would read it", "notice", { message: "no session yet" });
          return true;
        }
        const { acked, missing } = await session.publishAndWait(toUtf8(line));
        const channel = session.destination().toString();
        const names = missing.map((name) => name.toString());
        if (names.length > 0) {
          tell(`not answered by ${names.join(", ")}`, "sent", { channel, missing: names });
        } else tell(`${own} > ${line}`, "sent", { channel, text: line, acked: acked.length });
      } catch (error) {
        const words = error instanceof Error ? error.message : String(error);
        tell(`not done: ${words}`, "notice", { message: words });
      }
      return true;
    },
    async leave() {
      await Promise.allSettled(open.map((session) => session.closeAndWait()));
    },
  };
}

function textOf(payload: Uint8Array): { readonly text: string; readonly readable: boolean } {
  try {
    return { text: fromUtf8(payload), readable: true };
  } catch {
    return { text: "", readable: false };
  }
}
