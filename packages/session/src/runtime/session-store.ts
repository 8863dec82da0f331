import { decodeKey, encodeKey, prefixRange } from "@coterie/storage";
import type { Change, Store } from "@coterie/storage";
import type { EffectStore } from "./outlet.ts";

/** What an app keeps across restarts (SHB-17). */
export interface SessionStore extends EffectStore {
  /** The entries of each session, as its core wrote them. */
  load(): Promise<Map<number, Map<string, Uint8Array>>>;
  get(name: string): Promise<Uint8Array | undefined>;
  put(name: string, value: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

const sessions = "slim-session";
const own = "slim-app";

export function createSessionStore(store: Store): SessionStore {
  return {
    async load() {
      const found = new Map<number, Map<string, Uint8Array>>();
      for (const { key, value } of await store.list(prefixRange(sessions))) {
        const [, session, name] = decodeKey(key);
        if (typeof session !== "bigint" || typeof name !== "string") continue;
        const entries = found.get(Number(session)) ?? new Map<string, Uint8Array>();
        found.set(Number(session), entries.set(name, value));
      }
      return found;
    },
    write(effects) {
      const changes: Change[] = [];
      for (const effect of effects) {
        const session = BigInt(effect.session);
        if (effect.kind === "forget") {
          changes.push({ kind: "delete-range", ...prefixRange(sessions, session) });
          continue;
        }
        for (const name of effect.deletes) {
          changes.push({ kind: "delete", key: encodeKey(sessions, session, name) });
        }
        for (const [name, value] of effect.puts) {
          changes.push({ kind: "put", key: encodeKey(sessions, session, name), value });
        }
      }
      return store.write(changes);
    },
    get: (name) => store.get(encodeKey(own, name)),
    put: (name, value) => store.write([{ kind: "put", key: encodeKey(own, name), value }]),
    close: () => store.close(),
  };
}
