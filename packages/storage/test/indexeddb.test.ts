import { describe, expect, test } from "vitest";
import { equal, fromUtf8, toUtf8 } from "@coterie/base";
import { createMemoryStore, encodeKey, prefixRange } from "@coterie/storage";
import type { Change, Store } from "@coterie/storage";
import { storeConformance } from "@coterie/storage/conformance";
import {
  deleteIndexedDbStore,
  deleteKeptKey,
  keptKey,
  openIndexedDbStore,
} from "@coterie/storage/indexeddb";
import type { IndexedDbPlatform } from "@coterie/storage/indexeddb";
import { fakeBrowser } from "./fake-browser.ts";
import { bytes, codeOf, key, otherKey } from "./temp.ts";

const put = (name: string, value: string): Change => ({
  kind: "put",
  key: bytes(name),
  value: bytes(value),
});
const everything = { from: new Uint8Array(), to: Uint8Array.of(255, 255, 255, 255) };
const open = (platform: IndexedDbPlatform, secret: Uint8Array | CryptoKey = key): Promise<Store> =>
  openIndexedDbStore({ name: "app", key: secret, platform });

/** Every record of every table, as the browser's files hold them. */
async function records(platform: IndexedDbPlatform, name = "app"): Promise<Map<string, unknown>> {
  const db = await raw(platform, name);
  const out = new Map<string, unknown>();
  for (const table of db.objectStoreNames) {
    const store = db.transaction(table).objectStore(table);
    const [keys, values] = await Promise.all([answer(store.getAllKeys()), answer(store.getAll())]);
    for (const [i, id] of keys.entries()) out.set(`${table}/${String(id)}`, values[i]);
  }
  db.close();
  return out;
}
const raw = (platform: IndexedDbPlatform, name: string, version?: number): Promise<IDBDatabase> =>
  answer(platform.indexedDB.open(name, version));
const answer = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

async function change(
  platform: IndexedDbPlatform,
  table: string,
  work: (store: IDBObjectStore, keys: readonly IDBValidKey[]) => Promise<unknown> | void,
): Promise<void> {
  const db = await raw(platform, "app");
  const store = db.transaction(table, "readwrite").objectStore(table);
  await work(store, await answer(store.getAllKeys()));
  db.close();
}

describe("conformance", () => {
  const cases = storeConformance(async () => {
    const platform = fakeBrowser();
    let store = await open(platform);
    return {
      store,
      reopen: async () => {
        await store.close();
        store = await open(platform);
        return store;
      },
    };
  });
  for (const { name, run } of cases) test(name, run);
});

test("neither keys nor values, nor parts of them, are among what the browser stores", async () => {
  const platform = fakeBrowser();
  const store = await open(platform);
  const secrets = ["conversation-0123456789abcdef", "attack at dawn, attack at dawn"];
  await store.write([put(secrets[0] as string, secrets[1] as string)]);
  await store.close();
  const all = await records(platform);
  const haystack: string[] = [];
  for (const [name, value] of all) {
    haystack.push(name);
    for (const part of value instanceof Uint8Array ? [value] : Object.values(value as object)) {
      if (part instanceof Uint8Array) haystack.push(Buffer.from(part).toString("latin1"));
    }
  }
  expect(haystack.length).toBeGreaterThan(4);
  for (const secret of secrets) {
    for (const piece of [secret, secret.slice(0, 8)]) {
      expect(haystack.some((part) => part.includes(piece))).toBe(false);
    }
  }
});

test("storage/wrong-key: another key changes nothing, and the right one opens afterwards", async () => {
  const platform = fakeBrowser();
  const store = await open(platform);
  await store.write([put("a", "1")]);
  await store.close();
  const before = await records(platform);
  expect(await codeOf(() => open(platform, otherKey))).toBe("storage/wrong-key");
  expect(await records(platform)).toEqual(before);
  const again = await open(platform);
  expect(fromUtf8((await again.get(bytes("a"))) as Uint8Array)).toBe("1");
  await again.close();
});

test("storage/bad-key: a key is 32 bytes or one that keys derive from", async () => {
  const platform = fakeBrowser();
  const aes = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt"]);
  for (const bad of [new Uint8Array(), new Uint8Array(31), "x".repeat(32), null, aes]) {
    expect(await codeOf(() => open(platform, bad as CryptoKey))).toBe("storage/bad-key");
  }
  expect(await platform.indexedDB.databases()).toEqual([]);
});

test("a kept key is the same for all who ask, cannot be read, and opens what it sealed", async () => {
  const platform = fakeBrowser();
  const [one, two] = await Promise.all([keptKey("app", platform), keptKey("app", platform)]);
  expect(one.extractable).toBe(false);
  const store = await open(platform, one);
  await store.write([put("a", "1")]);
  await store.close();
  for (const same of [two, await keptKey("app", platform)]) {
    const again = await open(platform, same);
    expect(await again.get(bytes("a"))).toEqual(bytes("1"));
    await again.close();
  }
  const other = await keptKey("other", platform);
  expect(await codeOf(() => open(platform, other))).toBe("storage/wrong-key");
  await deleteKeptKey("other", platform);
  await deleteKeptKey("app", platform);
  const fresh = await keptKey("app", platform);
  expect(await codeOf(() => open(platform, fresh))).toBe("storage/wrong-key");
});

test("storage/in-use: one holder among all tabs; who waits gets it next", async () => {
  const platform = fakeBrowser();
  const first = await open(platform);
  expect(await codeOf(() => open(platform))).toBe("storage/in-use");
  expect(await codeOf(() => deleteIndexedDbStore("app", platform))).toBe("storage/in-use");
  const controller = new AbortController();
  const { signal } = controller;
  const impatient = codeOf(() =>
    openIndexedDbStore({ name: "app", key, platform, wait: true, signal }),
  );
  controller.abort();
  expect(await impatient).toBe("storage/in-use");
  let got = false;
  const next = openIndexedDbStore({ name: "app", key, platform, wait: true }).then((store) => {
    got = true;
    return store;
  });
  await first.write([put("a", "1")]);
  expect(got).toBe(false);
  await first.close();
  const second = await next;
  expect(await second.get(bytes("a"))).toEqual(bytes("1"));
  await second.close();
});

test("a failed opening gives the place back", async () => {
  const platform = fakeBrowser();
  await (await open(platform)).close();
  expect(await codeOf(() => open(platform, otherKey))).toBe("storage/wrong-key");
  await (await open(platform)).close();
});

test("storage/newer-version: of the tables, and of what they hold; nothing changes", async () => {
  const platform = fakeBrowser();
  (await raw(platform, "app", 99)).close();
  expect(await codeOf(() => open(platform))).toBe("storage/newer-version");

  const other = fakeBrowser();
  await (await open(other)).close();
  await change(other, "meta", async (meta) => {
    const header = (await answer(meta.get("header"))) as object;
    await answer(meta.put({ ...header, format: 2 }, "header"));
  });
  expect(await codeOf(() => open(other))).toBe("storage/newer-version");
});

test("storage/not-a-store: a database of something else, or one without a header", async () => {
  const platform = fakeBrowser();
  (await raw(platform, "app", 1)).close();
  expect(await codeOf(() => open(platform))).toBe("storage/not-a-store");
  const other = fakeBrowser();
  await (await open(other)).close();
  await change(other, "meta", (meta) => answer(meta.delete("header")));
  expect(await codeOf(() => open(other))).toBe("storage/not-a-store");
});

test("an upgrade that is killed leaves no half-made store behind", async () => {
  const platform = fakeBrowser();
  const request = platform.indexedDB.open("app", 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("values");
    request.transaction?.abort();
  };
  await answer(request).catch(() => undefined);
  const store = await open(platform);
  await store.write([put("a", "1")]);
  await store.close();
});

test("storage/corrupt: records that are changed, exchanged, cut or not named do not open", async () => {
  const damage: Record<string, (platform: IndexedDbPlatform) => Promise<void>> = {
    "a flipped bit": (platform) =>
      change(platform, "values", async (values, ids) => {
        for (const id of ids) {
          const record = (await answer(values.get(id))) as Uint8Array;
          record[record.length - 1] = (record[record.length - 1] as number) ^ 1;
          await answer(values.put(record, id));
        }
      }),
    "two records exchanged": (platform) =>
      change(platform, "values", async (values, [one, two]) => {
        const first: unknown = await answer(values.get(one as IDBValidKey));
        const second: unknown = await answer(values.get(two as IDBValidKey));
        await answer(values.put(first, two));
        await answer(values.put(second, one));
      }),
    "no bytes": (platform) =>
      change(platform, "values", async (values, ids) => {
        for (const id of ids) await answer(values.put("text", id));
      }),
    "cut short": (platform) =>
      change(platform, "values", async (values, ids) => {
        for (const id of ids) await answer(values.put(new Uint8Array(5), id));
      }),
    "a list of names lost": (platform) =>
      change(platform, "names", async (names, [first]) => {
        await answer(names.delete(first as IDBValidKey));
      }),
    "a list of names moved": (platform) =>
      change(platform, "names", async (names, [first]) => {
        await answer(names.put(await answer(names.get(first as IDBValidKey)), 77));
      }),
  };
  for (const [what, harm] of Object.entries(damage)) {
    const platform = fakeBrowser();
    const store = await open(platform);
    await store.write([put("a", "1"), put("b", "2")]);
    await store.close();
    await harm(platform);
    const code = await codeOf(async () => {
      const again = await open(platform);
      try {
        await again.list(everything);
      } finally {
        await again.close();
      }
    });
    expect({ what, code }).toEqual({ what, code: "storage/corrupt" });
  }
});

test("lists of names stay few, however many small batches and deletions there are", async () => {
  const platform = fakeBrowser();
  let store = await open(platform);
  const model = createMemoryStore();
  const both = async (changes: readonly Change[]): Promise<void> => {
    await store.write(changes);
    await model.write(changes);
  };
  for (let i = 0; i < 1500; i++) {
    const n = BigInt((i * 7919) % 1500);
    const value = toUtf8(`value ${i}`);
    await both([
      { kind: "put", key: encodeKey("m", n), value },
      { kind: "put", key: encodeKey("x", n), value },
      ...(i % 3 === 0 ? [{ kind: "delete" as const, key: encodeKey("m", n) }] : []),
      ...(i % 200 === 199 ? [{ kind: "delete-range" as const, ...prefixRange("x") }] : []),
    ]);
  }
  await store.close();
  const lists = [...(await records(platform)).keys()].filter((name) => name.startsWith("names/"));
  expect(lists.length).toBeLessThan(60);
  store = await open(platform);
  const [found, expected] = [await store.list(everything), await model.list(everything)];
  expect(found.length).toBe(expected.length);
  for (const [i, { key, value }] of found.entries()) {
    expect(equal(key, expected[i]?.key as Uint8Array)).toBe(true);
    expect(equal(value, expected[i]?.value as Uint8Array)).toBe(true);
  }
  await store.close();
});

test("storage/full: a batch that the browser has no room for fails alone, and nothing of it is kept", async () => {
  const platform = fakeBrowser();
  const store = await open(platform);
  await store.write([put("a", "1")]);
  const table = Object.getPrototypeOf(
    (await raw(platform, "app")).transaction("values").objectStore("values"),
  ) as IDBObjectStore;
  const real = table.put;
  table.put = function (this: IDBObjectStore, value: unknown, id?: IDBValidKey) {
    if (value instanceof Uint8Array && value.length > 1000) {
      throw new DOMException("no room", "QuotaExceededError");
    }
    return real.call(this, value, id);
  };
  try {
    const results = await Promise.allSettled([
      store.write([put("b", "1")]),
      store.write([put("a", "2"), put("large", "x".repeat(2000))]),
      store.write([put("c", "1")]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect((results[1] as PromiseRejectedResult).reason).toMatchObject({ code: "storage/full" });
  } finally {
    table.put = real;
  }
  const keys = (await store.list(everything)).map(({ key }) => fromUtf8(key));
  expect(keys).toEqual(["a", "b", "c"]);
  expect(await store.get(bytes("a"))).toEqual(bytes("1"));
  await store.close();
});

test("a transaction waits for the medium unless all of its batches are content with their order", async () => {
  const platform = fakeBrowser();
  const store = await open(platform);
  const asked: unknown[] = [];
  const database = Object.getPrototypeOf(await raw(platform, "app")) as IDBDatabase;
  const real = database.transaction;
  database.transaction = function (this: IDBDatabase, names, mode, options) {
    if (mode === "readwrite") asked.push(options?.durability);
    return real.call(this, names, mode, options);
  };
  try {
    await store.write([put("a", "1")]);
    await store.write([put("a", "2")], { durability: "ordered" });
    await Promise.all([
      store.write([put("a", "3")], { durability: "ordered" }),
      store.write([put("b", "1")], { durability: "durable" }),
    ]);
  } finally {
    database.transaction = real;
  }
  expect(asked).toEqual(["strict", "relaxed", "strict"]);
  await store.close();
});

test("storage/unavailable: a page that is no secure context lacks what a store needs", async () => {
  const { indexedDB, subtle } = fakeBrowser();
  const locks = globalThis.navigator.locks as LockManager | undefined;
  if (locks) return;
  expect(await codeOf(() => open({ indexedDB, subtle } as IndexedDbPlatform))).toBe(
    "storage/unavailable",
  );
});

test("deleting leaves nothing, and what is not there is no failure", async () => {
  const platform = fakeBrowser();
  const store = await open(platform);
  await store.write([put("a", "1")]);
  await store.close();
  await deleteIndexedDbStore("app", platform);
  await deleteIndexedDbStore("app", platform);
  expect(await platform.indexedDB.databases()).toEqual([]);
  const fresh = await open(platform, otherKey);
  expect(await fresh.list(everything)).toEqual([]);
  await fresh.close();
});
