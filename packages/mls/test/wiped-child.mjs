// bob in a process of his own: does as he is told by the lines of stdin, and then holds still to be looked at.
import { createInterface } from "node:readline";
import { writeHeapSnapshot } from "node:v8";
import { opensslProvider } from "@coterie/crypto/openssl";
import { deterministicProvider } from "./deterministic.ts";
import { createBob } from "./wiped-scenario.ts";

/**
 * V8 leaves copies of short arrays behind in its young generation, when it moves them or when native code asks for their buffer. Nobody can
 * wipe those; they last until the memory is used again, which anything that runs brings about.
 */
async function settle() {
  for (let round = 0; round < 4; round++) {
    let garbage = [];
    for (let i = 0; i < 120_000; i++) {
      garbage.push(new Uint8Array(64).fill(round));
      if (garbage.length > 20_000) garbage = [];
    }
    globalThis.gc();
    // Native handles are freed between tasks.
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const bob = createBob(
  deterministicProvider(opensslProvider, "bob"),
  process.argv.includes("--keep"),
);
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  if (order.kind === "look") {
    await settle();
    console.log("still");
  } else if (order.kind === "snapshot") {
    writeHeapSnapshot(order.file);
    console.log("written");
  } else if (order.kind === "end") {
    console.log(bob.store.size, bob.kept.length);
    process.exit(0);
  } else bob.follow(order);
}
