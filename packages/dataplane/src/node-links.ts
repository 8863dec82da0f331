import { silentLog } from "@coterie/base";
import type { Log as Logger, Random } from "@coterie/base";
import { Status, TransportError } from "@coterie/transport";
import type { Duplex, Transport } from "@coterie/transport";
import { slimPaths } from "@coterie/wire/slim";
import type { Connection } from "./connection.ts";
import type { PlaneDial } from "./control/port.ts";
import { negotiate } from "./dial.ts";
import { DataPlaneError } from "./errors.ts";
import type { Negotiated, OwnLink } from "./negotiation.ts";
import { pause, within } from "./within.ts";

export interface DiallerParts {
  readonly own: OwnLink;
  readonly random: Random;
  readonly logger?: Logger | undefined;
  readonly dial: ((to: PlaneDial) => Transport) | undefined;
  readonly negotiationMs: number;
  readonly reconnectMs: number;
  readonly enter: (about: {
    readonly direction: "outgoing";
    readonly link: Negotiated;
    readonly endpoint: string;
  }) => Connection;
  readonly leave: (connection: Connection) => void;
  readonly read: (from: Connection, incoming: AsyncIterator<Uint8Array>) => Promise<void>;
}

/** Links that this node dials. */
export interface Dialler {
  /** Resolves with the first connection. A peer is called again every 2 seconds whatever happens; another node is not (SCN-11). */
  connect(to: PlaneDial): Promise<Connection>;
  /** False where nobody asked for that link. */
  disconnect(linkId: string): boolean;
  close(): void;
}

/** How long the other side may take to hang up after we did, in milliseconds. */
const farewellMs = 1_000;
/** How long what waits may take to go out once a link is over: its far side may read no more, and the link is to be dialled anew. */
const lastWordsMs = 5_000;

interface Wanted {
  readonly connected: Promise<Connection>;
  readonly leaving: AbortController;
}

export function createDialler(parts: DiallerParts): Dialler {
  const { own, logger = silentLog } = parts;
  const wanted = new Map<string, Wanted>();

  /** Settles when a link that stood has ended; throws where none came to stand. `over`: nothing new goes out on it. */
  const live = async (
    to: PlaneDial,
    leaving: AbortSignal,
    connected: (connection: Connection) => void,
    over: () => void,
  ): Promise<void> => {
    if (parts.dial === undefined) {
      throw new DataPlaneError("dataplane/bad-argument", { what: "dial" });
    }
    const transport = parts.dial(to);
    let connection: Connection | undefined;
    let hangUp = (): void => {};
    const attempt = new AbortController();
    // a link that stands ends with its outbox, so that what waits in there still goes
    const giveUp = (): void => void (connection === undefined && attempt.abort());
    leaving.addEventListener("abort", giveUp);
    try {
      const duplex = transport.duplex(slimPaths.openChannel, { signal: attempt.signal });
      hangUp = () => duplex.cancel();
      const { link, incoming } = await negotiate({
        ...own,
        duplex,
        connectionType: to.kind,
        linkId: to.linkId,
        timeoutMs: parts.negotiationMs,
        random: parts.random,
      });
      const standing = parts.enter({ direction: "outgoing", link, endpoint: to.endpoint });
      connection = standing;
      connected(standing);
      const ended = parts.read(standing, incoming).finally(() => standing.outbox.close());
      ended.catch(() => {});
      const sent = sendAll(standing, duplex);
      await Promise.race([sent, standing.outbox.closed]);
      over();
      await within(lastWordsMs, sent);
      duplex.end();
      await within(farewellMs, ended);
    } finally {
      hangUp();
      leaving.removeEventListener("abort", giveUp);
      if (connection !== undefined) parts.leave(connection);
      await transport.close();
    }
  };

  const sendAll = async ({ outbox }: Connection, duplex: Duplex): Promise<void> => {
    for await (const message of outbox) await duplex.send(message);
  };

  const run = async (
    to: PlaneDial,
    leaving: AbortSignal,
    connected: (connection: Connection) => void,
    over: () => void,
  ): Promise<unknown> => {
    for (;;) {
      const error: unknown = await live(to, leaving, connected, over).catch(
        (reason: unknown) => reason,
      );
      const { endpoint, kind } = to;
      if (!leaving.aborted) logger.write("warn", "slim.link-lost", { endpoint, kind, error });
      const isFinal = error instanceof TransportError && error.status === Status.permissionDenied;
      if (to.kind !== "peer" || isFinal || leaving.aborted) {
        return error ?? new DataPlaneError("dataplane/closed");
      }
      await pause(parts.reconnectMs, leaving);
      if (leaving.aborted) return new DataPlaneError("dataplane/closed");
    }
  };

  return {
    connect(to) {
      const known = wanted.get(to.linkId);
      if (known !== undefined) return known.connected;
      const leaving = new AbortController();
      const forget = (): void => {
        if (wanted.get(to.linkId)?.leaving === leaving) wanted.delete(to.linkId);
      };
      // only a peer is called again: whoever asks for another node once more gets a link that stands
      const over = (): void => void (to.kind !== "peer" && forget());
      const connected = new Promise<Connection>((resolve, reject) => {
        void run(to, leaving.signal, resolve, over).then((error) => {
          forget();
          reject(error);
        });
      });
      connected.catch(() => {});
      wanted.set(to.linkId, { connected, leaving });
      return connected;
    },
    disconnect(linkId) {
      const one = wanted.get(linkId);
      wanted.delete(linkId);
      one?.leaving.abort();
      return one !== undefined;
    },
    close() {
      for (const { leaving } of wanted.values()) leaving.abort();
      wanted.clear();
    },
  };
}
