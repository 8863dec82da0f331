import { randomUUID } from "node:crypto";
import { isIPv6 } from "node:net";
import type { Log as Logger } from "@coterie/base";
import type { CallContext, Routes } from "@coterie/transport";
import { decodeSlimName, formatSlimName } from "@coterie/wire/slim";
import { ControlMessage, southboundPaths } from "@coterie/wire/slim/controller";
import type {
  ConfigurationCommand,
  ConnectionDetails,
  RegisterNodeRequest,
  RegisterNodeResponse,
  Route,
} from "@coterie/wire/slim/controller";
import { isDomainName } from "./model.ts";
import type { Endpoint } from "./model.ts";
import type { Network } from "./network.ts";
import { createNodeChannel } from "./node-channel.ts";
import type { NodeChannel } from "./node-channel.ts";
import { createQueue } from "./queue.ts";
import type { Queue } from "./queue.ts";
import type { Records } from "./records.ts";
import { secretMatches } from "./secrets.ts";

/** Who may register a node. */
export interface Admission {
  /** Whether nodes of domains without a secret are let in. False by default: such a node is whoever it says. */
  readonly open?: boolean | undefined;
  /** Tokens instead of secrets: whether these credentials speak for the domain. */
  readonly verify?:
    | ((credentials: string, domain: string, nodeId: string) => boolean | Promise<boolean>)
    | undefined;
  /** Whether `verify` guards this domain: ids that look like its nodes' are for those alone. */
  readonly guards?: ((domain: string) => boolean) | undefined;
}

export interface SouthboundParts {
  readonly network: Network;
  readonly records: Records;
  readonly admission: Admission;
  /** How long a node may take to register, and to answer. */
  readonly registerMs: number;
  readonly answerMs: number;
  readonly logger: Logger;
}

/** The domain of nodes that name none. */
const defaultDomain = "default";
/** Messages that wait for a node that does not read. */
const queueLimit = 10_000;

/** What nodes dial (SCT-01): `OpenControlChannel`. */
export function southboundRoutes(parts: SouthboundParts): Routes {
  const { network, records, logger } = parts;

  const isGuarded = (domain: string): boolean =>
    records.domains.get(domain) !== undefined || parts.admission.guards?.(domain) === true;

  /** Whether a node would have the id of another domain's node: with a domain that is `<domain>/<node id>`, without one any. */
  const isForeign = ({ domainName, nodeId }: RegisterNodeRequest): boolean => {
    const domain = domainName || defaultDomain;
    const owner = records.nodes.get(idOf({ domainName, nodeId }))?.domain ?? domain;
    if (domainName) return owner !== domain && !isGuarded(domain);
    const [prefix = ""] = nodeId.split("/", 1);
    return owner !== domain || (prefix !== nodeId && prefix !== domain && isGuarded(prefix));
  };

  const admitted = async (request: RegisterNodeRequest, domain: string): Promise<boolean> => {
    const { nodeId, credentials } = request;
    if (nodeId === "" || nodeId.length > 255 || domain.length > 255) return false;
    if (/[\n|]/.test(nodeId) || !isDomainName(domain)) return false;
    if (isForeign(request)) return false;
    const kept = records.domains.get(domain);
    if (kept !== undefined && (await secretMatches(credentials, kept.secret))) return true;
    if ((await parts.admission.verify?.(credentials, domain, nodeId)) === true) return true;
    return kept === undefined && parts.admission.open === true;
  };

  /** The channel of a node that may come in; undefined where it may not. */
  const register = async (
    first: Uint8Array,
    out: Queue<Uint8Array>,
    peer: string,
  ): Promise<NodeChannel | undefined> => {
    const { messageId: originalMessageId, payload } = ControlMessage.decode(first);
    if (payload.kind !== "registerNodeRequest") return undefined;
    const request = payload.value;
    const domain = request.domainName || defaultDomain;
    const answer = (success: boolean, lists: Lists): void => {
      out.push(
        ControlMessage.encode({
          messageId: randomUUID(),
          payload: {
            kind: "registerNodeResponse",
            value: { originalMessageId, success, ...lists },
          },
        }),
      );
    };
    if (!(await admitted(request, domain))) {
      logger.write("warn", "controller.refused", { node: request.nodeId, domain, peer });
      answer(false, { connections: [], routes: [] });
      return undefined;
    }
    const nodeId = idOf(request);
    const channel = createNodeChannel({
      nodeId,
      answerMs: parts.answerMs,
      push: (bytes) => out.push(bytes),
      end: () => out.close(),
    });
    const endpoints = request.connectionDetails.map((one) => readEndpoint(one, peer));
    const lists = network.registered({ id: nodeId, domain, endpoints }, channel);
    await records.saved();
    answer(true, { connections: lists.connections, routes: lists.routes });
    lists.begin();
    logger.write("info", "controller.registered", { node: nodeId, domain, peer });
    return channel;
  };

  const notified = (channel: NodeChannel, command: ConfigurationCommand): void => {
    const names = (routes: readonly Route[]): string[] => routes.flatMap(readName);
    network.told(channel, names(command.routesToSet), names(command.routesToDelete));
    if (command.connectionsReceived.length > 0) network.arrived(channel);
  };

  const read = async (
    incoming: AsyncIterator<Uint8Array>,
    out: Queue<Uint8Array>,
    peer: string,
  ): Promise<void> => {
    const timer = setTimeout(() => out.close(), parts.registerMs);
    timer.unref();
    const first = await incoming.next();
    const channel = first.done === true ? undefined : await register(first.value, out, peer);
    clearTimeout(timer);
    if (channel === undefined) return out.close();
    try {
      for (;;) {
        const next = await incoming.next();
        if (next.done === true) break;
        const message = ControlMessage.decode(next.value);
        if (channel.receive(message)) continue;
        const { payload } = message;
        if (payload.kind === "configCommand") notified(channel, payload.value);
        else if (payload.kind === "deregisterNodeRequest") {
          channel.send({
            kind: "deregisterNodeResponse",
            value: { originalMessageId: message.messageId, success: true },
          });
          network.deregistered(channel);
        }
      }
    } finally {
      network.lost(channel);
      out.close();
      logger.write("info", "controller.lost", { node: channel.nodeId });
    }
  };

  const openControlChannel = async function* (
    requests: AsyncIterable<Uint8Array>,
    context: CallContext,
  ): AsyncGenerator<Uint8Array> {
    const out = createQueue<Uint8Array>(queueLimit);
    read(requests[Symbol.asyncIterator](), out, hostOf(context.peer)).catch((error: unknown) => {
      logger.write("warn", "controller.bad-channel", { peer: context.peer, error });
      out.close();
    });
    // a caller that went away is not read to its end by anybody
    context.signal.addEventListener("abort", () => out.close());
    // the end of the answers is the end of the call, and that ends the reading
    yield* out;
  };

  return new Map([
    [southboundPaths.openControlChannel, { kind: "duplex", handle: openControlChannel }],
  ]);
}

/** What the controller calls a node; a domain's name is absent or empty where there is none. */
function idOf({ domainName, nodeId }: Pick<RegisterNodeRequest, "domainName" | "nodeId">): string {
  return domainName ? `${domainName}/${nodeId}` : nodeId;
}

type Lists = Pick<RegisterNodeResponse, "connections" | "routes">;

/** A name with hashes that are not those of its strings is nobody's. */
function readName(route: Route): string[] {
  try {
    return [formatSlimName(decodeSlimName(route.name))];
  } catch {
    return [];
  }
}

/** A node that listens everywhere is reached where it called from. */
function readEndpoint(details: ConnectionDetails, peer: string): Endpoint {
  return {
    endpoint: specific(details.endpoint, peer),
    external: details.externalEndpoint || undefined,
    tls: details.tlsRequired,
    auth: details.authMethod,
    trustDomain: details.spireTrustDomain,
  };
}

function specific(endpoint: string, peer: string): string {
  if (peer === "") return endpoint;
  const host = isIPv6(peer) ? `[${peer}]` : peer;
  return endpoint.replace(/^((?:[a-z]+:\/\/)?)(?:0\.0\.0\.0|\[::\])(?=:\d+$)/, `$1${host}`);
}

/** An IPv4 caller of a socket for both is one of IPv4. */
const hostOf = (peer: string): string => peer.replace(/^::ffff:(?=\d+\.)/, "");
