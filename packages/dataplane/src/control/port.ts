import type { SlimName } from "@coterie/wire/slim";
import type { LinkKind } from "../routes.ts";

/** A connection of the data plane, as a controller sees it. */
export interface PlaneLink {
  /** This node's number for it. */
  readonly id: bigint;
  /** Agreed with the other side (SCN-20); a connection in the process has none. */
  readonly linkId?: string | undefined;
  readonly kind: LinkKind;
  readonly direction: "outgoing" | "incoming";
  /** Where it was dialled. */
  readonly endpoint?: string | undefined;
  readonly peerNodeId?: string | undefined;
}

/** How to dial another node. */
export interface PlaneDial {
  readonly endpoint: string;
  /** Of the new link (SCT-04). */
  readonly linkId: string;
  readonly kind: Extract<LinkKind, "remote" | "peer">;
  /** What the controller sent beside these, for whoever knows credentials and certificates. */
  readonly config: Readonly<Record<string, unknown>>;
}

export type PlaneEvent =
  /** The first subscription to a name by an app of this node, or the last one gone (SCT-03). */
  | { readonly kind: "name-added" | "name-removed"; readonly name: SlimName }
  /** Negotiated; or ended, by whatever side. */
  | { readonly kind: "link-up" | "link-down"; readonly link: PlaneLink };

/** What a controller's client needs of a data plane. */
export interface ControlledPlane {
  /** Resolves once the link is negotiated; a link id that stands already is that link. */
  connect(dial: PlaneDial): Promise<PlaneLink>;
  /** Ends a link; false where there is none. */
  disconnect(linkId: string): boolean;
  links(): readonly PlaneLink[];
  /** Every name of the table, with the links that lead to it. */
  names(): Iterable<{ readonly name: SlimName; readonly links: readonly PlaneLink[] }>;
  /** The name is reachable through the link (SRT-11); false where there is no such link. Twice is once. */
  setRoute(name: SlimName, linkId: string): boolean;
  /** False where there is no such link or route. */
  removeRoute(name: SlimName, linkId: string): boolean;
  /** Calls back for every event from now on, until the returned function is called. */
  watch(listener: (event: PlaneEvent) => void): () => void;
}
