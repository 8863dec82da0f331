import type { Command } from "commander";
import {
  AddDomainRequest,
  AddDomainResponse,
  AddSegmentRequest,
  AddSegmentResponse,
  AddTopologyLinkRequest,
  AddTopologyLinkResponse,
  LinkEntry,
  LinkListRequest,
  LinkStatus,
  ListDomainsRequest,
  ListDomainsResponse,
  ListSegmentsRequest,
  ListSegmentsResponse,
  RemoveDomainRequest,
  RemoveDomainResponse,
  RemoveSegmentRequest,
  RemoveSegmentResponse,
  RemoveTopologyLinkRequest,
  RemoveTopologyLinkResponse,
  northboundPaths,
} from "@coterie/wire/slim/controlplane";
import { harmless } from "../output.ts";
import { wordOf } from "./entries.ts";
import type { Operator } from "./operator.ts";
import { counted, listed, table } from "./table.ts";

/** Links between domains, domains, and the segments that they form. */
export function addDomainVerbs(controller: Command, operator: Operator): void {
  addLinks(controller, operator);
  addDomains(controller, operator);
  addSegments(controller, operator);
}

function addLinks(controller: Command, { calling }: Operator): void {
  const link = controller.command("link").description("links between nodes, and between domains");
  interface ListOptions {
    readonly originNodeId?: string;
    readonly targetNodeId?: string;
    readonly all?: boolean;
  }
  link
    .command("list")
    .alias("ls")
    .option("-o, --origin-node-id <id>", "only links that this node dials")
    .option("-t, --target-node-id <id>", "only links to this node")
    .option("-a, --all", "pending and failed ones too")
    .description("list links")
    .action(
      calling("controller", async ({ output, calls }, options: ListOptions) => {
        const { originNodeId, targetNodeId, all = false } = options;
        const request = { srcNodeId: originNodeId ?? "", destNodeId: targetNodeId ?? "" };
        const entries = await calls.collect(
          northboundPaths.listLinks,
          [LinkListRequest, request],
          LinkEntry,
        );
        const links = entries
          .filter(({ status }) => all || status === LinkStatus.applied)
          .map((entry) => ({
            linkId: entry.linkId,
            source: entry.sourceNodeId,
            destination: entry.destNodeId,
            endpoint: entry.destEndpoint,
            status: wordOf(linkStates, entry.status),
            message: entry.statusMsg,
          }));
        output.result(links, [
          ...listed("Links", links, all),
          ...table(
            ["LINK_ID", "SOURCE", "DEST_NODE", "DEST_ENDPOINT", "STATUS"],
            links.map(({ linkId, source, destination, endpoint, status }) => [
              linkId,
              source,
              destination,
              endpoint,
              status,
            ]),
          ),
        ]);
      }),
    );

  const segmentOption = ["-s, --segment <name>", "the segment", "default"] as const;
  interface EdgeOptions {
    readonly segment: string;
  }
  link
    .command("add")
    .argument("<domain-a>")
    .argument("<domain-b>")
    .option(...segmentOption)
    .description("let two domains reach each other")
    .action(
      calling(
        "controller",
        async ({ output, calls }, domainA: string, domainB: string, { segment }: EdgeOptions) => {
          const { warnings } = await calls.unary(
            northboundPaths.addTopologyLink,
            [AddTopologyLinkRequest, { domainA, domainB, segment }],
            AddTopologyLinkResponse,
          );
          const where = segment === "default" ? "" : ` in segment '${segment}'`;
          output.result({ domainA, domainB, segment, added: true, warnings }, [
            `Link ${domainA}↔${domainB} added${where}`,
            ...warnings.map((warning) => `  Warning: ${harmless(warning)}`),
          ]);
        },
      ),
    );
  link
    .command("remove")
    .alias("rm")
    .argument("<domain-a>")
    .argument("<domain-b>")
    .option(...segmentOption)
    .description("part two domains")
    .action(
      calling(
        "controller",
        async ({ output, calls }, domainA: string, domainB: string, { segment }: EdgeOptions) => {
          await calls.unary(
            northboundPaths.removeTopologyLink,
            [RemoveTopologyLinkRequest, { domainA, domainB, segment }],
            RemoveTopologyLinkResponse,
          );
          const where = segment === "default" ? "" : ` from segment '${segment}'`;
          output.result({ domainA, domainB, segment, removed: true }, [
            `Link ${domainA}↔${domainB} removed${where}`,
          ]);
        },
      ),
    );
}

function addDomains(controller: Command, { calling }: Operator): void {
  const domain = controller.command("domain").description("domains: sets of nodes with a secret");
  domain
    .command("list")
    .alias("ls")
    .description("list domains and their nodes")
    .action(
      calling("controller", async ({ output, calls }) => {
        const { domains } = await calls.unary(
          northboundPaths.listDomains,
          [ListDomainsRequest, {}],
          ListDomainsResponse,
        );
        output.result(
          domains.map(({ domainName, nodes }) => ({ domain: domainName, nodes })),
          [
            ...counted(domains, "domain(s)"),
            ...table(
              ["DOMAIN", "NODES"],
              domains.map(({ domainName, nodes }) => [
                domainName,
                nodes.join(", ") || "(no nodes connected)",
              ]),
            ),
          ],
        );
      }),
    );
  domain
    .command("add")
    .argument("<domain>")
    .argument("<secret>", "what nodes of the domain register with")
    .description("add a domain")
    .action(
      calling("controller", async ({ output, calls }, domainName: string, secret: string) => {
        await calls.unary(
          northboundPaths.addDomain,
          [AddDomainRequest, { domainName, secret }],
          AddDomainResponse,
        );
        output.result({ domain: domainName, added: true }, [`Domain '${domainName}' added`]);
      }),
    );
  domain
    .command("remove")
    .alias("rm")
    .argument("<domain>")
    .description("remove a domain and disconnect its nodes")
    .action(
      calling("controller", async ({ output, calls }, domainName: string) => {
        await calls.unary(
          northboundPaths.removeDomain,
          [RemoveDomainRequest, { domainName }],
          RemoveDomainResponse,
        );
        output.result({ domain: domainName, removed: true }, [
          `Domain '${domainName}' removed (all nodes disconnected)`,
        ]);
      }),
    );
}

function addSegments(controller: Command, { calling }: Operator): void {
  const segment = controller.command("segment").description("segments: graphs of linked domains");
  segment
    .command("list")
    .alias("ls")
    .description("list segments, their domains and links")
    .action(
      calling("controller", async ({ output, calls }) => {
        const { segments } = await calls.unary(
          northboundPaths.listSegments,
          [ListSegmentsRequest, {}],
          ListSegmentsResponse,
        );
        output.result(segments, [
          ...counted(segments, "segment(s)"),
          ...table(
            ["SEGMENT", "DOMAINS", "LINKS"],
            segments.map(({ name, domains, edges }) => [
              name,
              domains.join(", ") || "-",
              edges.map(({ domainA, domainB }) => `${domainA}↔${domainB}`).join(", ") || "-",
            ]),
          ),
        ]);
      }),
    );
  segment
    .command("add")
    .argument("<segment>")
    .description("add a segment")
    .action(
      calling("controller", async ({ output, calls }, name: string) => {
        await calls.unary(
          northboundPaths.addSegment,
          [AddSegmentRequest, { name }],
          AddSegmentResponse,
        );
        output.result({ segment: name, added: true }, [`Segment '${name}' added`]);
      }),
    );
  segment
    .command("remove")
    .alias("rm")
    .argument("<segment>")
    .description("remove a segment and its links")
    .action(
      calling("controller", async ({ output, calls }, name: string) => {
        await calls.unary(
          northboundPaths.removeSegment,
          [RemoveSegmentRequest, { name }],
          RemoveSegmentResponse,
        );
        output.result({ segment: name, removed: true }, [`Segment '${name}' removed`]);
      }),
    );
}

const linkStates: Readonly<Record<number, string>> = {
  [LinkStatus.pending]: "PENDING",
  [LinkStatus.applied]: "APPLIED",
  [LinkStatus.failed]: "FAILED",
  [LinkStatus.unspecified]: "UNKNOWN",
};
