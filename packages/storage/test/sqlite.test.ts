import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { toHex } from "@coterie/base";
import { StorageError } from "@coterie/storage";
import type { Change, Store } from "@coterie/storage";
import { deleteSqliteStore, openSqliteStore } from "@coterie/storage/sqlite";
import { childArgv, childFile } from "./child-process.ts";
import { rawEngine } from "./engine.ts";
import { bytes, codeOf, key, otherKey, tempPath } from "./temp.ts";

const put = (name: string, value: Uint8Array | string): Change => ({
  kind: "put",
  key: bytes(name),
  value: typeof value === "string" ? bytes(value) : value,
});

async function seeded(path: string, secret: Uint8Array | undefined): Promise<void> {
  const store = await openSqliteStore(secret ? { path, key: secret } : { path, unencrypted: true });
  await store.write([put("a", "value of a")]);
  await store.close();
}

const snapshot = (path: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(dirname(path))
      .filter((name) => !name.endsWith("-lock"))
      .map((name) => [name, readFileSync(join(dirname(path), name)).toString("hex")]),
  );

describe("keys", () => {
  test("storage/bad-key: a key is 32 bytes, and having none is said aloud", async () => {
    const path = tempPath();
    for (const bad of [new Uint8Array(), new Uint8Array(31), new Uint8Array(33), "x".repeat(32)]) {
      expect(await codeOf(() => openSqliteStore({ path, key: bad as Uint8Array }))).toBe(
        "storage/bad-key",
      );
    }
    expect(await codeOf(() => openSqliteStore({ path }))).toBe("storage/bad-key");
    expect(await codeOf(() => openSqliteStore({ path, unencrypted: false }))).toBe(
      "storage/bad-key",
    );
    expect(await codeOf(() => openSqliteStore({ path, key, unencrypted: true }))).toBe(
      "storage/bad-key",
    );
    expect(readdirSync(dirname(path))).toEqual([]);
  });

  test("storage/wrong-key: another key, a key for a plain file, none for an encrypted one; nothing changes", async () => {
    const path = tempPath();
    await seeded(path, key);
    const plain = tempPath();
    await seeded(plain, undefined);
    const before = [snapshot(path), snapshot(plain)];
    const almost = Uint8Array.from(key);
    almost[31] = 0x10;
    for (const wrong of [otherKey, almost]) {
      expect(await codeOf(() => openSqliteStore({ path, key: wrong }))).toBe("storage/wrong-key");
    }
    expect(await codeOf(() => openSqliteStore({ path, unencrypted: true }))).toBe(
      "storage/wrong-key",
    );
    expect(await codeOf(() => openSqliteStore({ path: plain, key }))).toBe("storage/wrong-key");
    expect([snapshot(path), snapshot(plain)]).toEqual(before);
    const store = await openSqliteStore({ path, key });
    expect(await store.get(bytes("a"))).toEqual(bytes("value of a"));
    await store.close();
  });

  test("the caller's key stays theirs, and may be wiped once the store is open", async () => {
    const path = tempPath();
    const mine = Uint8Array.from(key);
    const store = await openSqliteStore({ path, key: mine });
    expect(mine).toEqual(key);
    mine.fill(0);
    await store.write([put("b", "2")]);
    await store.close();
    await (await openSqliteStore({ path, key })).close();
  });

  test("files hold neither keys nor contents in the clear", async () => {
    const path = tempPath();
    const store = await openSqliteStore({ path, key });
    const marker = "MARKER-".repeat(20);
    await store.write(Array.from({ length: 50 }, (_, i) => put(`${marker}${i}`, marker)));
    const check = (): void => {
      for (const name of readdirSync(dirname(path))) {
        const content = readFileSync(join(dirname(path), name));
        for (const needle of ["MARKER", "entries", "coterie", "SQLite", toHex(key)]) {
          expect(content.includes(needle)).toBe(false);
        }
        expect(content.includes(Buffer.from(key))).toBe(false);
      }
    };
    expect(readdirSync(dirname(path)).sort()).toEqual([
      "store.db",
      "store.db-lock",
      "store.db-wal",
    ]);
    check();
    await store.close();
    expect(readdirSync(dirname(path)).sort()).toEqual(["store.db", "store.db-lock"]);
    check();
  });

  test("two files under one key share nothing that shows", async () => {
    const [one, two] = [tempPath(), tempPath()];
    await seeded(one, key);
    await seeded(two, key);
    const heads = [one, two].map((path) => readFileSync(path).subarray(0, 16).toString("hex"));
    expect(heads[0]).not.toBe(heads[1]);
    expect(heads[0]?.slice(16)).not.toBe(heads[1]?.slice(16));
  });

  test("deleted values are overwritten in the file", async () => {
    const path = tempPath();
    const store = await openSqliteStore({ path, unencrypted: true });
    await store.write([put("gone", "MARKER-G".repeat(2000)), put("short", "MARKER-S")]);
    await store.write([put("stays", "KEPT")]);
    await store.write([
      { kind: "delete", key: bytes("gone") },
      { kind: "delete", key: bytes("short") },
    ]);
    await store.close();
    const content = readFileSync(path);
    expect(content.includes("KEPT")).toBe(true);
    expect(content.includes("MARKER")).toBe(false);
  });
});

test("no error says anything of a key: words, details, causes, stacks", async () => {
  const secret = Uint8Array.from({ length: 32 }, (_, i) => 0xa0 + i);
  const path = tempPath();
  await seeded(path, otherKey);
  const broken = tempPath();
  await seeded(broken, secret);
  const content = readFileSync(broken);
  writeFileSync(broken, content.fill(0x55, 100, 200));
  const attempts: (() => Promise<unknown>)[] = [
    () => openSqliteStore({ path, key: secret }),
    () => openSqliteStore({ path: broken, key: secret }),
    () => openSqliteStore({ path: join(dirname(path), "no", "folder"), key: secret }),
    () => openSqliteStore({ path: dirname(path), key: secret }),
    () => openSqliteStore({ path, key: secret.subarray(1) }),
    () => openSqliteStore({ path, key: secret, unencrypted: true }),
  ];
  for (const attempt of attempts) {
    const error = await attempt().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(error).toBeInstanceOf(StorageError);
    const texts: string[] = [];
    for (let e = error as Error | undefined; e; e = e.cause as Error | undefined) {
      texts.push(String(e), e.stack ?? "", JSON.stringify(e), ...Object.values(e).map(String));
    }
    const all = texts.join("\n").toLowerCase();
    expect(all).not.toContain(toHex(secret.subarray(1, 9)));
    expect(all).not.toContain([...secret.subarray(1, 9)].join(","));
  }
});

describe("files", () => {
  test("storage/bad-path: empty names, missing folders, folders, names that the engine would change", async () => {
    const path = tempPath();
    mkdirSync(join(dirname(path), "folder"));
    const bad = [
      "",
      " ",
      ` ${path}`,
      `${path} `,
      `${path}\0x`,
      join(dirname(path), "missing", "store.db"),
      join(dirname(path), "folder"),
      undefined as unknown as string,
      3 as unknown as string,
    ];
    for (const path of bad) {
      expect(await codeOf(() => openSqliteStore({ path, key }))).toBe("storage/bad-path");
    }
    for (const path of bad.slice(0, 5)) {
      expect(await codeOf(() => deleteSqliteStore(path))).toBe("storage/bad-path");
    }
  });

  test.skipIf(process.platform === "win32")("files are for their owner alone", async () => {
    const path = tempPath();
    const store = await openSqliteStore({ path, key });
    await store.write([put("a", "1")]);
    for (const ending of ["", "-wal"])
      expect(statSync(`${path}${ending}`).mode & 0o777).toBe(0o600);
    await store.close();
  });

  test("storage/not-a-store: other files and other databases, which stay as they are", async () => {
    const text = tempPath();
    writeFileSync(text, "not a database at all. ".repeat(500));
    const short = tempPath();
    writeFileSync(short, "x");
    const zeros = tempPath();
    writeFileSync(zeros, new Uint8Array(8192));
    for (const path of [text, short, zeros]) {
      const before = snapshot(path);
      expect(await codeOf(() => openSqliteStore({ path, key }))).toBe("storage/not-a-store");
      expect(await codeOf(() => openSqliteStore({ path, unencrypted: true }))).toBe(
        "storage/not-a-store",
      );
      expect(snapshot(path)).toEqual(before);
    }
    const foreign = tempPath();
    const engine = rawEngine(foreign);
    engine.exec("CREATE TABLE songs (title TEXT)");
    engine.close();
    const before = snapshot(foreign);
    expect(await codeOf(() => openSqliteStore({ path: foreign, unencrypted: true }))).toBe(
      "storage/not-a-store",
    );
    expect(snapshot(foreign)).toEqual(before);
  });

  test("storage/newer-version: a file of a later release is left alone", async () => {
    const path = tempPath();
    await seeded(path, undefined);
    const set = (version: string): void => {
      const engine = rawEngine(path);
      engine.exec(`UPDATE coterie SET value = ${version}`);
      engine.pragma("wal_checkpoint(TRUNCATE)");
      engine.close();
    };
    const open = (): Promise<Store> => openSqliteStore({ path, unencrypted: true });
    for (const version of ["2", "9007199254740993"]) {
      set(version);
      const before = snapshot(path);
      await expect(open()).rejects.toMatchObject({
        code: "storage/newer-version",
        details: { found: BigInt(version), known: 1n },
      });
      expect(snapshot(path)).toEqual(before);
    }
    for (const version of ["0", "-1"]) {
      set(version);
      expect(await codeOf(open)).toBe("storage/not-a-store");
    }
    set("1");
    await (await open()).close();
  });

  test("deleting removes every file, needs no key, and what is not there is no error", async () => {
    const path = tempPath();
    const store = await openSqliteStore({ path, key });
    await store.write([put("a", "1")]);
    expect(await codeOf(() => deleteSqliteStore(path))).toBe("storage/in-use");
    expect(await store.get(bytes("a"))).toEqual(bytes("1"));
    await store.close();
    await deleteSqliteStore(path);
    expect(readdirSync(dirname(path))).toEqual([]);
    await deleteSqliteStore(path);
    expect(readdirSync(dirname(path))).toEqual([]);
    const fresh = await openSqliteStore({ path, key: otherKey });
    expect(await fresh.get(bytes("a"))).toBeUndefined();
    await fresh.close();
  });

  test("deleting tells folders that are missing", async () => {
    expect(await codeOf(() => deleteSqliteStore(join(dirname(tempPath()), "no", "x")))).toBe(
      "storage/bad-path",
    );
  });
});

describe("one holder per file", () => {
  test("storage/in-use: a second opener in this process, by any name of the file", async () => {
    const path = tempPath();
    const store = await openSqliteStore({ path, key });
    const names = [
      path,
      relative(process.cwd(), path),
      join(dirname(path), ".", "x", "..", "store.db"),
    ];
    for (const path of names) {
      for (const secret of [key, otherKey]) {
        expect(await codeOf(() => openSqliteStore({ path, key: secret }))).toBe("storage/in-use");
      }
    }
    await store.write([put("a", "1")]);
    await store.close();
    const again = await openSqliteStore({ path, key });
    expect(await again.get(bytes("a"))).toEqual(bytes("1"));
    await again.close();
  });

  test("storage/in-use: a link to a store that is held", async () => {
    const path = tempPath();
    const store = await openSqliteStore({ path, key });
    const link = join(dirname(path), "link.db");
    symlinkSync(path, link);
    expect(await codeOf(() => openSqliteStore({ path: link, key }))).toBe("storage/in-use");
    expect(existsSync(`${link}-lock`)).toBe(false);
    await store.write([put("a", "1")]);
    await store.close();
  });

  test("storage/in-use: a second opener in a worker thread", async () => {
    const path = tempPath();
    const store = await openSqliteStore({ path, key });
    const worker = new Worker(childFile, { workerData: { path, key }, execArgv: [...childArgv] });
    const answer = await new Promise((resolve, reject) => {
      worker.once("message", resolve).once("error", reject);
    });
    await worker.terminate();
    expect(answer).toBe("storage/in-use");
    await store.write([put("a", "1")]);
    await store.close();
  });

  test("a failed open leaves no lock behind", async () => {
    const path = tempPath();
    await seeded(path, key);
    for (let i = 0; i < 3; i++) {
      expect(await codeOf(() => openSqliteStore({ path, key: otherKey }))).toBe(
        "storage/wrong-key",
      );
    }
    await (await openSqliteStore({ path, key })).close();
    const before = existsSync(`${path}-wal`);
    expect(before).toBe(false);
  });
});

describe("room", () => {
  test("storage/full: a batch beyond the cap fails alone, and room that is freed is used again", async () => {
    const path = tempPath();
    const store = await openSqliteStore({ path, key, maxBytes: 400_000 });
    await store.write([put("a", "1")]);
    const results = await Promise.allSettled([
      store.write([put("b", "1")]),
      store.write([put("c", "1"), put("large", new Uint8Array(1_000_000)), put("d", "1")]),
      store.write([put("e", "1")]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect((results[1] as PromiseRejectedResult).reason).toMatchObject({
      code: "storage/full",
      disposition: "retry",
    });
    const names = async (): Promise<string[]> =>
      (await store.list({ from: bytes(""), to: bytes("~") })).map(({ key }) =>
        Buffer.from(key).toString(),
      );
    expect(await names()).toEqual(["a", "b", "e"]);
    for (let i = 0; i < 3; i++) {
      await store.write([put("room", new Uint8Array(250_000).fill(i))]);
      expect(await codeOf(() => store.write([put("more", new Uint8Array(250_000))]))).toBe(
        "storage/full",
      );
      await store.write([{ kind: "delete", key: bytes("room") }]);
    }
    expect(await names()).toEqual(["a", "b", "e"]);
    await store.close();
  });

  test("storage/bad-argument: a cap is a size", async () => {
    for (const maxBytes of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 4095]) {
      expect(await codeOf(() => openSqliteStore({ path: ":memory:", maxBytes }))).toBe(
        "storage/bad-argument",
      );
    }
  });
});
