import type { Transport } from "@coterie/transport";
import { paths } from "@coterie/wire";

/** Calls to the node since the client was opened or the counts were cleared. */
export interface ApiStats {
  readonly uploadKeyPackage: bigint;
  readonly fetchKeyPackage: bigint;
  readonly sendGroupMessages: bigint;
  readonly sendWelcomeMessages: bigint;
  readonly queryGroupMessages: bigint;
  readonly queryWelcomeMessages: bigint;
  readonly subscribeMessages: bigint;
  readonly subscribeWelcomes: bigint;
}

export interface IdentityStats {
  readonly publishIdentityUpdate: bigint;
  readonly getIdentityUpdatesV2: bigint;
  readonly getInboxIds: bigint;
  readonly verifySmartContractWalletSignature: bigint;
}

/** What a client asks of its node, in numbers. */
export class DebugInformation {
  readonly #counts: Map<string, bigint>;

  constructor(counts: Map<string, bigint>) {
    this.#counts = counts;
  }

  apiStatistics(): ApiStats {
    const { mls } = paths;
    return {
      uploadKeyPackage: this.#count(mls.uploadKeyPackage),
      fetchKeyPackage: this.#count(mls.fetchKeyPackages),
      sendGroupMessages: this.#count(mls.sendGroupMessages),
      sendWelcomeMessages: this.#count(mls.sendWelcomeMessages),
      queryGroupMessages: this.#count(mls.queryGroupMessages),
      queryWelcomeMessages: this.#count(mls.queryWelcomeMessages),
      subscribeMessages: this.#count(mls.subscribeGroupMessages),
      subscribeWelcomes: this.#count(mls.subscribeWelcomeMessages),
    };
  }

  apiIdentityStatistics(): IdentityStats {
    const { identity } = paths;
    return {
      publishIdentityUpdate: this.#count(identity.publishIdentityUpdate),
      getIdentityUpdatesV2: this.#count(identity.getIdentityUpdates),
      getInboxIds: this.#count(identity.getInboxIds),
      verifySmartContractWalletSignature: this.#count(identity.verifySmartContractWalletSignatures),
    };
  }

  /** Every call by its name, a line each, for people. */
  apiAggregateStatistics(): string {
    const lines = [...this.#counts].map(([path, count]) => `${path.split("/").at(-1)} ${count}`);
    return lines.toSorted().join("\n");
  }

  clearAllStatistics(): void {
    this.#counts.clear();
  }

  #count(path: string): bigint {
    return this.#counts.get(path) ?? 0n;
  }
}

/** The same transport, with its calls counted by path. */
export function countCalls(transport: Transport, counts: Map<string, bigint>): Transport {
  const count = (path: string): void => void counts.set(path, (counts.get(path) ?? 0n) + 1n);
  return {
    unary(path, request, options) {
      count(path);
      return transport.unary(path, request, options);
    },
    serverStream(path, request, options) {
      count(path);
      return transport.serverStream(path, request, options);
    },
    duplex(path, options) {
      count(path);
      return transport.duplex(path, options);
    },
    close: () => transport.close(),
  };
}
