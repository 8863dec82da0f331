import type { Clock } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import type { SlimVerifier } from "@coterie/identity/slim";
import { slimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import { controlSessionOf } from "./control-session.ts";
import type { ControlledApp, ControlledChannel } from "../control/port.ts";
import { controlKey, controlSuffix } from "../control/protocol.ts";
import { createControlServer } from "../control/serve.ts";
import { acceptsController } from "../control/trust.ts";
import type { AcceptController } from "../control/trust.ts";
import type { Invitation } from "../core/port.ts";
import type { AppRuntime } from "../runtime/app-runtime.ts";
import type { HubMember } from "../runtime/hub.ts";
import type { SessionLine } from "../runtime/session-line.ts";
import { ParticipantStatus } from "./enums.ts";
import { Name, slimNameOf } from "./name.ts";
import type { Session } from "./session.ts";

export interface ControllersParts {
  /** With its id. */
  readonly name: SlimName;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly verifier: SlimVerifier;
  readonly runtime: AppRuntime;
  readonly member: HubMember;
  readonly sessionOf: (line: SessionLine) => Session;
}

/** The controllers that an app obeys. */
export interface Controllers {
  /** Answers for invitations that are a controller's; undefined for all others. */
  decide(invitation: Invitation): "accept" | "reject" | undefined;
  /** True for a session that is a controller's, which nobody else sees (SCT-25). */
  take(line: SessionLine): boolean;
  /** Whom to obey from now on. With somebody to obey, the app also answers to its control name (SCT-23). */
  use(accept: AcceptController): Promise<void>;
}

export function createControllers(parts: ControllersParts): Controllers {
  const { name, runtime, member, sessionOf } = parts;
  const control = controlNameOf(name);
  const taken = new Set<Session>();
  let accept: AcceptController = "none";
  let held = false;

  const app: ControlledApp = {
    name,
    async createChannel(channel, { mls, intervalMs, maxRetries, metadata }) {
      const connection = member.connectionFor(channel);
      await member.ready(connection);
      const { operation, line } = await runtime.create(
        {
          kind: "group",
          metadata,
          reliability: { intervalMs, maxRetries },
          mls: mls ? { headerIntegrityPercent: 100 } : undefined,
          // it ends when the controller says so (SGR-35)
          keepEmptyGroup: true,
        },
        channel,
        connection,
      );
      if (operation.error !== undefined) throw operation.error;
      await heard(line);
      runtime.joined.put(line);
      return controlled(sessionOf(line));
    },
    channels: () =>
      runtime
        .lines()
        .filter((line) => {
          const { settings, moderator } = runtime.view(line);
          return settings.kind === "group" && moderator.id === name.id;
        })
        .map((line) => controlled(sessionOf(line))),
  };

  /** SCT-27: once the node sends us what goes to the channel. */
  const heard = async (line: SessionLine): Promise<void> => {
    const { destination, source } = line.view;
    const connection = member.connectionFor(destination);
    // held already: this waits for the same acknowledgement
    await member.subscribe(connection, destination, source);
    await member.unsubscribe(connection, destination, source);
  };

  const server = createControlServer({
    app,
    crypto: parts.crypto,
    clock: parts.clock,
    verifier: parts.verifier,
    accept: () => accept,
  });

  /** A controller that came back leaves its former sessions behind. */
  const dropAbandoned = async (): Promise<void> => {
    for (const session of taken) {
      const others = (await session.participantsList()).filter(
        (one) => slimNameOf(one.name).id !== name.id,
      );
      if (others.some(({ status }) => status === ParticipantStatus.Online)) continue;
      taken.delete(session);
      session.close();
    }
  };

  return {
    decide({ metadata, kind, baseId }) {
      if (metadata?.get(controlKey) !== "1") return undefined;
      return kind === "point-to-point" && acceptsController(accept, baseId) ? "accept" : "reject";
    },
    take(line) {
      const { settings, isInitiator } = line.view;
      if (settings.kind !== "point-to-point" || settings.metadata.get(controlKey) !== "1") {
        return false;
      }
      if (isInitiator) return false;
      const session = sessionOf(line);
      void dropAbandoned();
      taken.add(session);
      // also where it could not be hung up
      const served = (): void => void taken.delete(session);
      server.serve(controlSessionOf(session)).then(served, served);
      return true;
    },
    async use(next) {
      accept = next;
      const wanted = next !== "none" && next.length > 0;
      if (wanted === held || control === undefined) return;
      held = wanted;
      if (wanted) {
        runtime.step({ kind: "answer-to", name: control });
        await member.hold(control, control, undefined);
      } else {
        runtime.step({ kind: "stop-answering-to", name: control });
        await member.release(control, control, undefined);
      }
    },
  };
}

function controlled(session: Session): ControlledChannel {
  return {
    channel: { ...session.destination().slim, id: undefined },
    metadata: session.metadata(),
    get isOver() {
      return session.closed() !== undefined;
    },
    get isModerator() {
      return slimNameOf(session.moderator()).id === slimNameOf(session.source()).id;
    },
    async invite(name) {
      await session.inviteAndWait(Name.of(name));
    },
    async remove(name) {
      await session.removeAndWait(Name.of(name));
    },
    async members() {
      const members = await session.participantsList();
      return members.map((one) => ({
        name: slimNameOf(one.name),
        online: one.status === ParticipantStatus.Online,
      }));
    },
    async close() {
      if (session.closed() === undefined) await session.closeAndWait();
    },
  };
}

/** `org/ns/<app>~ctl`; undefined where that is too long for a name. */
function controlNameOf(name: SlimName): SlimName | undefined {
  const { organization, namespace, service, id } = name;
  try {
    return slimName(organization, namespace, `${service}${controlSuffix}`, id);
  } catch {
    return undefined;
  }
}
