import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { StorageError } from "@coterie/storage";

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A path in a folder of its own, which goes away with the test file. */
export function tempPath(name = "store.db"): string {
  const folder = mkdtempSync(join(tmpdir(), "coterie-storage-"));
  folders.push(folder);
  return join(folder, name);
}

/** The code with which a call fails, or "none". Anything but a StorageError passes through. */
export async function codeOf(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (error instanceof StorageError) return error.code;
    throw error;
  }
  return "none";
}

export const key = new Uint8Array(32).fill(0x11);
export const otherKey = new Uint8Array(32).fill(0x22);

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
