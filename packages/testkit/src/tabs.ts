import type { TabChannel, TabMessage, TabPlatform } from "@coterie/client/browser";

type Work = (lock: Lock | null) => unknown;

interface Waiting {
  readonly tab: object;
  readonly run: () => void;
}

interface Member {
  readonly tab: object;
  readonly name: string;
  readonly listeners: ((message: TabMessage) => void)[];
}

/** The tabs of one origin in one process: locks that end with their tab, and channels that all others hear. */
export interface Origin {
  openTab(): Tab;
}

export interface Tab {
  readonly platform: TabPlatform;
  /** Ends the tab as a crash would: its locks go on to others, and it hears and says nothing any more. */
  kill(): void;
}

export function createOrigin(): Origin {
  const holders = new Map<string, object>();
  const queues = new Map<string, Waiting[]>();
  const channels = new Set<Member>();
  const dead = new Set<object>();

  function release(name: string): void {
    holders.delete(name);
    const queue = queues.get(name) ?? [];
    for (let next = queue.shift(); next; next = queue.shift()) {
      if (dead.has(next.tab)) continue;
      holders.set(name, next.tab);
      queueMicrotask(next.run);
      return;
    }
  }

  function request(tab: object, name: string, options: LockOptions, work: Work): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        if (dead.has(tab)) return;
        void (async () => work({ name, mode: "exclusive" }))()
          .then(resolve, reject)
          .finally(() => {
            if (!dead.has(tab)) release(name);
          });
      };
      if (!holders.has(name)) {
        holders.set(name, tab);
        queueMicrotask(run);
        return;
      }
      const waiting = { tab, run };
      queues.set(name, [...(queues.get(name) ?? []), waiting]);
      options.signal?.addEventListener("abort", () => {
        const queue = queues.get(name) ?? [];
        if (!queue.includes(waiting)) return;
        queues.set(
          name,
          queue.filter((one) => one !== waiting),
        );
        reject(new DOMException("given up", "AbortError"));
      });
    });
  }

  function openChannel(tab: object, name: string): TabChannel {
    const listeners: ((message: TabMessage) => void)[] = [];
    const entry = { tab, name, listeners };
    channels.add(entry);
    return {
      send(message) {
        if (dead.has(tab)) return;
        for (const other of channels) {
          if (other === entry || other.name !== name) continue;
          // Cloned at once, as browsers do.
          const copy = structuredClone(message);
          setImmediate(() => {
            if (dead.has(other.tab) || !channels.has(other)) return;
            for (const listener of other.listeners) listener(copy);
          });
        }
      },
      listen(listener) {
        listeners.push(listener);
      },
      close() {
        channels.delete(entry);
      },
    };
  }

  return {
    openTab() {
      const tab = {};
      return {
        platform: {
          locks: {
            request: (name: string, second: LockOptions | Work, third?: Work) =>
              typeof second === "function"
                ? request(tab, name, {}, second)
                : request(tab, name, second, third as Work),
          } as TabPlatform["locks"],
          openChannel: (name) => openChannel(tab, name),
        },
        kill() {
          dead.add(tab);
          for (const [name, holder] of new Map(holders)) if (holder === tab) release(name);
        },
      };
    },
  };
}
