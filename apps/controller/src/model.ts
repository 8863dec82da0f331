/** Where a node's data plane is reached, as it said. */
export interface Endpoint {
  /** `host:port` or a URL, within its domain. */
  readonly endpoint: string;
  /** The same from other domains. */
  readonly external?: string | undefined;
  readonly tls: boolean;
  /** By number, as the wire has it. */
  readonly auth: number;
  readonly trustDomain?: string | undefined;
}

export interface NodeRecord {
  /** `<domain>/<node id>` where the node named a domain: nobody speaks for the nodes of another domain. */
  readonly id: string;
  readonly domain: string;
  readonly endpoints: readonly Endpoint[];
}

export interface DomainRecord {
  readonly name: string;
  /** Hashed; see secrets.ts. */
  readonly secret: string;
}

export type DomainPair = readonly [a: string, b: string];

export interface SegmentRecord {
  readonly name: string;
  readonly edges: readonly DomainPair[];
}

/** Of links and routes alike (SCT-07). */
type Status = "pending" | "applied" | "failed" | "deleted";

export interface LinkRecord {
  readonly linkId: string;
  /** The node that dials. */
  readonly source: string;
  readonly dest: string;
  readonly endpoint: string;
  readonly config: string;
  readonly status: Status;
  readonly message: string;
  /** Unix seconds. */
  readonly updated: number;
}

/** On `node`, `name` leads to the link, behind which `dest` holds it. */
export interface RouteRecord {
  readonly node: string;
  readonly dest: string;
  /** With its id (SNM-09). */
  readonly name: string;
  readonly linkId: string;
  readonly status: Status;
  readonly message: string;
  /** Unix seconds. */
  readonly updated: number;
}

/** A name that apps hold on a node. */
export interface NameRecord {
  readonly node: string;
  readonly name: string;
  /** Grows from name to name: who was first. */
  readonly order: number;
}

/** Whether a domain may be called so: its nodes are `<domain>/<node id>`. */
export const isDomainName = (name: string): boolean => !/[/|\n]/.test(name);

/** One channel of the 1.4 calls (SCT-20). */
export interface ChannelRecord {
  readonly channel: string;
  readonly mode: "granted" | "hosted";
  /** Full names, the first one first. */
  readonly moderators: readonly string[];
  /** As they were added: what lists show and what is compared. */
  readonly participants: readonly string[];
  readonly mls: boolean;
  /** Unix milliseconds: lists are in the order of making. */
  readonly created: number;
  /** Of a granted channel (SCT-26). */
  readonly grant?: string | undefined;
  /** Deleted while nobody could be told: told as soon as a moderator of it is back. */
  readonly isDeleted?: boolean | undefined;
}
