import type { Clock, InboxId, Log, Random } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import type { SmartContractVerifier } from "@coterie/identity";
import type { Store } from "@coterie/storage";
import type { Transport } from "@coterie/transport";
import type { ArchiveFiles } from "./archive/files.ts";
import type { Fetch } from "./archive/transfer.ts";
import type { ContentCodec } from "./content/codec.ts";
import type { ForkRecovery } from "./context.ts";
import type { Timers } from "./run.ts";
import type { WorkerConfigOptions } from "./worker-config.ts";

export interface ClientOptions {
  readonly crypto: CryptoProvider;
  /** Opened by the caller; or how to open it once the inbox is known. Closed with the client. */
  readonly store: Store | ((inboxId: InboxId) => Promise<Store> | Store);
  /** Deletes what `store` opened, after it was closed; without it `deleteLocalDatabase` only empties the store. */
  readonly deleteStore?: ((inboxId: InboxId) => Promise<void>) | undefined;
  /** Closed with the client. */
  readonly transport: Transport;
  /** Asks chains about contract wallets; without it the node is asked (XID-12). */
  readonly contracts?: SmartContractVerifier | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  readonly timers?: Timers | undefined;
  readonly log?: Log | undefined;
  /** For the inbox id of a new inbox; default 1 (XID-01). */
  readonly nonce?: bigint | undefined;
  /** Stop before anything is uploaded; `register` goes on (XID-41). */
  readonly disableAutoRegister?: boolean | undefined;
  readonly codecs?: readonly ContentCodec[] | undefined;
  /** Default 400 inboxes (XGC-56). */
  readonly maxGroupSize?: number | undefined;
  /** `manual` keeps messages Unpublished until a sync or `publishMessages`; default `auto` (XMS-06). */
  readonly publish?: "auto" | "manual" | undefined;
  /** Whether to ask to be added again after a fork, and to answer those who ask; both off by default (XIN-44). */
  readonly forkRecovery?: Partial<ForkRecovery> | undefined;
  /** Key package rotation, leavers, expiry, commit logs; on by default. */
  readonly workers?: boolean | undefined;
  /** Which of it, and how often. */
  readonly workerConfig?: WorkerConfigOptions | undefined;
  readonly appVersion?: string | undefined;
  /** Where archives are exchanged with the own other installations; null switches device sync off (XHS-04). */
  readonly historySyncUrl?: string | null | undefined;
  /** XHS-04 */
  readonly disableDeviceSync?: boolean | undefined;
  /** For archives on their way; default the platform's. */
  readonly fetch?: Fetch | undefined;
  /** Where paths of archives lead; on Node by itself. */
  readonly files?: ArchiveFiles | undefined;
  /** A name for where the node is; default `local`. Only told, as `client.env`. */
  readonly env?: string | undefined;
}
