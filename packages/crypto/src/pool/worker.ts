// What runs in each thread of a pool.
// oxlint-disable-next-line import/no-nodejs-modules
import { parentPort, workerData } from "node:worker_threads";
import { nobleProvider } from "../noble.ts";
import { createOpensslProvider } from "../openssl/provider.ts";
import type { BatchMessage } from "./batch.ts";
import { work } from "./work.ts";

/** What a thread is started with: which provider to use, and the key of the pool's tags. */
export interface WorkerData {
  readonly provider: "openssl" | "noble";
  readonly key: Uint8Array;
}

const { provider, key } = workerData as WorkerData;
// Keys that come to a worker come once: a cache would only hold them.
const crypto = provider === "noble" ? nobleProvider : createOpensslProvider({ cachedKeys: 64 });

parentPort?.on("message", (message: BatchMessage) => work(crypto, key, message));
// oxlint-disable-next-line unicorn/require-post-message-target-origin
parentPort?.postMessage("ready");
