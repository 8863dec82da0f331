import { SessionError } from "../errors.ts";
import type { AppParts } from "./app-parts.ts";
import type { Direction } from "./enums.ts";
import type { NameLike } from "./name.ts";
import type { ProviderLike, VerifierLike } from "./platform.ts";

/** Makes what an app of the global service consists of. */
export type AppMaker = (
  name: NameLike,
  provider: ProviderLike,
  verifier: VerifierLike,
  direction: Direction,
) => AppParts;

let maker: AppMaker | undefined;

/** Where apps live that are made without a service. */
export function settle(next: AppMaker | undefined): void {
  maker = next;
}

/** Throws `session/unsupported` before there is a global service. */
export function partsAtHome(...asked: Parameters<AppMaker>): AppParts {
  if (maker === undefined) {
    throw new SessionError("session/unsupported", { what: "app", reason: "not initialized" });
  }
  return maker(...asked);
}
