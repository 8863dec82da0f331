import type { Log as Logger } from "@coterie/base";
import { Status } from "@coterie/transport";
import type { CallContext, Routes, StatusError } from "@coterie/transport";
import type { Metrics } from "../metrics.ts";
import type { RateLimiter } from "../rate-limits.ts";
import type { Route } from "./routes.ts";
import { toStatus } from "./status.ts";

/** Counts every call by method and outcome, translates failures, and writes down those that are ours. */
export function instrument(
  routes: Routes,
  metrics: Metrics,
  logger: Logger,
  limiter?: RateLimiter,
): Routes {
  const outcome = (path: string, failure?: StatusError): void => {
    const status = failure === undefined ? Status.ok : failure.status;
    metrics.add("coterie_calls_total", { method: path.slice(1), status: String(status) });
    if (status === Status.internal || status === Status.dataLoss) {
      logger.write("error", "call.failed", { path, error: failure?.cause });
    } else if (status === Status.unavailable) {
      logger.write("warn", "call.unavailable", { path, reason: failure?.reason });
    } else if (failure !== undefined) {
      logger.write("debug", "call.refused", { path, status, reason: failure.reason });
    }
  };
  const refuse = (path: string, failure: unknown): StatusError => {
    const status = toStatus(failure);
    outcome(path, status);
    return status;
  };

  const wrapped = new Map<string, Route>();
  for (const [path, route] of routes) {
    if (route.kind === "unary") {
      const handle = async (request: Uint8Array, context: CallContext): Promise<Uint8Array> => {
        try {
          limiter?.take(context.peer, path);
          const answer = await route.handle(request, context);
          outcome(path);
          return answer;
        } catch (failure) {
          throw refuse(path, failure);
        }
      };
      wrapped.set(path, { kind: "unary", handle });
    } else if (route.kind === "server-stream") {
      const handle = (request: Uint8Array, context: CallContext): AsyncIterable<Uint8Array> => {
        try {
          limiter?.take(context.peer, path);
          return watched(path, route.handle(request, context));
        } catch (failure) {
          throw refuse(path, failure);
        }
      };
      wrapped.set(path, { ...route, handle });
    } else {
      wrapped.set(path, route);
    }
  }
  return wrapped;

  async function* watched(
    path: string,
    messages: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    try {
      yield* messages;
      outcome(path);
    } catch (failure) {
      throw refuse(path, failure);
    }
  }
}
