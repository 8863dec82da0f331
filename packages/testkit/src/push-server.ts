import { fromHex, toHex } from "@coterie/base";
import { isOwnMessage } from "@coterie/client";
import type { HmacKey } from "@coterie/client";
import type { CryptoProvider } from "@coterie/crypto";
import type { IncomingStream, Transport } from "@coterie/transport";
import {
  GroupMessage,
  SubscribeGroupMessagesRequest,
  SubscribeWelcomeMessagesRequest,
  WelcomeMessage,
  parseTopic,
  paths,
} from "@coterie/wire";

/** What a device asks a push server for: topics, and the keys by which its owner's own messages are known (XPU-05, XPU-06). */
export interface PushRegistration {
  readonly device: string;
  readonly topics: readonly string[];
  /** By group id in hex. */
  readonly hmacKeys: Readonly<Record<string, readonly HmacKey[]>>;
}

export interface Push {
  readonly device: string;
  readonly topic: string;
  /** For `processStreamedMessage` or `processStreamedWelcomeMessage` (XPU-08). */
  readonly payload: Uint8Array;
}

export interface PushServer {
  register(registration: PushRegistration): void;
  /** What would have gone to devices so far. */
  readonly sent: Push[];
  close(): void;
}

/**
 * A push server in a few lines, as docs/guides/push.md describes it: it listens to topics like anybody else, leaves out what asks for no push
 * and what the device's owner sent, and hands on the bytes. It can read nothing.
 */
export function createPushServer(transport: Transport, crypto: CryptoProvider): PushServer {
  const registrations = new Map<string, PushRegistration>();
  const streams = new Map<string, IncomingStream>();
  const sent: Push[] = [];

  function pushTo(topic: string, payload: Uint8Array, wanted: (to: PushRegistration) => boolean) {
    for (const registration of registrations.values()) {
      if (!registration.topics.includes(topic) || !wanted(registration)) continue;
      sent.push({ device: registration.device, topic, payload });
    }
  }

  function onGroupMessage(topic: string, bytes: Uint8Array): void {
    const message = GroupMessage.decode(bytes);
    if (message.kind !== "v1" || !message.value.shouldPush) return;
    const { value } = message;
    pushTo(topic, bytes, ({ hmacKeys }) => {
      return !isOwnMessage(crypto, hmacKeys[toHex(value.groupId)] ?? [], value);
    });
  }

  function listen(topic: string): void {
    const parsed = parseTopic(topic);
    const stream =
      parsed.kind === "group"
        ? transport.serverStream(
            paths.mls.subscribeGroupMessages,
            SubscribeGroupMessagesRequest.encode({
              filters: [{ groupId: fromHex(parsed.id), idCursor: 0n }],
            }),
          )
        : transport.serverStream(
            paths.mls.subscribeWelcomeMessages,
            SubscribeWelcomeMessagesRequest.encode({
              filters: [{ installationKey: fromHex(parsed.id), idCursor: 0n }],
            }),
          );
    streams.set(topic, stream);
    void (async () => {
      for await (const bytes of stream) {
        if (parsed.kind === "group") onGroupMessage(topic, bytes);
        else if (WelcomeMessage.decode(bytes).kind !== "unset") pushTo(topic, bytes, () => true);
      }
    })().catch(() => undefined);
  }

  return {
    sent,
    register(registration) {
      registrations.set(registration.device, registration);
      for (const topic of registration.topics) if (!streams.has(topic)) listen(topic);
    },
    close() {
      for (const stream of streams.values()) stream.cancel();
    },
  };
}
