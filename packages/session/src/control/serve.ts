import type { Clock } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import type { SlimVerifier, VerifiedToken } from "@coterie/identity/slim";
import { formatSlimName, formatSlimService, parseSlimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import { grantKey, readGrant, verifyGrant } from "./grant.ts";
import type { Grant } from "./grant.ts";
import type { ControlledApp, ControlledChannel, ControlSession } from "./port.ts";
import { controlPayloadType, encodeControl, readRequest } from "./protocol.ts";
import type { ControlAnswer, ControlRequest } from "./protocol.ts";
import { controllerOf } from "./trust.ts";
import type { AcceptController } from "./trust.ts";

export interface ServeControlParts {
  readonly app: ControlledApp;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly verifier: SlimVerifier;
  /** Asked for every message: it may change. */
  readonly accept: () => AcceptController;
}

/** The app's side of its controllers: one for the app's life, whatever the number of sessions. */
export interface ControlServer {
  /** Answers until the session ends. Rejects where it could not be hung up, as the other side did so first. */
  serve(session: ControlSession): Promise<void>;
}

interface Granted {
  readonly channel: ControlledChannel;
  readonly grant: Grant;
  readonly token: string;
}

type Asked<Op extends ControlRequest["op"]> = Extract<ControlRequest, { readonly op: Op }>;

/** Does for an app what its controllers ask: create channels, and who is in them (SCT-25, SCT-27). */
export function createControlServer(parts: ServeControlParts): ControlServer {
  const { app, crypto, clock, verifier } = parts;
  const ownName = formatSlimName(app.name);
  const channels = new Map<string, Granted>();
  /** What is asked of one channel is done in its order, whatever session it comes over. */
  const queues = new Map<string, Promise<unknown>>();

  const remember = (channel: ControlledChannel, token: string, grant: Grant): void => {
    channels.set(formatSlimService(channel.channel), { channel, grant, token });
  };
  /** Channels of an earlier run say in their metadata on whose word they are. */
  const recall = (): void => {
    for (const channel of app.channels()) {
      const token = channel.metadata.get(grantKey);
      const grant = token === undefined ? undefined : readGrant(token);
      // a successor goes on with the grant that names it (SCT-32)
      if (token === undefined || grant?.moderators.includes(ownName) !== true) continue;
      if (!channels.has(formatSlimService(channel.channel))) remember(channel, token, grant);
    }
  };

  /** A channel that this controller has granted, for something that the grant names. */
  const granted = (name: string, controller: VerifiedToken, op: ControlRequest["op"]): Granted => {
    recall();
    const found = channels.get(name);
    if (found === undefined || !isHeld(found)) {
      channels.delete(name);
      throw new Refusal(`channel ${name} not found`);
    }
    const { grant } = found;
    if (grant.controller !== controller.baseId) throw new Refusal("another controller's channel");
    if (!grant.ops.includes(op)) throw new Refusal(`the grant does not name ${op}`);
    if (isOver(grant, clock)) throw new Refusal("the grant is over");
    return found;
  };

  const create = async (
    asked: Asked<"create-channel">,
    controller: VerifiedToken,
  ): Promise<void> => {
    // SCT-26: the word has to be this controller's, about this app and this channel
    const grant = controller.publicKey && verifyGrant(crypto, controller.publicKey, asked.grant);
    if (grant === undefined) throw new Refusal("the grant is not signed by the controller");
    if (grant.controller !== controller.baseId) throw new Refusal("another controller's grant");
    if (grant.channel !== asked.channel || grant.moderator !== ownName) {
      throw new Refusal("the grant is for another channel or moderator");
    }
    if (isOver(grant, clock)) throw new Refusal("the grant is over");
    const channel = nameOf(asked.channel, 3);
    const known = channels.get(asked.channel);
    if (known !== undefined && !known.channel.isOver) throw new Refusal("the channel is there");
    const made = await app.createChannel(channel, {
      mls: asked.mls,
      intervalMs: asked.interval,
      maxRetries: asked.maxRetries,
      metadata: new Map([...Object.entries(asked.metadata), [grantKey, asked.grant]]),
    });
    remember(made, asked.grant, grant);
  };

  const perform = async (
    asked: ControlRequest,
    controller: VerifiedToken,
  ): Promise<ControlAnswer> => {
    const { id } = asked;
    switch (asked.op) {
      case "create-channel":
        await create(asked, controller);
        return { id, ok: true };
      case "delete-channel": {
        const { channel } = granted(asked.channel, controller, asked.op);
        channels.delete(asked.channel);
        await channel.close();
        return { id, ok: true };
      }
      case "add-participant":
        await granted(asked.channel, controller, asked.op).channel.invite(
          nameOf(asked.participant),
        );
        return { id, ok: true };
      case "delete-participant":
        await granted(asked.channel, controller, asked.op).channel.remove(
          nameOf(asked.participant),
        );
        return { id, ok: true };
      case "list-channels": {
        recall();
        const own = [...channels.values()].filter(
          (one) => isHeld(one) && one.grant.controller === controller.baseId,
        );
        const list = own.map(({ grant, token }) => ({ channel: grant.channel, grant: token }));
        return { id, ok: true, channels: list };
      }
      case "list-participants": {
        const members = await granted(asked.channel, controller, asked.op).channel.members();
        const participants = members.map(({ name, online }) => ({
          name: formatSlimName(name),
          online,
        }));
        return { id, ok: true, participants };
      }
    }
  };

  const answer = async (
    asked: ControlRequest | { readonly id: string },
    controller: VerifiedToken,
  ): Promise<ControlAnswer> => {
    const { id } = asked;
    if (!("op" in asked)) return { id, ok: false, error: "no such request" };
    try {
      return await perform(asked, controller);
    } catch (error) {
      return { id, ok: false, error: error instanceof Error ? error.message : String(error) };
    }
  };

  const inTurn = (channel: string, work: () => Promise<ControlAnswer>): Promise<ControlAnswer> => {
    const mine = (queues.get(channel) ?? Promise.resolve()).then(work);
    queues.set(channel, mine);
    void mine.finally(() => {
      if (queues.get(channel) === mine) queues.delete(channel);
    });
    return mine;
  };

  return {
    async serve(session) {
      // SCT-24: without MLS nobody knows who reads and writes along
      if (!session.hasMls) return session.close();
      for (;;) {
        let message;
        try {
          message = await session.receive();
        } catch {
          return;
        }
        if (message.payloadType !== controlPayloadType) continue;
        const controller = controllerOf(verifier, parts.accept(), message);
        if (controller === undefined) return session.close();
        const asked = readRequest(message.payload);
        if (asked === undefined) continue;
        const channel = "channel" in asked ? asked.channel : "";
        inTurn(channel, () => answer(asked, controller))
          .then((said) => session.send(encodeControl(said), controlPayloadType))
          // a controller that went away asks again what became of it
          .catch(() => {});
      }
    },
  };
}

/** What is told to the controller as it stands. */
class Refusal extends Error {}

/** SCT-32: who has handed a channel over would only leave it. */
const isHeld = ({ channel }: Granted): boolean => !channel.isOver && channel.isModerator;

const isOver = ({ expiresAt }: Grant, clock: Clock): boolean =>
  expiresAt !== undefined && BigInt(expiresAt) * 1_000_000_000n <= clock.nowNs();

function nameOf(text: string, parts?: number): SlimName {
  if (parts !== undefined && text.split("/").length !== parts) {
    throw new Refusal(`a name of ${parts} parts is asked for`);
  }
  return parseSlimName(text);
}
