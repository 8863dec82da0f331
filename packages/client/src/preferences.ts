import { equal, toHex } from "@coterie/base";
import type { Change } from "@coterie/storage";
import type { Bus } from "./bus.ts";
import { ConsentState } from "./enums.ts";
import type { ConsentEntityType } from "./enums.ts";
import { hmacKeyBytes } from "./engine/hmac.ts";
import type { ConsentRecord, PreferenceChange } from "./engine/state.ts";
import { keys } from "./keys.ts";
import { decodeRow, encodeRow } from "./rows.ts";
import { Lock, refetchable } from "./run.ts";
import type { Ports } from "./run.ts";

interface HmacRoot {
  readonly key: Uint8Array;
  readonly cycledAtNs: bigint;
}

/** One wish of the person: whether a conversation or an inbox is welcome. */
export interface Consent {
  readonly entityType: ConsentEntityType;
  /** Hex group id or inbox id. */
  readonly entity: string;
  readonly state: ConsentState;
}

/** Consent and the HMAC root: what all installations of an inbox share. What changes here waits in an outbox for the others. */
export interface Preferences {
  /** XCO-01: a missing record is Unknown. From memory. */
  getConsent(type: ConsentEntityType, entity: string): ConsentState;
  consentedAtNs(type: ConsentEntityType, entity: string): bigint | undefined;
  /** XCO-03: what differs is stored, told to streams and queued for the other installations, in one batch. */
  setConsents(consents: readonly Consent[]): Promise<void>;
  setConsent(type: ConsentEntityType, entity: string, state: ConsentState): Promise<void>;
  /** XPU-01: made on first need. */
  hmacRoot(): Promise<HmacRoot>;
  /** XPU-07: a new root, which the other installations will get. */
  cycleHmacRoot(): Promise<void>;
  /** XCO-03, XPU-07: from elsewhere; of each entity only what is newer counts. Answers with how many did. */
  accept(changes: readonly PreferenceChange[]): Promise<number>;
  /** All consent records, for archives. */
  consents(): (Consent & { readonly consentedAtNs: bigint })[];
  /** What the other installations have not heard of yet. */
  outbox(): Promise<PreferenceChange[]>;
  /** They have now; what has changed again meanwhile stays. */
  sent(changes: readonly PreferenceChange[]): Promise<void>;
}

const rootKey = keys.meta("hmac-root");

function outboxKey(change: PreferenceChange): Uint8Array {
  return change.kind === "hmac-root"
    ? keys.preferenceOutbox("hmac-root", "")
    : keys.preferenceOutbox(String(change.entityType), change.entity);
}

function timeOf(change: PreferenceChange): bigint {
  return change.kind === "hmac-root" ? change.cycledAtNs : change.consentedAtNs;
}

/** @param shares whether other installations shall hear of changes (XHS-04). */
export async function openPreferences(
  ports: Ports,
  bus: Bus,
  shares: boolean,
): Promise<Preferences> {
  const { store, clock, random } = ports;
  const lock = new Lock();
  const records = new Map<string, ConsentRecord>();
  const idOf = (type: ConsentEntityType, entity: string): string => `${type}:${entity}`;
  for (const { key, value } of await store.list(keys.consents())) {
    const [type, entity] = keys.consentParts(key);
    records.set(`${type}:${entity}`, decodeRow<ConsentRecord>(value));
  }
  let root: HmacRoot | undefined;

  const put = (key: Uint8Array, value: object): Change => ({
    kind: "put",
    key,
    value: encodeRow(value),
  });

  /** One batch, then memory, then the event. */
  async function apply(
    changes: readonly PreferenceChange[],
    origin: "here" | "elsewhere",
  ): Promise<void> {
    if (changes.length === 0) return;
    const writes: Change[] = [];
    for (const change of changes) {
      if (change.kind === "hmac-root") {
        writes.push(put(rootKey, { key: change.key, cycledAtNs: change.cycledAtNs }));
      } else {
        const { entityType, entity, state, consentedAtNs } = change;
        writes.push(put(keys.consent(entityType, entity), { state, consentedAtNs }));
      }
      const key = outboxKey(change);
      // XHS-05; what came from elsewhere replaces what we had still to say.
      if (origin === "elsewhere") writes.push({ kind: "delete", key });
      else if (shares) writes.push(put(key, change));
    }
    await store.write(writes);
    for (const change of changes) {
      if (change.kind === "hmac-root") {
        root = { key: change.key, cycledAtNs: change.cycledAtNs };
      } else {
        const { entityType, entity, state, consentedAtNs } = change;
        records.set(idOf(entityType, entity), { state, consentedAtNs });
      }
    }
    bus.emit([{ kind: "preferences", origin, changes }]);
  }

  async function loadRoot(): Promise<HmacRoot | undefined> {
    if (root) return root;
    const row = await store.get(rootKey);
    return (root = row && decodeRow<HmacRoot>(row));
  }

  async function newRoot(after: bigint): Promise<HmacRoot> {
    const now = clock.nowNs();
    const key = random.bytes(hmacKeyBytes);
    const made: HmacRoot = { key, cycledAtNs: now > after ? now : after + 1n };
    await apply([{ kind: "hmac-root", ...made }], "here");
    return made;
  }

  function isNews(change: PreferenceChange, current: HmacRoot | undefined): boolean {
    if (change.kind === "hmac-root") {
      if (change.key.length !== hmacKeyBytes) return false;
      return current === undefined || change.cycledAtNs > current.cycledAtNs;
    }
    const known = records.get(idOf(change.entityType, change.entity));
    return known === undefined || change.consentedAtNs > known.consentedAtNs;
  }

  const setConsents = (consents: readonly Consent[]): Promise<void> =>
    lock.run(async () => {
      const changes = new Map<string, PreferenceChange>();
      for (const { entityType, entity, state } of consents) {
        const id = idOf(entityType, entity);
        const known = records.get(id);
        if (known?.state === state) {
          changes.delete(id);
          continue;
        }
        const now = clock.nowNs();
        // A clock that was set back must not make the others think this older than what it replaces.
        const consentedAtNs = known && known.consentedAtNs >= now ? known.consentedAtNs + 1n : now;
        changes.set(id, { kind: "consent", entityType, entity, state, consentedAtNs });
      }
      await apply([...changes.values()], "here");
    });

  return {
    getConsent: (type, entity) => records.get(idOf(type, entity))?.state ?? ConsentState.Unknown,
    consentedAtNs: (type, entity) => records.get(idOf(type, entity))?.consentedAtNs,
    setConsents,
    setConsent: (entityType, entity, state) => setConsents([{ entityType, entity, state }]),
    hmacRoot: () => lock.run(async () => (await loadRoot()) ?? newRoot(0n)),
    cycleHmacRoot: () =>
      lock.run(async () => {
        await newRoot((await loadRoot())?.cycledAtNs ?? 0n);
      }),
    accept: (changes) =>
      lock.run(async () => {
        const current = await loadRoot();
        const news = new Map<string, PreferenceChange>();
        for (const change of changes) {
          const key = toHex(outboxKey(change));
          const other = news.get(key);
          if (!isNews(change, current) || (other && timeOf(other) >= timeOf(change))) continue;
          news.set(key, change);
        }
        await apply([...news.values()], "elsewhere");
        return news.size;
      }),
    consents: () =>
      [...records].map(([id, { state, consentedAtNs }]) => ({
        entityType: Number(id.slice(0, id.indexOf(":"))) as ConsentEntityType,
        entity: id.slice(id.indexOf(":") + 1),
        state,
        consentedAtNs,
      })),
    async outbox() {
      const rows = await store.list(keys.preferenceOutboxAll());
      return rows.map(({ value }) => decodeRow<PreferenceChange>(value));
    },
    sent: (changes) =>
      lock.run(async () => {
        const gone: Change[] = [];
        for (const change of changes) {
          const key = outboxKey(change);
          const row = await store.get(key);
          if (row && equal(row, encodeRow(change))) gone.push({ kind: "delete", key });
        }
        // Told twice is harmless.
        if (gone.length > 0) await store.write(gone, refetchable);
      }),
  };
}
