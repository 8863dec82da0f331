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
import { Lock, refetchable, withRetry } from "./run.ts";
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
  /** Stored, and not uploaded as far as we know. */
  readonly waiting?: { readonly number: bigint; readonly madeAtNs: bigint } | undefined;
}

/** What a welcome for us is opened with (XKP-07). */
export interface OwnKeyPackage {
  readonly keyPackage: KeyPackage;
  readonly secrets: KeyPackageSecrets;
  readonly wrapper: KeyPair;
}

export interface KeyPackages {
  /** Makes, stores and uploads a new one, or the one whose upload failed, then marks the older ones (XKP-08 to XKP-10). */
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
/** How long one that could not be uploaded is good to be tried again. */
const uploadAgainNs = 24n * 3_600n * 1_000_000_000n;
const graceNs = 24n * 3_600n * 1_000_000_000n;
const scheduleKey = keys.meta("key-packages");

export function createKeyPackages(
  ports: Ports,
  api: Api,
  own: { readonly inboxId: InboxId; readonly signer: KeyPair },
): KeyPackages {
  const { store, crypto, clock } = ports;
  /** Two rotations at once would take each other's number. */
  const rotating = new Lock();
  /** Apart from that: who only asks for a rotation must not wait for an upload. */
  const scheduling = new Lock();

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

  async function make(): Promise<KeyPackageRow> {
    const madeAtNs = clock.nowNs();
    const made = newKeyPackage(crypto, own.signer, own.inboxId, madeAtNs);
    return scheduling.run(async () => {
      const { nextNumber: number } = await schedule();
      const { bytes, secrets, wrapper } = made;
      const row: KeyPackageRow = { number, bytes, secrets, wrapper };
      // The private keys are durable before anybody can wrap a welcome for them.
      await store.write([
        put(keys.keyPackage(number), row),
        put(keys.keyPackageAt(toHex(secrets.initKey.publicKey)), { number }),
        put(keys.keyPackageAt(toHex(wrapper.publicKey)), { number }),
        put(scheduleKey, {
          nextNumber: number + 1n,
          nextRotationNs: 0n,
          waiting: { number, madeAtNs },
        }),
      ]);
      return row;
    });
  }

  /** One that was made and not uploaded, as far as we know, unless it is old or the clock was wrong. */
  async function madeBefore(): Promise<KeyPackageRow | undefined> {
    const { waiting } = await schedule();
    if (!waiting) return undefined;
    const age = clock.nowNs() - waiting.madeAtNs;
    if (age < 0n || age > uploadAgainNs) return undefined;
    const value = await store.get(keys.keyPackage(waiting.number));
    return value && decodeRow<KeyPackageRow>(value);
  }

  async function rotate(): Promise<void> {
    const { bytes, number } = (await madeBefore()) ?? (await make());
    await withRetry(ports, () => api.uploadKeyPackage(bytes));
    await scheduling.run(async () => {
      const now = clock.nowNs();
      const { nextNumber } = await schedule();
      const older = (await rows()).filter(
        (old) => old.number < number && old.deleteAtNs === undefined,
      );
      await store.write([
        put(scheduleKey, { nextNumber, nextRotationNs: now + rotationNs }),
        ...older.map((old) =>
          put(keys.keyPackage(old.number), { ...old, deleteAtNs: now + graceNs }),
        ),
      ]);
    });
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
    rotate: () => rotating.run(rotate),
    rotateSoon: () =>
      scheduling.run(async () => {
        const at = await schedule();
        const soon = clock.nowNs() + soonNs;
        if (at.nextRotationNs <= soon) return;
        await store.write([put(scheduleKey, { ...at, nextRotationNs: soon })], refetchable);
      }),
    tick: () =>
      rotating.run(async () => {
        try {
          if ((await schedule()).nextRotationNs <= clock.nowNs()) await rotate();
        } finally {
          await deleteExpired();
        }
      }),
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
