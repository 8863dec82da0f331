import { silentLog, systemRandom, toHex } from "@coterie/base";
import type { Log, Random } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import type { Duplex } from "@coterie/transport";
import { WireError } from "@coterie/wire";
import { Message, peekSlimMessage, replaceSlimHeader } from "@coterie/wire/slim";
import type { Peeked, SubscriptionAck } from "@coterie/wire/slim";
import { DataPlaneError } from "./errors.ts";
import { createFlows, createStamper, hopOf } from "./flows.ts";
import { offerLink } from "./link.ts";
import type { Negotiated, NetworkKind } from "./negotiation.ts";
import { within } from "./within.ts";

export interface DialOptions {
  readonly crypto: CryptoProvider;
  /** A call of `OpenChannel` (SCN-01), over whatever transport. It belongs to the link from here on. */
  readonly duplex: Duplex;
  readonly connectionType: NetworkKind;
  /** A fresh UUID where it is absent; an app that comes back keeps the one it had (SCN-11). */
  readonly linkId?: string | undefined;
  /** Stable for the process (SCN-27). */
  readonly nodeId: string;
  /** Told to the peer, `2.2.0+ts.N` (SSN-21). */
  readonly version: string;
  readonly deploymentName?: string | undefined;
  /** For the negotiation; 5,000 by default (SCN-21). */
  readonly timeoutMs?: number | undefined;
  /** Adds ML-KEM-768 to the key exchange (SCN-24). Who cannot do it refuses the link. */
  readonly hybrid?: boolean | undefined;
  readonly random?: Random | undefined;
  readonly log?: Log | undefined;
  /** Whatever comes with a header, its MAC found right. A promise asks to wait with the next, which acknowledgements never do (SCN-34). */
  readonly onMessage: (message: Message) => Promise<unknown> | undefined | void;
  /** Something was refused: counted, never with content. */
  readonly onDrop?: ((reason: "malformed" | "mac" | "unexpected") => void) | undefined;
}

/** A negotiated connection, seen from the side that dialled. */
export interface DialledLink extends Negotiated {
  /**
   * Sends an encoded message with its header's MAC put in (SMC-01), and resolves once the peer can take more. Throws `dataplane/too-large`,
   * and what the transport throws.
   */
  send(message: Uint8Array): Promise<void>;
  /**
   * Sends a Subscribe or Unsubscribe and waits for its answer. Throws `dataplane/subscription-refused`, `dataplane/timeout` or
   * `dataplane/closed`.
   */
  ask(message: Uint8Array, subscriptionId: bigint, timeoutMs: number): Promise<void>;
  /** Settles when the connection has ended: with why, or undefined where the peer ended it in good order. */
  readonly closed: Promise<unknown>;
  /** Ends our direction; the peer may still talk. */
  end(): void;
  /** Ends both. */
  cancel(): void;
}

/** What a released peer decodes (SCN-03). */
export const maxMessageBytes: number = 4 * 1024 * 1024;

/** What a negotiation over a new call makes. */
export interface NegotiatedCall {
  readonly link: Negotiated;
  /** What comes after the answer. */
  readonly incoming: AsyncIterator<Uint8Array>;
}

/** Throws `dataplane/bad-negotiation`, `dataplane/timeout` or what the transport throws; the call is over then. */
export async function negotiate(
  options: Omit<DialOptions, "onMessage" | "onDrop" | "log">,
): Promise<NegotiatedCall> {
  const { crypto, duplex, nodeId, version, connectionType, random = systemRandom } = options;
  const own = { crypto, nodeId, version, deploymentName: options.deploymentName ?? "" };
  const offer = offerLink(own, {
    linkId: options.linkId ?? randomUuid(random),
    kind: connectionType,
    kemSeed: options.hybrid === true ? random.bytes(64) : undefined,
  });
  const incoming = duplex[Symbol.asyncIterator]();
  const exchange = async (): Promise<Negotiated> => {
    await duplex.send(offer.first);
    const reply = await incoming.next();
    if (reply.done === true) throw new DataPlaneError("dataplane/closed");
    return offer.finish(reply.value);
  };
  try {
    return { link: await within(options.timeoutMs ?? 5_000, exchange()), incoming };
  } catch (error) {
    duplex.cancel();
    throw error;
  }
}

/** Negotiates a link over a new call. Throws `dataplane/bad-negotiation`, `dataplane/timeout` or what the transport throws; the call is over then. */
export async function dialLink(options: DialOptions): Promise<DialledLink> {
  return run(options, await negotiate(options));
}

interface Asked {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

function run(options: DialOptions, { link, incoming }: NegotiatedCall): DialledLink {
  const { crypto, duplex, onMessage, onDrop = () => {}, log = silentLog } = options;
  const hop = hopOf(link);
  const flows = createFlows(crypto, hop);
  const stamper = createStamper(crypto, hop);
  const asked = new Map<bigint, Asked>();
  /** Wakes a reader that waits for whoever handles messages. */
  let readOn: (() => void) | undefined;

  const acknowledged = ({ subscriptionId, success, error }: SubscriptionAck): void => {
    const one = asked.get(subscriptionId);
    if (one === undefined) return onDrop("unexpected");
    asked.delete(subscriptionId);
    if (success) one.resolve();
    else one.reject(new DataPlaneError("dataplane/subscription-refused", { reason: error }));
  };

  const receive = (bytes: Uint8Array): Promise<unknown> | undefined | void => {
    let message: Message;
    try {
      const peeked: Peeked = peekSlimMessage(bytes);
      if (peeked.kind === "link") return onDrop("unexpected"); // SCN-25
      if (peeked.kind !== "subscription-ack") {
        const verdict = flows.judge(bytes, peeked);
        if (typeof verdict === "string") return onDrop(verdict); // SMC-06
      }
      message = Message.decode(bytes);
    } catch (error) {
      if (error instanceof WireError) return onDrop("malformed");
      throw error;
    }
    const { messageType } = message;
    if (messageType.kind === "subscriptionAck") return acknowledged(messageType.value);
    return onMessage(message);
  };

  const read = async (): Promise<void> => {
    for (;;) {
      const next = await incoming.next();
      if (next.done === true) return;
      const handled = receive(next.value);
      // SCN-34: whoever waits for an acknowledgement while handling a message gets it
      if (!(handled instanceof Promise)) continue;
      const ready = new Promise<void>((resolve) => {
        readOn = resolve;
        handled.then(
          () => resolve(),
          () => resolve(),
        );
      });
      if (asked.size === 0) await ready;
    }
  };
  const ended = (): void => {
    for (const one of asked.values()) one.reject(new DataPlaneError("dataplane/closed"));
    asked.clear();
    duplex.cancel();
  };
  const closed = read().then(
    () => ended(),
    (error: unknown) => {
      ended();
      log.write("debug", "slim.link-ended", { error });
      return error;
    },
  );

  const send = async (bytes: Uint8Array): Promise<void> => {
    const peeked = peekSlimMessage(bytes);
    let out = bytes;
    if ("header" in peeked) {
      const { start, end } = peeked.header;
      out = replaceSlimHeader(bytes, peeked, stamper.stamp(bytes.subarray(start, end)));
    }
    if (out.length > maxMessageBytes) {
      throw new DataPlaneError("dataplane/too-large", {
        rule: "SCN-03",
        size: out.length,
        limit: maxMessageBytes,
      });
    }
    await duplex.send(out);
  };

  return {
    ...link,
    send,
    async ask(message, subscriptionId, timeoutMs) {
      const answer = new Promise<void>((resolve, reject) => {
        asked.set(subscriptionId, { resolve, reject });
      });
      answer.catch(() => {});
      readOn?.();
      try {
        await send(message);
        await within(timeoutMs, answer);
      } finally {
        asked.delete(subscriptionId);
      }
    },
    closed,
    end: () => duplex.end(),
    cancel: () => duplex.cancel(),
  };
}

/** A fresh UUID, version 4; `crypto.randomUUID` is absent from pages without TLS. */
export function randomUuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
