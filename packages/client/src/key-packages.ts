import { toHex, wipe } from "@coterie/base";
import type { InboxId } from "@coterie/base";
import type { KeyPair } from "@coterie/crypto";
import { decodeKeyPackage } from "@coterie/mls";
import type { KeyPackage, KeyPackageSecrets } from "@coterie/mls";
import type { Change } from "@coterie/storage";
import type { Api } from "./api.ts";
import { newKeyPackage } from "./engine/profile.ts";
import type { WrapperKeys } from "./engine/welcome-wrap.ts";
import { keys } from "./keys.ts";
import { decodeRow, encodeRow } from "./rows.ts";
import { refetchable, withRetry } from "./run.ts";
import type { Ports } from "./run.ts";

interface KeyPackageRow {
  readonly number: bigint;
  readonly bytes: Uint8Array;
  readonly secrets: KeyPackageSecrets;
  readonly wrapper: KeyPair;
  /** XKP-10: set once a newer one was uploaded. */
  readonly deleteAtNs?: bigint | undefined;
}

interface Schedule {
  readonly nextNumber: bigint;
  readonly nextRotationNs: bigint;
}

/** What a welcome for us is opened with (XKP-07). */
export interface OwnKeyPackage {
  readonly keyPackage: KeyPackage;
  readonly secrets: KeyPackageSecrets;
  readonly wrapper: KeyPair;
}

export interface KeyPackages {
  /** Makes, stores and uploads a new one, then marks the older ones (XKP-08 to XKP-10). */
  rotate(): Promise<void>;
  /** XKP-09: at most five seconds from now. */
  rotateSoon(): Promise<void>;
  /** Rotates when due and deletes what is past its day. Called every five seconds. */
  tick(): Promise<void>;
  /** The key package behind an init or wrapper key, with the private half of that very key. */
  find(
    publicKey: Uint8Array,
  ): Promise<{ readonly own: OwnKeyPackage; readonly keys: WrapperKeys } | undefined>;
}

const rotationNs = 30n * 86_400n * 1_000_000_000n;
const soonNs = 5n * 1_000_000_000n;
const graceNs = 24n * 3_600n * 1_000_000_000n;
const scheduleKey = keys.meta("key-packages");

export function createKeyPackages(
  ports: Ports,
  api: Api,
  own: { readonly inboxId: InboxId; readonly signer: KeyPair },
): KeyPackages {
  const { store, crypto, clock } = ports;

  async function schedule(): Promise<Schedule> {
    const row = await store.get(scheduleKey);
    return row ? decodeRow<Schedule>(row) : { nextNumber: 1n, nextRotationNs: 0n };
  }
  const put = (key: Uint8Array, value: object): Change => ({
    kind: "put",
    key,
    value: encodeRow(value),
  });
  async function rows(): Promise<KeyPackageRow[]> {
    const list = await store.list(keys.keyPackages());
    return list.map(({ value }) => decodeRow<KeyPackageRow>(value));
  }

  async function rotate(): Promise<void> {
    const { nextNumber } = await schedule();
    const made = newKeyPackage(crypto, own.signer, own.inboxId, clock.nowNs());
    const row: KeyPackageRow = {
      number: nextNumber,
      bytes: made.bytes,
      secrets: made.secrets,
      wrapper: made.wrapper,
    };
    // The private keys are durable before anybody can wrap a welcome for them.
    await store.write([
      put(keys.keyPackage(nextNumber), row),
      put(keys.keyPackageAt(toHex(made.secrets.initKey.publicKey)), { number: nextNumber }),
      put(keys.keyPackageAt(toHex(made.wrapper.publicKey)), { number: nextNumber }),
      put(scheduleKey, { nextNumber: nextNumber + 1n, nextRotationNs: 0n }),
    ]);
    await withRetry(ports, () => api.uploadKeyPackage(made.bytes));
    const now = clock.nowNs();
    const older = (await rows()).filter(
      (old) => old.number < nextNumber && old.deleteAtNs === undefined,
    );
    await store.write([
      put(scheduleKey, { nextNumber: nextNumber + 1n, nextRotationNs: now + rotationNs }),
      ...older.map((old) =>
        put(keys.keyPackage(old.number), { ...old, deleteAtNs: now + graceNs }),
      ),
    ]);
  }

  async function deleteExpired(): Promise<void> {
    const now = clock.nowNs();
    const all = await rows();
    const newest = all.at(-1)?.number;
    for (const row of all) {
      if (row.number === newest || row.deleteAtNs === undefined || row.deleteAtNs > now) continue;
      await store.write([
        { kind: "delete", key: keys.keyPackage(row.number) },
        { kind: "delete", key: keys.keyPackageAt(toHex(row.secrets.initKey.publicKey)) },
        { kind: "delete", key: keys.keyPackageAt(toHex(row.wrapper.publicKey)) },
      ]);
      wipe(row.secrets.initKey.privateKey, row.secrets.encryptionKey.privateKey);
      wipe(row.wrapper.privateKey);
    }
  }

  return {
    rotate,
    async rotateSoon() {
      const at = await schedule();
      const soon = clock.nowNs() + soonNs;
      if (at.nextRotationNs <= soon) return;
      await store.write([put(scheduleKey, { ...at, nextRotationNs: soon })], refetchable);
    },
    async tick() {
      if ((await schedule()).nextRotationNs <= clock.nowNs()) await rotate();
      await deleteExpired();
    },
    async find(publicKey) {
      const pointer = await store.get(keys.keyPackageAt(toHex(publicKey)));
      if (!pointer) return undefined;
      const { number } = decodeRow<{ number: bigint }>(pointer);
      const value = await store.get(keys.keyPackage(number));
      if (!value) return undefined;
      const row = decodeRow<KeyPackageRow>(value);
      const isInit = toHex(row.secrets.initKey.publicKey) === toHex(publicKey);
      return {
        own: {
          keyPackage: decodeKeyPackage(row.bytes),
          secrets: row.secrets,
          wrapper: row.wrapper,
        },
        keys: isInit ? row.secrets.initKey : row.wrapper,
      };
    },
  };
}
