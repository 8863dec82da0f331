// Run by memory.test.ts in a process of its own, with a collector that it can call and room to allocate in without being collected.
import {
  acceptAll,
  commit,
  createGroup,
  decodeKeyPackage,
  encodeKeyPackage,
  adopt,
  join,
  process as take,
  restoreGroup,
  seal,
  snapshot,
} from "../src/index.ts";
import type { Group } from "../src/index.ts";
import { bigGroup } from "./big-group.ts";
import {
  capabilities,
  crypto,
  groupId,
  keyPackageOf,
  lifetime,
  now,
  person,
  suite,
} from "./people.ts";

const collect = (globalThis as unknown as { gc: () => void }).gc;

function memory(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Bytes that one of these holds on to. */
function heapOf(make: () => Group): number {
  make();
  const before = memory();
  const held = [make(), make(), make()];
  const bytes = (memory() - before) / held.length;
  held.length = 0;
  return Math.round(bytes);
}

function groupFrom(result: ReturnType<typeof take>): Group {
  if (!("group" in result)) throw new Error(result.kind);
  return result.group;
}

/** Bytes allocated for each message, sent and received, once the sender's ratchet is there. */
function allocationPerMessage(size: number): { readonly seal: number; readonly open: number } {
  const { ada, bob } = bigGroup(size);
  const count = 150;
  let sender = ada.group;
  let receiver = bob.group;
  let messages: Uint8Array[] = [];
  const round = (): { readonly seal: number; readonly open: number } => {
    messages = [];
    const start = used();
    for (let i = 0; i < count; i++) {
      const sent = seal({
        crypto,
        group: sender,
        signer: ada.signer,
        plaintext: new Uint8Array(100),
      });
      sender = sent.group;
      messages.push(sent.message);
    }
    const middle = used();
    for (const message of messages) {
      receiver = groupFrom(take({ crypto, group: receiver, message, judge: acceptAll }));
    }
    return { seal: (middle - start) / count, open: (used() - middle) / count };
  };
  const rounds = Array.from({ length: 5 }, () => {
    collect();
    return round();
  });
  // The first rounds compile; the least of the others is the allocation of the code alone.
  const least = (of: "seal" | "open"): number =>
    Math.round(Math.min(...rounds.slice(1).map((one) => one[of])));
  return { seal: least("seal"), open: least("open") };
}

function used(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const joined = (() => {
  const ada = person("ada");
  const members = Array.from({ length: 999 }, (_, i) => {
    const who = person(`member ${i}`);
    // As long as an inbox id of XMTP.
    const credential = { kind: "basic", identity: new Uint8Array(66).fill(i) } as const;
    return keyPackageOf({ ...who, credential });
  });
  const { signer, credential } = ada;
  const start = {
    crypto,
    cipherSuite: suite(),
    groupId,
    signer,
    credential,
    capabilities,
    lifetime,
  };
  const group = createGroup(start);
  const add = (own: (typeof members)[number]) => {
    const keyPackage = decodeKeyPackage(encodeKeyPackage(own.keyPackage).slice());
    return { kind: "add", keyPackage } as const;
  };
  const create = () =>
    commit({ crypto, group, signer, proposals: members.map(add), nowSeconds: now });
  const { welcome } = create();
  const [first] = members;
  const joinIt = (): Group => {
    const result = join({
      crypto,
      welcome: welcome as Uint8Array,
      keyPackages: [first as (typeof members)[number]],
      judge: acceptAll,
    });
    if (result.kind !== "joined") throw new Error(result.kind);
    return result.group;
  };
  const entries = snapshot(joinIt());
  return {
    created: heapOf(() => adopt(create()).group),
    joined: heapOf(joinIt),
    restored: heapOf(() => restoreGroup({ crypto, entries })),
    epochBytes: entries.get("epoch")?.length,
  };
})();

console.log(
  JSON.stringify({
    heap: joined,
    allocation: { 100: allocationPerMessage(100), 4000: allocationPerMessage(4_000) },
  }),
);
