import type { Route, Routes, Transport } from "../transport.ts";

/** A server of some routes and a transport to it. */
export interface Opened {
  readonly transport: Transport;
  /** Ends both. */
  close(): Promise<void>;
  /** Stops the server gracefully; the transport stays. Cases that need it are left out where it is missing. */
  readonly stopServer?: (() => Promise<void>) | undefined;
  /** Starts a server of the same routes at the same address again. */
  readonly startServer?: (() => Promise<void>) | undefined;
}

export type Open = (routes: Routes) => Promise<Opened>;

/** One promise of the port. `run` throws where it is broken. */
export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}

/** Collects cases that each get a fresh server of their own routes. */
export function createCases(open: Open): {
  readonly cases: ConformanceCase[];
  add(
    name: string,
    routes: () => Readonly<Record<string, Route>>,
    body: (opened: Opened) => Promise<void>,
  ): void;
} {
  const cases: ConformanceCase[] = [];
  return {
    cases,
    add(name, routes, body) {
      cases.push({
        name,
        async run() {
          const opened = await open(
            new Map(Object.entries(routes()).map(([method, route]) => [path(method), route])),
          );
          try {
            await body(opened);
          } finally {
            await opened.close();
          }
        },
      });
    },
  };
}

/** The path of a method of the service that the cases call. */
export function path(method: string): string {
  return `/coterie.Conformance/${method}`;
}

export const echo: Route = { kind: "unary", handle: (request) => request };
