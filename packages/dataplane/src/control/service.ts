import type { Routes } from "@coterie/transport";
import { ControlMessage, southboundPaths } from "@coterie/wire/slim/controller";
import { createApplier } from "./apply.ts";
import { listAnswers } from "./lists.ts";
import type { ControlledPlane } from "./port.ts";

export interface ControlServiceParts {
  readonly plane: ControlledPlane;
  /** Whether who calls may change links and routes; false: look alone. The listener decides who may call. */
  readonly commands?: boolean | undefined;
}

/** The node's own controller service (SCT-06): what is connected and what is reachable, to whoever may ask. */
export function controlService({ plane, commands = false }: ControlServiceParts): Routes {
  // of the service, not of a channel: routes outlive who set them
  const applier = commands ? createApplier(plane) : undefined;
  const handle = async function* (requests: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const say = (payload: ControlMessage["payload"]): Uint8Array =>
      ControlMessage.encode({ messageId: crypto.randomUUID(), payload });
    for await (const bytes of requests) {
      const message = ControlMessage.decode(bytes);
      const { messageId: originalMessageId, payload } = message;
      if (payload.kind === "configCommand" && applier !== undefined) {
        const value = await applier.apply(originalMessageId, payload.value);
        yield say({ kind: "configCommandAck", value });
        continue;
      }
      const answers = listAnswers(plane, message);
      if (answers.length === 0) {
        const messages = [`${payload.kind} is not served here`];
        yield say({ kind: "ack", value: { originalMessageId, success: false, messages } });
      }
      for (const answer of answers) yield say(answer);
    }
  };
  return new Map([[southboundPaths.openControlChannel, { kind: "duplex", handle }]]);
}
