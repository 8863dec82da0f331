import { systemRandom } from "@coterie/base";
// oxlint-disable-next-line import/no-nodejs-modules
import { availableParallelism } from "node:os";
// oxlint-disable-next-line import/no-nodejs-modules
import { Worker } from "node:worker_threads";
import { CryptoError } from "../errors.ts";
import { opensslProvider } from "../openssl/provider.ts";
import type { CryptoProvider } from "../provider.ts";
import type { BatchMessage } from "./batch.ts";
import { withHelpers } from "./helpers.ts";
import type { WorkerData } from "./worker.ts";

export interface PoolOptions {
  /** The provider to help: OpenSSL by default, or noble. */
  readonly crypto?: CryptoProvider;
  /** Threads beside the caller's; one less than the machine has by default. */
  readonly workers?: number;
}

/**
 * `open`: at least one worker is there. `alone`: none could start, or all of them failed. `distrusted`: one answered what is not so, and
 * all were stopped. `closed`: by {@link Pool.close}. The provider works in every state.
 */
export type PoolState = "open" | "alone" | "distrusted" | "closed";

export interface Pool {
  /** Gives the answers of the provider it stands for, sooner. */
  readonly crypto: CryptoProvider;
  readonly state: PoolState;
  /** Stops the workers and waits until they are gone. What they were at is done by the caller. */
  close(): Promise<void>;
}

/** What a pool needs of a thread. */
export interface PoolWorker {
  take(message: BatchMessage): void;
  /** Resolves when the thread takes work, and rejects when it cannot start. */
  readonly ready: Promise<void>;
  /** Resolves when the thread is gone, for whatever reason. */
  readonly gone: Promise<void>;
  terminate(): Promise<unknown>;
}

/**
 * Starts threads that verify signatures and make ephemeral keys for the operations of one provider, beginning where these announce them
 * (`CryptoProvider.ahead`). Never rejects for a thread that does not start; the threads do not keep the process alive.
 */
export function openPool(options: PoolOptions = {}): Promise<Pool> {
  return openPoolWith(startThread, options);
}

/** {@link openPool} on threads of the caller's making: for tests. */
export async function openPoolWith(
  start: (data: WorkerData) => PoolWorker,
  { crypto: base = opensslProvider, workers = availableParallelism() - 1 }: PoolOptions,
): Promise<Pool> {
  if (base.name !== "openssl" && base.name !== "noble") {
    throw new CryptoError("crypto/unsupported", { what: "pool", provider: base.name });
  }
  const data: WorkerData = { provider: base.name, key: systemRandom.bytes(32) };
  const alive = new Set<PoolWorker>();
  let state: PoolState = "open";

  const stop = async (): Promise<void> => {
    const all = [...alive];
    alive.clear();
    await Promise.allSettled(all.map((worker) => worker.terminate()));
  };

  const helped = withHelpers(
    base,
    {
      get size() {
        return alive.size;
      },
      post(message) {
        for (const worker of alive) {
          try {
            worker.take(message);
          } catch {
            alive.delete(worker);
            void worker.terminate().catch(() => {});
          }
        }
        if (alive.size === 0 && state === "open") state = "alone";
      },
      distrust() {
        state = "distrusted";
        void stop();
      },
    },
    data.key,
  );

  const join = async (): Promise<void> => {
    const worker = start(data);
    const leave = (): void => {
      alive.delete(worker);
      if (alive.size === 0 && state === "open") state = "alone";
    };
    // A thread that is gone before it was ready never will be.
    await Promise.race([worker.ready, worker.gone.then(() => Promise.reject(new Error("gone")))]);
    alive.add(worker);
    void worker.gone.then(leave, leave);
  };
  await Promise.allSettled(Array.from({ length: Math.max(1, workers) }, join));
  if (alive.size === 0) state = "alone";

  return {
    crypto: helped.crypto,
    get state() {
      return state;
    },
    async close() {
      if (state !== "distrusted") state = "closed";
      helped.drop();
      await stop();
      data.key.fill(0);
    },
  };
}

function startThread(data: WorkerData): PoolWorker {
  // From sources the thread needs to find sources, too.
  const source = import.meta.url.endsWith(".ts");
  const worker = new Worker(new URL(source ? "worker.ts" : "worker.js", import.meta.url), {
    workerData: data,
    name: "coterie crypto",
    ...(source && {
      execArgv: ["--conditions=@coterie/source", "--experimental-strip-types", "--no-warnings"],
    }),
  });
  const gone = new Promise<void>((resolve) => {
    worker.once("exit", () => resolve());
    // An error ends the thread, too; unheard, it would end the process.
    worker.on("error", () => resolve());
  });
  const ready = new Promise<void>((resolve) => {
    worker.once("message", () => {
      worker.unref();
      resolve();
    });
  });
  return {
    ready,
    gone,
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    take: (message) => worker.postMessage(message),
    terminate: () => worker.terminate(),
  };
}
