import { toHex } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import type { Change, Store } from "@coterie/storage";
import type { WelcomeMessage } from "@coterie/wire";
import { keys } from "./keys.ts";
import { decodeRow, encodeRow } from "./rows.ts";

const cursorKey = keys.meta("welcome-cursor");
const floorKey = keys.meta("welcome-floor");

type SomeWelcome = Exclude<WelcomeMessage, { readonly kind: "unset" }>;

/** What was read of our welcomes: how far, how far twice, and what in between. */
export interface WelcomeMarks {
  cursor(): Promise<bigint>;
  moveCursor(id: bigint): Change;
  /** Everything up to this id was looked at twice. */
  floor(): Promise<bigint>;
  moveFloor(id: bigint): Change[];
  isSeen(message: SomeWelcome): Promise<boolean>;
  putSeen(message: SomeWelcome): Change;
}

export function createWelcomeMarks(store: Store, crypto: CryptoProvider): WelcomeMarks {
  async function idAt(key: Uint8Array): Promise<bigint> {
    const row = await store.get(key);
    return row ? decodeRow<{ id: bigint }>(row).id : 0n;
  }
  const put = (key: Uint8Array, value: object): Change => ({
    kind: "put",
    key,
    value: encodeRow(value),
  });
  // By content as well: a node may give another welcome a number that was used.
  function seenKey(message: SomeWelcome): Uint8Array {
    const data = message.kind === "v1" ? message.value.data : message.value.welcomePointer;
    return keys.welcomeSeen(message.value.id, toHex(crypto.hash("sha256", data).subarray(0, 16)));
  }
  return {
    cursor: () => idAt(cursorKey),
    moveCursor: (id) => put(cursorKey, { id }),
    floor: () => idAt(floorKey),
    moveFloor: (id) => [
      put(floorKey, { id }),
      { kind: "delete-range", from: keys.welcomesSeen().from, to: keys.welcomesSeenTo(id) },
    ],
    isSeen: async (message) => (await store.get(seenKey(message))) !== undefined,
    putSeen: (message) => put(seenKey(message), {}),
  };
}
