import { toUtf8 } from "@coterie/base";
import { Client } from "@coterie/client";
import type { ClientOptions } from "@coterie/client";
import { bareOptions } from "./bare-options.ts";
import type { World } from "./world.ts";

export const contractAddress: string = `0x${"c0".repeat(20)}`;

/** A chain on which every contract says yes. */
export const agreeingContracts: NonNullable<ClientOptions["contracts"]> = {
  verify: async (checks) =>
    checks.map(({ blockNumber }) => ({ isValid: true, blockNumber: blockNumber ?? 77n })),
};

/** A client of a contract wallet, whose log nobody can judge without asking a chain; without workers. */
export function openSafe(world: World, address: string = contractAddress): Promise<Client> {
  return Client.create(
    {
      type: "SCW",
      getIdentifier: () => ({ identifier: address, identifierKind: 0 }),
      // Each text its own bytes, as XID-30 wants it.
      signMessage: (text) => toUtf8(text),
      getChainId: () => 8453n,
    },
    bareOptions(world),
  );
}
