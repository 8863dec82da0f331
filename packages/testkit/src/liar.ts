import {
  BatchQueryCommitLogResponse,
  Empty,
  FetchKeyPackagesResponse,
  GetIdentityUpdatesResponse,
  GetNewestGroupMessageResponse,
  GroupMessage,
  QueryGroupMessagesResponse,
  QueryWelcomeMessagesResponse,
  WelcomeMessage,
  paths,
} from "@coterie/wire";
import type { SeededRandom } from "./random.ts";
import type { StreamTamper, Swallow, Tamper } from "./tamper.ts";
import type { Actor } from "./world.ts";

/** What a node that lies may do to what it hands out. */
export type Lie =
  /** Leaves messages out, of pages and of streams. */
  | "withhold"
  | "reorder"
  | "duplicate"
  /** Old messages again, under new numbers. */
  | "replay"
  /** Other sequence ids than the messages have, also far too high ones. */
  | "renumber"
  /** Messages of another group in the place of this one's. */
  | "misdirect"
  | "garbage"
  /** Inbox logs without their end. */
  | "old-identity"
  | "old-key-packages"
  /** Wrong newest messages. */
  | "newest"
  /** Takes sends and keeps nothing. */
  | "swallow"
  | "close-streams"
  /** Commit logs without some of their entries. */
  | "commit-log";

export const allLies: readonly Lie[] = [
  "withhold",
  "reorder",
  "duplicate",
  "replay",
  "renumber",
  "misdirect",
  "garbage",
  "old-identity",
  "old-key-packages",
  "newest",
  "swallow",
  "close-streams",
  "commit-log",
];

/** A node that lies to one client, by chance out of a seed. It holds no keys: it can only spoil, keep and repeat. */
export interface Liar {
  readonly tamper: Tamper;
  readonly streamTamper: StreamTamper;
  readonly swallow: Swallow;
  /** How many lies of each kind were told. */
  readonly told: ReadonlyMap<Lie, number>;
}

export interface LiarOptions {
  readonly random: SeededRandom;
  readonly lies: readonly Lie[];
  /** Chance of each lie where it is possible; default 0.3. */
  readonly chance?: number | undefined;
}

/** Between an actor and the node from now on. */
export function lieTo(actor: Actor, options: LiarOptions): Liar {
  const liar = createLiar(options);
  actor.tamper = liar.tamper;
  actor.streamTamper = liar.streamTamper;
  actor.swallow = liar.swallow;
  return liar;
}

/** Says the truth from now on. */
export function beHonestTo(actor: Actor): void {
  actor.tamper = undefined;
  actor.streamTamper = undefined;
  actor.swallow = undefined;
}

type Item<T> = { readonly kind: "v1"; readonly value: T } | { readonly kind: string };

function createLiar({ random, lies, chance = 0.3 }: LiarOptions): Liar {
  const told = new Map<Lie, number>();
  const allowed = new Set(lies);
  const seenGroups: GroupMessage[] = [];
  const seenWelcomes: WelcomeMessage[] = [];
  const seenKeyPackages = new Map<string, Uint8Array>();
  const tells = (lie: Lie): boolean => {
    if (!allowed.has(lie) || random.next() >= chance) return false;
    told.set(lie, (told.get(lie) ?? 0) + 1);
    return true;
  };
  const high = (id: bigint): bigint => id + BigInt(1 + random.integer(3) ** 9);

  /** The lies that numbered messages of any kind allow. */
  function spoil<T extends { readonly id: bigint }, M extends Item<T>>(
    messages: readonly M[],
    seen: M[],
  ): M[] {
    let out = [...messages];
    if (tells("withhold")) out = out.filter(() => random.next() < 0.5);
    if (tells("renumber")) {
      out = out.map((message) => renumbered(message, high));
    }
    if (seen.length > 0 && tells("replay")) {
      const last = out.at(-1);
      const id = last && "value" in last ? (last.value as T).id : 0n;
      out.push(renumbered(random.pick(seen), () => id + 1n));
    }
    if (tells("duplicate")) out = out.flatMap((message) => [message, message]);
    if (tells("reorder")) out = random.shuffle(out);
    seen.push(...messages);
    return out;
  }

  function renumbered<M>(message: M, to: (id: bigint) => bigint): M {
    const { value } = message as { value?: { id: bigint } };
    if (!value) return message;
    return { ...message, value: { ...value, id: to(value.id) } };
  }

  function groupMessages(messages: readonly GroupMessage[]): GroupMessage[] {
    let out: GroupMessage[] = spoil(messages, seenGroups);
    if (seenGroups.length > 0 && tells("misdirect")) {
      const other = random.pick(seenGroups);
      out.push(renumbered(other, high));
    }
    if (tells("garbage")) {
      out = out.map((message) => (random.next() < 0.3 ? spoiled(message) : message));
    }
    return out;
  }

  function spoiled(message: GroupMessage): GroupMessage {
    if (message.kind !== "v1") return message;
    return { kind: "v1", value: { ...message.value, data: garbled(message.value.data) } };
  }

  function garbled(data: Uint8Array): Uint8Array {
    if (random.next() < 0.3) return random.bytes(random.integer(80));
    const out = new Uint8Array(data);
    const at = random.integer(out.length);
    out[at] = (out[at] as number) ^ (1 + random.integer(255));
    return out;
  }

  function answer(path: string, bytes: Uint8Array): Uint8Array | undefined {
    switch (path) {
      case paths.mls.queryGroupMessages: {
        const response = QueryGroupMessagesResponse.decode(bytes);
        return QueryGroupMessagesResponse.encode({
          ...response,
          messages: groupMessages(response.messages),
        });
      }
      case paths.mls.queryWelcomeMessages: {
        const response = QueryWelcomeMessagesResponse.decode(bytes);
        const messages = spoil(response.messages, seenWelcomes);
        return QueryWelcomeMessagesResponse.encode({ ...response, messages });
      }
      case paths.identity.getIdentityUpdates: {
        const { responses } = GetIdentityUpdatesResponse.decode(bytes);
        return GetIdentityUpdatesResponse.encode({
          responses: responses.map((response) =>
            tells("old-identity")
              ? { inboxId: response.inboxId, updates: response.updates.slice(0, -1) }
              : response,
          ),
        });
      }
      case paths.mls.fetchKeyPackages:
        return oldKeyPackages(bytes);
      case paths.mls.getNewestGroupMessage:
        return newest(bytes);
      case paths.mls.batchQueryCommitLog: {
        const { responses } = BatchQueryCommitLogResponse.decode(bytes);
        return BatchQueryCommitLogResponse.encode({
          responses: responses.map((response) =>
            tells("commit-log") ? { groupId: response.groupId, commitLogEntries: [] } : response,
          ),
        });
      }
      default:
        return undefined;
    }
  }

  function oldKeyPackages(bytes: Uint8Array): Uint8Array {
    const { keyPackages } = FetchKeyPackagesResponse.decode(bytes);
    return FetchKeyPackagesResponse.encode({
      keyPackages: keyPackages.map((item) => {
        // The signature key tells whose it is: the first one seen of each is handed out for ever.
        const owner = Buffer.from(item.keyPackageTlsSerialized.subarray(60, 200)).toString("hex");
        const first = seenKeyPackages.get(owner) ?? item.keyPackageTlsSerialized;
        seenKeyPackages.set(owner, first);
        return tells("old-key-packages") ? { keyPackageTlsSerialized: first } : item;
      }),
    });
  }

  function newest(bytes: Uint8Array): Uint8Array {
    const { responses } = GetNewestGroupMessageResponse.decode(bytes);
    return GetNewestGroupMessageResponse.encode({
      responses: responses.map((response) => {
        const { groupMessage } = response;
        if (groupMessage?.kind !== "v1" || !tells("newest")) return response;
        const draw = random.next();
        if (draw < 0.3) return {};
        const { value } = groupMessage;
        const id = draw < 0.6 ? high(value.id) : value.id - BigInt(random.integer(3));
        return {
          groupMessage: {
            kind: "v1" as const,
            value: { ...value, id: id < 0n ? 0n : id, isCommit: random.next() < 0.5 },
          },
        };
      }),
    });
  }

  return {
    told,
    tamper: (path, bytes) => answer(path, bytes),
    swallow(path) {
      const sends = path === paths.mls.sendGroupMessages || path === paths.mls.sendWelcomeMessages;
      return sends && tells("swallow") ? Empty.encode({}) : undefined;
    },
    streamTamper(path, bytes) {
      const close = tells("close-streams");
      if (tells("garbage")) return { messages: [random.bytes(random.integer(50)), bytes], close };
      if (path === paths.mls.subscribeGroupMessages) {
        const messages = groupMessages([GroupMessage.decode(bytes)]);
        return { messages: messages.map((message) => GroupMessage.encode(message)), close };
      }
      if (path === paths.mls.subscribeWelcomeMessages) {
        const messages = spoil([WelcomeMessage.decode(bytes)], seenWelcomes);
        return { messages: messages.map((message) => WelcomeMessage.encode(message)), close };
      }
      return undefined;
    },
  };
}
