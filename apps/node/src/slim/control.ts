import type { Log as Logger } from "@coterie/base";
import { controlService, startControlClient } from "@coterie/dataplane/control";
import type { ControlClient, ControlledPlane } from "@coterie/dataplane/control";
import type { Routes } from "@coterie/transport";
import { southboundPaths } from "@coterie/wire/slim/controller";
import type { ConnectionDetails } from "@coterie/wire/slim/controller";
import type { ClientSettings } from "../yaml/endpoints.ts";
import { dialClient } from "./dial.ts";

/** Where other nodes reach this one. */
interface Reachable {
  /** `host:port`, as the listener has it. */
  readonly endpoint: string;
  /** The same from other domains. */
  readonly external?: string | undefined;
  readonly tls: boolean;
  /** What a caller has to show. */
  readonly auth?: "basic" | undefined;
}

export interface NodeControlOptions {
  readonly plane: ControlledPlane;
  readonly nodeId: string;
  readonly domain?: string | undefined;
  /** The domain's secret (SCT-01). */
  readonly secret?: string | undefined;
  readonly reachable: readonly Reachable[];
  readonly controllers: readonly ClientSettings[];
  readonly logger?: Logger | undefined;
}

export interface NodeControl {
  readonly clients: readonly ControlClient[];
  /** Takes leave of the controllers. */
  close(): Promise<void>;
}

const authMethods = { none: 0, basic: 2 } as const;

/** Registers the node with its controllers and stays registered, until it is closed. */
export function startNodeControl(options: NodeControlOptions): NodeControl {
  const { plane, nodeId, domain, secret, logger } = options;
  const details = options.reachable.map(({ endpoint, external, tls, auth }): ConnectionDetails => ({
    endpoint,
    externalEndpoint: external,
    tlsRequired: tls,
    authMethod: authMethods[auth ?? "none"],
  }));
  const running = options.controllers.map((controller) => {
    const transport = dialClient(controller, logger);
    const client = startControlClient({
      plane,
      open: () => transport.duplex(southboundPaths.openControlChannel),
      nodeId,
      domain,
      details,
      credentials: () => secret ?? "",
      logger,
    });
    return { client, transport };
  });
  return {
    clients: running.map(({ client }) => client),
    async close() {
      await Promise.all(
        running.map(async ({ client, transport }) => {
          await client.close();
          await transport.close();
        }),
      );
    },
  };
}

/** What the node answers about itself, for a listener of its own (SCT-06); customary port 46358. */
export function nodeControlRoutes(plane: ControlledPlane): Routes {
  return controlService({ plane });
}
