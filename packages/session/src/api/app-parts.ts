import type { SlimIdentity, SlimVerifier } from "@coterie/identity/slim";
import type { SlimName } from "@coterie/wire/slim";
import type { Hub } from "../runtime/hub.ts";
import type { SessionStore } from "../runtime/session-store.ts";
import type { Direction } from "./enums.ts";
import type { Platform } from "./platform.ts";

/** What a service keeps of its apps. */
export interface Closable {
  close(): Promise<void>;
}

/** What an app is made of; a service makes it. */
export interface AppParts {
  readonly platform: Platform;
  readonly hub: Hub;
  readonly name: SlimName;
  readonly identity: SlimIdentity;
  readonly verifier: SlimVerifier;
  readonly direction: Direction;
  readonly store?: SessionStore | undefined;
  readonly opened: (app: Closable) => void;
  readonly closed: (app: Closable) => void;
}
