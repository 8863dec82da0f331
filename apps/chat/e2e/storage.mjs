// The conformance suite of stores, in a real browser's IndexedDB.
import { serveScript } from "./serve-script.mjs";

const entry = `
  import { storeConformance } from "@coterie/storage/conformance";
  import { deleteIndexedDbStore, keptKey, openIndexedDbStore } from "@coterie/storage/indexeddb";
  import { encodeKey } from "@coterie/storage";

  let count = 0;
  const bytes = new Uint8Array(32).fill(7);
  const open = async () => {
    const name = "conformance-" + count++;
    // Both kinds of key in turn.
    const key = count % 2 === 0 ? await keptKey(name) : bytes;
    let store = await openIndexedDbStore({ name, key });
    return {
      store,
      async reopen() {
        await store.close();
        store = await openIndexedDbStore({ name, key });
        return store;
      },
    };
  };
  const cases = storeConformance(open);
  globalThis.names = cases.map(({ name }) => name);
  globalThis.run = (index) => cases[index].run();
  globalThis.codeOf = async (options) => {
    try {
      const store = await openIndexedDbStore({ name: "codes", key: bytes, ...options });
      await store.close();
      return "none";
    } catch (error) {
      return error.code;
    }
  };
  globalThis.measure = async (keys) => {
    const name = "measure";
    let store = await openIndexedDbStore({ name, key: bytes });
    const value = new Uint8Array(300);
    for (let at = 0; at < keys; at += 1000) {
      const batch = [];
      for (let n = at; n < at + 1000; n++) {
        batch.push({ kind: "put", key: encodeKey("m", "00112233445566778899aabbccddeeff", BigInt(n)), value });
      }
      await store.write(batch);
    }
    const time = async (work) => {
      const start = performance.now();
      await work();
      return Math.round((performance.now() - start) * 10) / 10;
    };
    const writeMs = await time(() => store.write([{ kind: "put", key: encodeKey("x"), value }]));
    const listMs = await time(() => store.list({ from: encodeKey("m"), to: encodeKey("n"), limit: 100 }));
    await store.close();
    const openMs = await time(async () => {
      store = await openIndexedDbStore({ name, key: bytes });
    });
    await store.close();
    await deleteIndexedDbStore(name);
    return { keys, openMs, writeMs, listMs };
  };
`;

export async function checkStorage(context, check) {
  const server = await serveScript(entry);
  const page = await context.newPage();
  try {
    await page.goto(server.url);
    await page.waitForFunction(() => globalThis.measure !== undefined);
    const names = await page.evaluate(() => globalThis.names);
    for (const [index, name] of names.entries()) {
      await check(`IndexedDB: ${name}`, () => page.evaluate((at) => globalThis.run(at), index));
    }
    const other = await context.newPage();
    await other.goto(server.url);
    await other.waitForFunction(() => globalThis.measure !== undefined);
    await check(
      "IndexedDB: a tab that waits opens the store once the tab that held it is gone",
      async () => {
        await page.evaluate(() => {
          void globalThis.codeOf({});
        });
        const codes = await other.evaluate(async () => [
          await globalThis.codeOf({ wait: true }),
          await globalThis.codeOf({ key: new Uint8Array(32), wait: true }),
          await globalThis.codeOf({}),
        ]);
        if (codes.join() !== "none,storage/wrong-key,none") throw new Error(codes.join());
      },
    );
    await other.close();
    const { keys, openMs, writeMs, listMs } = await page.evaluate(() => globalThis.measure(20_000));
    console.log(
      `        IndexedDB with ${keys} keys: opened in ${openMs} ms, a batch in ${writeMs} ms, a page of 100 in ${listMs} ms`,
    );
  } finally {
    await page.close();
    server.close();
  }
}
