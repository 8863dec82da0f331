// Runs outside the test: as a worker that tries to open a store, or as a process that holds one or writes until it is killed.
import { parentPort, workerData } from "node:worker_threads";
import { encodeKey } from "@coterie/storage";
import type { Store } from "@coterie/storage";
import { openSqliteStore } from "@coterie/storage/sqlite";
import { fromHex } from "@coterie/base";

if (parentPort) {
  const port = parentPort;
  openSqliteStore(workerData as { path: string; key: Uint8Array }).then(
    () => {
      port.postMessage("opened");
    },
    (error: { code: string }) => {
      port.postMessage(error.code);
    },
  );
} else {
  const [, , doing, path, key] = process.argv as [string, string, string, string, string];
  const store = await openSqliteStore({ path, key: fromHex(key) }).catch(
    (error: { code: string }) => {
      console.log(error.code);
      process.exit(0);
    },
  );
  console.log("open");
  if (doing === "hold") {
    setInterval(() => {}, 1000);
  } else {
    await writeOn(store);
  }
}

/** Each batch writes its number in three places; the line comes after it is durable. */
async function writeOn(store: Store): Promise<never> {
  for (let n = 1n; ; n++) {
    const value = new Uint8Array(200).fill(Number(n & 255n));
    await store.write([
      { kind: "put", key: encodeKey("first", n), value },
      { kind: "put", key: encodeKey("second", n), value: new Uint8Array(Number(n % 3n) * 3000) },
      { kind: "put", key: encodeKey("last"), value: encodeKey(n) },
    ]);
    console.log(String(n));
  }
}
