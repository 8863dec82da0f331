import type { ConformanceCase, Open } from "./conformance/case.ts";
import { duplexCases } from "./conformance/duplex.ts";
import { duplexLifetimeCases, lifetimeCases } from "./conformance/lifetime.ts";
import { streamCases } from "./conformance/streams.ts";
import { unaryCases } from "./conformance/unary.ts";

export type { ConformanceCase, Open, Opened } from "./conformance/case.ts";

export interface ConformanceOptions {
  /** False for transports that carry no calls with two directions. */
  readonly duplex?: boolean | undefined;
  /** False for transports that carry no others. */
  readonly unary?: boolean | undefined;
  /** False where ending one direction ends both. */
  readonly halfClose?: boolean | undefined;
  /** False for transports that cannot tell a call that nobody heard from one that may have been heard. */
  readonly tellsUnsent?: boolean | undefined;
  /** Bytes of a stream that may be under way to a reader that pauses. 4 MiB by default. */
  readonly underWayBytes?: number | undefined;
}

/**
 * What every transport promises, as cases for any test runner: `for (const { name, run } of …) test(name, run)`. `open` gives
 * each case a server of its routes and a transport to it.
 */
export function transportConformance(
  open: Open,
  options: ConformanceOptions = {},
): readonly ConformanceCase[] {
  const { duplex = true, unary = true, halfClose = true, tellsUnsent = true } = options;
  const { underWayBytes = 4 * 1024 * 1024 } = options;
  return [
    ...(unary ? [...unaryCases(open), ...streamCases(open, underWayBytes)] : []),
    ...(duplex ? duplexCases(open, { halfClose, underWayBytes }) : []),
    ...(unary ? lifetimeCases(open, tellsUnsent) : []),
    ...(duplex ? duplexLifetimeCases(open) : []),
  ];
}
