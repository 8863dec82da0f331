import type { Endpoint, LinkRecord, NodeRecord } from "./model.ts";

/** How one node dials another. */
export interface Dial {
  readonly source: string;
  readonly dest: string;
  readonly endpoint: string;
  readonly config: string;
}

/** The link between two domains, or nothing where no node of either can be dialled. */
export function chooseDial(a: readonly NodeRecord[], b: readonly NodeRecord[]): Dial | undefined {
  // an address for other domains is better than one that may hold inside only
  for (const external of [true, false]) {
    for (const [sources, dests] of [
      [a, b],
      [b, a],
    ] as const) {
      const source = sources[0];
      if (source === undefined) continue;
      for (const dest of dests) {
        const found = dest.endpoints.find((one) => !external || one.external !== undefined);
        if (found !== undefined) return dialOf(source, dest, found);
      }
    }
  }
  return undefined;
}

/** Whether a link still is what a new one would be: its node is reached where it was. */
export function stillReached(link: LinkRecord, dest: NodeRecord): boolean {
  return dest.endpoints.some((one) => urlOf(one) === link.endpoint);
}

function dialOf(source: NodeRecord, dest: NodeRecord, found: Endpoint): Dial {
  const endpoint = urlOf(found);
  return { source: source.id, dest: dest.id, endpoint, config: configOf(found, endpoint) };
}

function urlOf({ endpoint, external, tls }: Endpoint): string {
  const where = external ?? endpoint;
  return where.includes("://") ? where : `${tls ? "https" : "http"}://${where}`;
}

const authNames = ["none", "spire", "basic", "jwt", "oidc"] as const;

/** The words of a whole client configuration and those of a server's requirements: a node reads the one or the other (SCT-04). */
function configOf({ tls, auth, trustDomain }: Endpoint, endpoint: string): string {
  const method = authNames[auth] ?? "none";
  return JSON.stringify({
    endpoint,
    connection_type: "remote",
    tls: { insecure: !tls },
    tls_required: tls,
    auth_method: method === "spire" ? { spire: { trust_domain: trustDomain ?? null } } : method,
  });
}

/** The configuration with the link's own id in it. */
export function configWithId(config: string, linkId: string): string {
  return JSON.stringify({ ...(JSON.parse(config) as object), link_id: linkId });
}
