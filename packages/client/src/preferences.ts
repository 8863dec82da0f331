import type { Change } from "@coterie/storage";
import { ConsentState } from "./enums.ts";
import type { ConsentEntityType } from "./enums.ts";
import { hmacKeyBytes } from "./engine/hmac.ts";
import type { ConsentRecord } from "./engine/state.ts";
import { keys } from "./keys.ts";
import { decodeRow, encodeRow } from "./rows.ts";
import type { Ports } from "./run.ts";

interface HmacRoot {
  readonly key: Uint8Array;
  readonly cycledAtNs: bigint;
}

/** Consent and the HMAC root: what all installations of an inbox share. Device sync, once on, carries them between installations. */
export interface Preferences {
  getConsent(type: ConsentEntityType, entity: string): Promise<ConsentState>;
  setConsent(type: ConsentEntityType, entity: string, state: ConsentState): Promise<void>;
  /** XPU-01: made on first need. */
  hmacRoot(): Promise<HmacRoot>;
  /** XCO-03, XPU-07: from another installation; only what is newer counts. */
  acceptHmacRoot(root: HmacRoot): Promise<boolean>;
}

export function createPreferences(ports: Ports): Preferences {
  const { store, clock, random } = ports;
  const rootKey = keys.meta("hmac-root");
  let root: Promise<HmacRoot> | undefined;

  const put = (key: Uint8Array, value: object): Change => ({
    kind: "put",
    key,
    value: encodeRow(value),
  });
  async function loadRoot(): Promise<HmacRoot> {
    const row = await store.get(rootKey);
    if (row) return decodeRow<HmacRoot>(row);
    const made: HmacRoot = { key: random.bytes(hmacKeyBytes), cycledAtNs: clock.nowNs() };
    await store.write([put(rootKey, made)]);
    return made;
  }
  const hmacRoot = (): Promise<HmacRoot> => (root ??= loadRoot());

  return {
    hmacRoot,
    async acceptHmacRoot(next) {
      const current = await hmacRoot();
      if (next.key.length !== hmacKeyBytes || next.cycledAtNs <= current.cycledAtNs) return false;
      await store.write([put(rootKey, next)]);
      root = Promise.resolve(next);
      return true;
    },
    async getConsent(type, entity) {
      const row = await store.get(keys.consent(type, entity));
      return row ? decodeRow<ConsentRecord>(row).state : ConsentState.Unknown;
    },
    async setConsent(type, entity, state) {
      const record: ConsentRecord = { state, consentedAtNs: clock.nowNs() };
      await store.write([put(keys.consent(type, entity), record)]);
    },
  };
}
