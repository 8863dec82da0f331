import type { ServerTls } from "@coterie/transport/h2";
import type { Section } from "./section.ts";
import { readTls } from "./tls.ts";
import type { TlsSettings } from "./tls.ts";

/** What speaks behind an endpoint, by its scheme (SCN-01, SCN-06, SCN-07). */
type EndpointKind = "grpc" | "websocket" | "unix";

export interface ServerSettings {
  readonly kind: EndpointKind;
  /** Of the socket of `unix` this is the path. */
  readonly host: string;
  readonly port: number;
  /** Of a WebSocket. */
  readonly path: string;
  readonly tls: TlsSettings | undefined;
  readonly auth: ServerAuth | undefined;
  /** What other nodes are told to dial (SCT-01). */
  readonly externalEndpoint: string | undefined;
}

export type ServerAuth = {
  readonly kind: "basic";
  readonly username: string;
  readonly password: string;
};

export type ClientAuth =
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  | { readonly kind: "token-file"; readonly path: string; readonly refreshMs: number };

export interface ClientSettings {
  /** With its scheme. */
  readonly endpoint: string;
  readonly tls: TlsSettings | undefined;
  readonly serverName: string | undefined;
  readonly auth: ClientAuth | undefined;
  readonly headers: ReadonlyMap<string, string>;
  readonly connectTimeoutMs: number | undefined;
}

/** An entry of `servers`, in SLIM's shape. `defaultPort` is for endpoints without one. */
export function readServer(section: Section): ServerSettings {
  const endpoint = section.text("endpoint");
  if (endpoint === undefined) throw section.bad("endpoint", "must be HOST:PORT");
  const parsed = parseEndpoint(endpoint);
  if (parsed === undefined) {
    throw section.bad("endpoint", "must be HOST:PORT, ws://HOST:PORT or unix:///PATH");
  }
  const metadata = section.section("metadata");
  const externalEndpoint = metadata?.text("external_endpoint");
  const settings: ServerSettings = {
    ...parsed.at,
    tls: readTls(section, "server", parsed.secure),
    auth: readServerAuth(section),
    externalEndpoint,
  };
  section.ignore(
    "http2_only",
    "max_frame_size",
    "max_recv_msg_size",
    "max_concurrent_streams",
    "max_header_list_size",
    "read_buffer_size",
    "write_buffer_size",
    "keepalive",
    "require_header_mac",
    "negotiation_timeout",
  );
  section.end();
  return settings;
}

/** What a listener takes of it: with a `ca`, only callers with a certificate of that. */
export function serverTls({ tls }: ServerSettings): ServerTls | undefined {
  if (tls?.cert === undefined || tls.key === undefined) return undefined;
  return { cert: tls.cert, key: tls.key, clientCa: tls.ca, minVersion: tls.minVersion };
}

/** An entry of `clients`, in SLIM's shape. */
export function readClient(section: Section): ClientSettings {
  const settings = readDialled(section);
  section.end();
  return settings;
}

/** The same with keys of its own beside it: whoever reads those ends the section. */
export function readDialled(section: Section): ClientSettings {
  const endpoint = section.text("endpoint");
  if (endpoint === undefined) throw section.bad("endpoint", "must be a URL");
  const parsed = parseEndpoint(endpoint);
  if (parsed === undefined) throw section.bad("endpoint", "must be a URL");
  const tls = readTls(section, "client", parsed.secure);
  const headers = section.section("headers");
  const settings: ClientSettings = {
    endpoint: endpoint.includes("://") ? endpoint : `${tls ? "https" : "http"}://${endpoint}`,
    tls,
    serverName: section.text("server_name"),
    auth: readClientAuth(section),
    headers: new Map(headers?.textEntries()),
    connectTimeoutMs: section.durationMs("connect_timeout") || undefined,
  };
  section.ignore(
    "connection_timeout",
    "request_timeout",
    "buffer_size",
    "keepalive",
    "backoff",
    "origin",
    "compression",
    "rate_limit",
    "metadata",
    "websocket_auth_query_param",
    "require_header_mac",
  );
  if (section.has("proxy")) throw section.bad("proxy", "is not supported");
  return settings;
}

const schemes: Readonly<Record<string, { readonly kind: EndpointKind; readonly secure: boolean }>> =
  {
    http: { kind: "grpc", secure: false },
    https: { kind: "grpc", secure: true },
    ws: { kind: "websocket", secure: false },
    wss: { kind: "websocket", secure: true },
  };

function parseEndpoint(text: string):
  | {
      readonly at: Pick<ServerSettings, "kind" | "host" | "port" | "path">;
      readonly secure: boolean | undefined;
    }
  | undefined {
  const socket = /^unix:(?:\/\/)?(\/.+)$/.exec(text)?.[1];
  if (socket !== undefined) {
    return { at: { kind: "unix", host: socket, port: 0, path: "/" }, secure: false };
  }
  const match = /^(?:([a-z]+):\/\/)?(?:\[([0-9a-fA-F:.]+)\]|([^[\]:/]+)):(\d{1,5})(\/.*)?$/.exec(
    text,
  );
  const port = Number(match?.[4]);
  if (match === null || port > 65_535) return undefined;
  const scheme = match[1] === undefined ? undefined : schemes[match[1]];
  if (match[1] !== undefined && scheme === undefined) return undefined;
  const host = match[2] ?? match[3] ?? "";
  return {
    at: { kind: scheme?.kind ?? "grpc", host, port, path: match[5] ?? "/" },
    secure: scheme?.secure,
  };
}

function readServerAuth(owner: Section): ServerAuth | undefined {
  const auth = owner.section("auth");
  if (auth === undefined) return undefined;
  const kind = auth.text("type");
  if (kind === "none") return undefined;
  if (kind !== "basic") throw auth.bad("type", "must be basic or none");
  return readBasic(auth);
}

function readClientAuth(owner: Section): ClientAuth | undefined {
  const auth = owner.section("auth");
  if (auth === undefined) return undefined;
  const kind = auth.text("type");
  if (kind === "none") return undefined;
  if (kind === "static_jwt") {
    const path = auth.text("file") ?? auth.text("token_file");
    if (path === undefined) throw auth.bad("file", "must name the file of the token");
    const refreshMs = auth.durationMs("duration") ?? 3_600_000;
    auth.end();
    return { kind: "token-file", path, refreshMs };
  }
  if (kind !== "basic") throw auth.bad("type", "must be basic, static_jwt or none");
  return readBasic(auth);
}

function readBasic(auth: Section): ServerAuth {
  const username = auth.text("username");
  const password = auth.text("password");
  if (username === undefined) throw auth.bad("username", "must be a text");
  if (password === undefined) throw auth.bad("password", "must be a text");
  auth.end();
  return { kind: "basic", username, password };
}
