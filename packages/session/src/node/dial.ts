import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Transport } from "@coterie/transport";
import { createH2Transport } from "@coterie/transport/h2";
import type { ClientTls } from "@coterie/transport/h2";
import type { BasicAuth, StaticJwtAuth } from "../api/config/auth.ts";
import type { ClientConfig } from "../api/config/connection.ts";
import type { CaSource, TlsSource } from "../api/config/tls.ts";
import { SessionError } from "../errors.ts";

/** Client pings, so that a node that is gone without a word is noticed (SCN-10). */
const keepaliveMs = 60_000;

/** A transport to the node of this configuration. Throws `session/bad-argument` or `session/unsupported`. */
export async function dialNode(config: ClientConfig): Promise<Transport> {
  const { keepalive } = config;
  const metadata = await headersOf(config);
  return createH2Transport({
    url: urlOf(config),
    tls: config.tls.insecure ? undefined : tlsOf(config),
    keepaliveMs: keepalive?.http2Keepalive ?? keepaliveMs,
    keepaliveTimeoutMs: keepalive?.timeout ?? 10_000,
    metadata,
  });
}

function urlOf({ endpoint, tls }: ClientConfig): string {
  if (/^https?:\/\//.test(endpoint)) return endpoint;
  if (/^[a-z]+:\/\//.test(endpoint)) {
    throw new SessionError("session/unsupported", { what: "endpoint" });
  }
  return `${tls.insecure ? "http" : "https"}://${endpoint}`;
}

async function headersOf(config: ClientConfig): Promise<Record<string, string>> {
  const headers: Record<string, string> = Object.fromEntries(config.headers ?? []);
  const { auth } = config;
  if (auth === undefined || auth.tag === "None") return headers;
  if (auth.tag === "Basic") {
    const { username, password } = (auth.inner as { readonly config: BasicAuth }).config;
    return { ...headers, authorization: `Basic ${btoa(`${username}:${password}`)}` };
  }
  if (auth.tag === "StaticJwt") {
    const { tokenFile } = (auth.inner as { readonly config: StaticJwtAuth }).config;
    const token = (await readFile(tokenFile, "utf8")).trim();
    return { ...headers, authorization: `Bearer ${token}` };
  }
  throw new SessionError("session/unsupported", { what: "auth", kind: auth.tag });
}

function tlsOf({ tls, serverName }: ClientConfig): ClientTls {
  if (tls.insecureSkipVerify) {
    throw new SessionError("session/unsupported", { what: "insecureSkipVerify" });
  }
  const own = certificateOf(tls.source);
  return { ca: authorityOf(tls.caSource), cert: own?.cert, key: own?.key, servername: serverName };
}

/** PEM of a certificate and its key. */
export function certificateOf(
  source: TlsSource,
): { readonly cert: string; readonly key: string } | undefined {
  if (source.tag === "None") return undefined;
  if (source.tag === "Spire") throw new SessionError("session/unsupported", { what: "Spire" });
  const { cert, key } = source.inner as { readonly cert: string; readonly key: string };
  return source.tag === "Pem" ? { cert, key } : { cert: file(cert), key: file(key) };
}

/** PEM of an authority. */
export function authorityOf(source: CaSource): string | undefined {
  if (source.tag === "None") return undefined;
  if (source.tag === "Pem") return (source.inner as { readonly data: string }).data;
  if (source.tag === "File") return file((source.inner as { readonly path: string }).path);
  throw new SessionError("session/unsupported", { what: "Spire" });
}

function file(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new SessionError("session/bad-argument", { what: "file" }, cause);
  }
}
