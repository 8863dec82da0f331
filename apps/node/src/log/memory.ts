import { systemClock, toHex } from "@coterie/base";
import type { Clock } from "@coterie/base";
import { entryHash, nextTime, takePage } from "./entries.ts";
import type {
  CommitLogEntry,
  GroupMessage,
  IdentityLogEntry,
  NodeLog,
  Page,
  PageQuery,
  Watcher,
  Welcome,
} from "./log.ts";
import { closedError } from "./storage-errors.ts";

/** One append-only log: entries by topic, each kept once. */
interface Topics<Entry> {
  /** Returns the entry as stored, or nothing where it was there already. */
  append(topic: Uint8Array, data: Uint8Array, make: Make<Entry>): Entry | undefined;
  page(query: PageQuery, sizeOf: (entry: Entry) => number): Page<Entry>;
  newest(topic: Uint8Array): Entry | undefined;
  /** Drops entries and returns how many. */
  drop(old: (entry: Entry) => boolean): number;
}

type Make<Entry> = (id: bigint, last: Entry | undefined) => Entry;

/** A log that ends with the process, for tests and demonstrations. Holds to the same rules as the one on disk. */
export function openMemoryLog(options: { readonly clock?: Clock } = {}): NodeLog {
  const clock = options.clock ?? systemClock;
  const messages = createTopics<GroupMessage>();
  const welcomes = createTopics<Welcome>();
  const commitLog = createTopics<CommitLogEntry>({ keepCopies: true });
  const keyPackages = new Map<string, { readonly bytes: Uint8Array; readonly updatedNs: bigint }>();
  const identities = new Map<string, IdentityLogEntry[]>();
  const associations = new Map<string, { inboxId: string; sequenceId: bigint }[]>();
  const watchers = new Set<Watcher>();
  let lastSequenceId = 0n;
  let closed = false;

  const open = (): void => {
    if (closed) throw closedError();
  };
  const timeAfter = (last: { readonly createdNs: bigint } | undefined): bigint =>
    nextTime(clock.nowNs(), last?.createdNs);

  return {
    async appendGroupMessages(news) {
      open();
      const stored: GroupMessage[] = [];
      for (const message of news) {
        const entry = messages.append(message.groupId, message.data, (id, last) => ({
          ...message,
          id,
          createdNs: timeAfter(last),
        }));
        if (entry !== undefined) stored.push(entry);
      }
      if (stored.length > 0) for (const watcher of watchers) watcher.groupMessages?.(stored);
      return { stored: stored.length, duplicates: news.length - stored.length };
    },

    async groupMessages(query) {
      open();
      return messages.page(query, ({ data }) => data.length + 64);
    },

    async newestGroupMessages(groupIds, { content }) {
      open();
      return groupIds.map((groupId) => {
        const newest = messages.newest(groupId);
        if (newest === undefined || content) return newest;
        const none = new Uint8Array();
        return { ...newest, data: none, senderHmac: none, shouldPush: false };
      });
    },

    async appendWelcomes(news) {
      open();
      const stored: Welcome[] = [];
      for (const welcome of news) {
        const entry = welcomes.append(welcome.installationKey, welcome.data, (id, last) => ({
          ...welcome,
          id,
          createdNs: timeAfter(last),
        }));
        if (entry !== undefined) stored.push(entry);
      }
      if (stored.length > 0) for (const watcher of watchers) watcher.welcomes?.(stored);
      return { stored: stored.length, duplicates: news.length - stored.length };
    },

    async welcomes(query) {
      open();
      return welcomes.page(query, ({ data }) => data.length + 256);
    },

    async putKeyPackage(installationKey, keyPackage) {
      open();
      keyPackages.set(toHex(installationKey), { bytes: keyPackage, updatedNs: clock.nowNs() });
    },

    async keyPackages(installationKeys) {
      open();
      return installationKeys.map((key) => keyPackages.get(toHex(key))?.bytes);
    },

    async appendIdentityUpdate({ inboxId, update, expectedLast, added, revoked }) {
      open();
      const log = identities.get(inboxId) ?? [];
      const last = log.at(-1);
      if ((last?.sequenceId ?? 0n) !== expectedLast) return { kind: "conflict" };
      const sequenceId = ++lastSequenceId;
      const serverTimestampNs = nextTime(clock.nowNs(), last?.serverTimestampNs);
      identities.set(inboxId, [...log, { sequenceId, serverTimestampNs, update }]);
      for (const { kind, text } of revoked) {
        const held = associations.get(`${kind}:${text}`) ?? [];
        associations.set(
          `${kind}:${text}`,
          held.filter((one) => one.inboxId !== inboxId),
        );
      }
      for (const { kind, text } of added) {
        const held = associations.get(`${kind}:${text}`) ?? [];
        associations.set(`${kind}:${text}`, [...held, { inboxId, sequenceId }]);
      }
      return { kind: "appended", sequenceId };
    },

    async identityUpdates(inboxId, after) {
      open();
      return (identities.get(inboxId) ?? []).filter(({ sequenceId }) => sequenceId > after);
    },

    async inboxIds(identifiers) {
      open();
      return identifiers.map(
        ({ kind, text }) => associations.get(`${kind}:${text}`)?.at(-1)?.inboxId,
      );
    },

    async appendCommitLog(entries) {
      open();
      for (const entry of entries) {
        commitLog.append(entry.groupId, entry.entry, (id) => ({ ...entry, id }));
      }
    },

    async commitLog(query) {
      open();
      return commitLog.page(query, ({ entry }) => entry.length + 128);
    },

    async prune({ messagesBeforeNs, welcomesBeforeNs }) {
      open();
      const isOld = (createdNs: bigint, before: bigint | undefined): boolean =>
        before !== undefined && createdNs < before;
      const entries =
        messages.drop((one) => !one.isCommit && isOld(one.createdNs, messagesBeforeNs)) +
        welcomes.drop((one) => isOld(one.createdNs, welcomesBeforeNs));
      let packages = 0;
      for (const [key, { updatedNs }] of keyPackages) {
        if (!isOld(updatedNs, welcomesBeforeNs)) continue;
        keyPackages.delete(key);
        packages += 1;
      }
      return { entries: entries + packages, done: true };
    },

    watch(watcher) {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },

    async close() {
      closed = true;
    },
  };
}

function createTopics<Entry extends { readonly id: bigint }>(
  options: { readonly keepCopies?: boolean } = {},
): Topics<Entry> {
  const topics = new Map<string, Entry[]>();
  const seen = new Set<string>();
  let lastId = 0n;
  return {
    append(topic, data, make) {
      const hash = toHex(entryHash(topic, data));
      if (options.keepCopies !== true && seen.has(hash)) return undefined;
      seen.add(hash);
      const name = toHex(topic);
      const entries = topics.get(name) ?? [];
      const entry = make(++lastId, entries.at(-1));
      entries.push(entry);
      topics.set(name, entries);
      return entry;
    },
    page(query, sizeOf) {
      const all = topics.get(toHex(query.topic)) ?? [];
      const { cursor, direction } = query;
      const wanted =
        direction === "ascending"
          ? all.filter(({ id }) => cursor === undefined || id > cursor)
          : all.filter(({ id }) => cursor === undefined || id < cursor).toReversed();
      return takePage(wanted, query, sizeOf);
    },
    newest: (topic) => topics.get(toHex(topic))?.at(-1),
    drop(old) {
      let dropped = 0;
      for (const [topic, entries] of topics) {
        const kept = entries.filter((entry) => !old(entry));
        dropped += entries.length - kept.length;
        topics.set(topic, kept);
      }
      return dropped;
    },
  };
}
