import { equalConstantTime, fromBase64Url, toBase64Url, toUtf8 } from "@coterie/base";
import { StatusError } from "./errors.ts";
import { Status } from "./transport.ts";
import type {
  CallContext,
  DuplexHandler,
  Route,
  Routes,
  ServerStreamHandler,
  UnaryHandler,
} from "./transport.ts";

/** Whether whoever shows this `authorization` header may call (SCN-08). */
export type Authorize = (authorization: string | undefined) => boolean | Promise<boolean>;

export interface BasicCredentials {
  readonly username: string;
  readonly password: string;
}

/** The header of a caller with a name and a password. */
export function basicAuthorization({ username, password }: BasicCredentials): string {
  const url = toBase64Url(toUtf8(`${username}:${password}`));
  const padded = url.replaceAll("-", "+").replaceAll("_", "/");
  return `Basic ${padded.padEnd(Math.ceil(padded.length / 4) * 4, "=")}`;
}

/** Accepts one name with one password, compared in constant time. */
export function acceptBasic(credentials: BasicCredentials): Authorize {
  const expected = toUtf8(`${credentials.username}:${credentials.password}`);
  return (authorization) => {
    const shown = /^basic ([A-Za-z0-9+/]+)=*$/i.exec(authorization ?? "")?.[1];
    if (shown === undefined) return false;
    try {
      const bytes = fromBase64Url(shown.replaceAll("+", "-").replaceAll("/", "_"));
      return equalConstantTime(bytes, expected);
    } catch {
      return false;
    }
  };
}

/** Accepts whoever's token `isValid`, which may throw for what is no token at all. */
export function acceptBearer(isValid: (token: string) => boolean | Promise<boolean>): Authorize {
  return async (authorization) => {
    const token = /^bearer (\S+)$/i.exec(authorization ?? "")?.[1];
    if (token === undefined) return false;
    try {
      return await isValid(token);
    } catch {
      return false;
    }
  };
}

/** The routes for those only who are accepted; others get UNAUTHENTICATED before a handler hears of them. */
export function guardRoutes(routes: Routes, authorize: Authorize): Routes {
  const check = async ({ metadata }: CallContext): Promise<void> => {
    if (await authorize(metadata["authorization"])) return;
    throw new StatusError(Status.unauthenticated, "unauthenticated");
  };
  return new Map([...routes].map(([path, route]) => [path, guard(route, check)]));
}

function guard(route: Route, check: (context: CallContext) => Promise<void>): Route {
  if (route.kind === "unary") {
    const { handle } = route;
    const guarded: UnaryHandler = async (request, context) => {
      await check(context);
      return handle(request, context);
    };
    return { ...route, handle: guarded };
  }
  if (route.kind === "server-stream") {
    const { handle } = route;
    const guarded: ServerStreamHandler = async function* (request, context) {
      await check(context);
      yield* handle(request, context);
    };
    return { ...route, handle: guarded };
  }
  const { handle } = route;
  const guarded: DuplexHandler = async function* (requests, context) {
    await check(context);
    yield* handle(requests, context);
  };
  return { ...route, handle: guarded };
}
