import type { Command } from "commander";
import { ConnectionListResponse, RouteListResponse } from "@coterie/wire/slim/controller";
import {
  Node,
  NodeEntry,
  NodeListRequest,
  NodeStatus,
  RouteEntry,
  RouteListRequest,
  RouteStatus,
  northboundPaths,
} from "@coterie/wire/slim/controlplane";
import { CliError } from "../errors.ts";
import { addDomainVerbs } from "./domains.ts";
import {
  connectionsJson,
  connectionsTable,
  nameText,
  routesJson,
  routesTable,
  wordOf,
} from "./entries.ts";
import type { Operator } from "./operator.ts";
import { counted, listed, table } from "./table.ts";

/** SND-08: nodes, connections, routes, links, domains and segments as a controller of 2.x shows them (specification 10.2). */
export function addTopologyVerbs(controller: Command, operator: Operator): void {
  addNodes(controller, operator);
  addRoutes(controller, operator);
  addDomainVerbs(controller, operator);
}

function addNodes(controller: Command, { calling }: Operator): void {
  controller
    .command("node")
    .aliases(["n", "nodes", "instance"])
    .description("nodes of the controller")
    .command("list")
    .alias("ls")
    .description("list nodes that are registered")
    .action(
      calling("controller", async ({ output, calls }) => {
        const entries = await calls.collect(
          northboundPaths.listNodes,
          [NodeListRequest, {}],
          NodeEntry,
        );
        const nodes = entries.map(({ id, domain, status, connections: [first] }) => ({
          id,
          domain,
          status: wordOf(nodeStates, status),
          endpoint: first?.endpoint ?? "-",
          publicEndpoint: first?.externalEndpoint ?? "-",
        }));
        output.result(nodes, [
          ...counted(nodes, "node(s) registered"),
          ...table(
            ["NODE_ID", "DOMAIN", "STATUS", "ENDPOINT", "PUBLIC_ENDPOINT"],
            nodes.map((node) => Object.values(node)),
          ),
        ]);
      }),
    );

  controller
    .command("connection")
    .alias("conn")
    .description("connections of a node")
    .command("list")
    .alias("ls")
    .requiredOption("-n, --node-id <id>", "the node")
    .description("list connections of a node")
    .action(
      calling("controller", async ({ output, calls }, { nodeId }: { nodeId: string }) => {
        const { entries } = await calls.unary(
          northboundPaths.listConnections,
          [Node, { id: nodeId }],
          ConnectionListResponse,
        );
        const connections = connectionsJson(entries);
        output.result(connections, [
          `Connections for node: ${nodeId}`,
          ...connectionsTable(connections),
        ]);
      }),
    );
}

function addRoutes(controller: Command, { calling }: Operator): void {
  interface Options {
    readonly nodeId?: string;
    readonly originNodeId?: string;
    readonly targetNodeId?: string;
    readonly all?: boolean;
  }
  controller
    .command("route")
    .description("routes of a node, or all that the controller holds")
    .command("list")
    .alias("ls")
    .option("-n, --node-id <id>", "routes of this node, as it holds them")
    .option("-o, --origin-node-id <id>", "only routes on this node")
    .option("-t, --target-node-id <id>", "only routes to this node")
    .option("-a, --all", "pending, failed and deleted ones too")
    .description("list routes")
    .action(
      calling("controller", async ({ output, calls }, options: Options) => {
        const { nodeId, originNodeId, targetNodeId, all = false } = options;
        if (nodeId !== undefined) {
          if (originNodeId !== undefined || targetNodeId !== undefined || all) {
            throw new CliError("cli/bad-argument", "--node-id stands alone");
          }
          const { entries } = await calls.unary(
            northboundPaths.listNodeRoutes,
            [Node, { id: nodeId }],
            RouteListResponse,
          );
          const routes = routesJson(entries);
          output.result(routes, [`Routes for node: ${nodeId}`, ...routesTable(routes)]);
          return;
        }
        const request = { srcNodeId: originNodeId ?? "", destNodeId: targetNodeId ?? "" };
        const entries = await calls.collect(
          northboundPaths.listRoutes,
          [RouteListRequest, request],
          RouteEntry,
        );
        const routes = entries
          .filter(({ status }) => all || status === RouteStatus.applied)
          .map((entry) => ({
            source: entry.sourceNodeId,
            destination: entry.destNodeId || "-",
            route: nameText(entry.name),
            status: wordOf(routeStates, entry.status),
            linkId: entry.linkId || "-",
            message: entry.statusMsg,
          }));
        output.result(routes, [
          ...listed("Routes", routes, all),
          ...table(
            ["SOURCE", "DEST_NODE", "ROUTE", "STATUS", "LINK_ID"],
            routes.map(({ source, destination, route, status, linkId }) => [
              source,
              destination,
              route,
              status,
              linkId,
            ]),
          ),
        ]);
      }),
    );
}

const nodeStates: Readonly<Record<number, string>> = {
  [NodeStatus.connected]: "Connected",
  [NodeStatus.notConnected]: "NotConnected",
};
const routeStates: Readonly<Record<number, string>> = {
  [RouteStatus.applied]: "APPLIED",
  [RouteStatus.failed]: "FAILED",
  [RouteStatus.deleted]: "DELETED",
  [RouteStatus.pending]: "PENDING",
  [RouteStatus.unspecified]: "UNKNOWN",
};
