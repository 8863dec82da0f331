import type { Command } from "commander";
import type { Client } from "@coterie/client/node";
import type { Output } from "./output.ts";

/** What every verb gets. */
interface Env {
  readonly folder: string;
  readonly url: string | undefined;
  readonly output: Output;
}

/** Where verbs are added, and how their actions are wrapped: options read, failures told, the client closed. */
export interface Verbs {
  readonly program: Command;
  run<A extends unknown[]>(
    action: (env: Env, ...args: A) => Promise<void>,
  ): (...args: A) => Promise<void>;
  withClient<A extends unknown[]>(
    action: (env: Env & { readonly client: Client }, ...args: A) => Promise<void>,
  ): (...args: A) => Promise<void>;
}
