// Runs outside the test: upgrades a store's file, and is killed in the midst of it.
import { writeSync } from "node:fs";
import { openEngine } from "../src/sqlite/engine.ts";
import { migrate, readVersion } from "../src/sqlite/format.ts";

const [, , path, hang] = process.argv as [string, string, string, string];
const engine = openEngine(path);
engine.pragma("locking_mode = EXCLUSIVE");
engine.pragma("journal_mode = WAL");
const version = readVersion(engine);
migrate(engine, version, [
  () => {},
  (file) => {
    file.exec("ALTER TABLE entries ADD COLUMN kind INTEGER NOT NULL DEFAULT 0");
    // More than the cache holds, so that pages of the unfinished step reach the disk.
    file.exec("UPDATE entries SET value = zeroblob(length(value))");
    file.exec("CREATE TABLE more (name TEXT)");
    if (hang !== "hang") return;
    writeSync(1, "midway\n");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
]);
engine.close();
writeSync(1, "migrated\n");
