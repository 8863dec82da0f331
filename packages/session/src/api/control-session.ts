import type { ControlSession } from "../control/port.ts";
import { slimNameOf } from "./name.ts";
import type { Session } from "./session.ts";

/** A session as both sides of a conversation about channels use it. */
export function controlSessionOf(session: Session): ControlSession {
  return {
    hasMls: session.config().mlsSettings !== undefined,
    async send(payload, payloadType) {
      await session.publishAndWait(payload, payloadType);
    },
    async receive() {
      for await (const { context, payload } of session.messages()) {
        const { identity, payloadType } = context;
        return { source: slimNameOf(context.sourceName), payloadType, payload, identity };
      }
      throw new Error("the session is over");
    },
    async close() {
      if (session.closed() === undefined) await session.closeAndWait();
    },
  };
}
