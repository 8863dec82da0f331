import { readFileSync } from "node:fs";
import type { ClientTls, ServerTls } from "@coterie/transport/h2";
import type { ClientConfig, ServerConfig } from "../api/config/connection.ts";
import type { CaSource, TlsSource } from "../api/config/tls.ts";
import { SessionError } from "../errors.ts";

/** Undefined: in the clear. */
export function clientTlsOf({ tls, serverName }: ClientConfig): ClientTls | undefined {
  if (tls.insecure) return undefined;
  return {
    ...certificateOf(tls.source),
    ca: authorityOf(tls.caSource),
    servername: serverName,
    minVersion: versionOf(tls.tlsVersion),
    insecureSkipVerify: tls.insecureSkipVerify,
  };
}

/** Undefined: in the clear. Throws `session/bad-argument` without a certificate. */
export function serverTlsOf({ tls }: ServerConfig): ServerTls | undefined {
  if (tls.insecure) return undefined;
  const own = certificateOf(tls.source);
  if (own === undefined) throw new SessionError("session/bad-argument", { what: "tls.source" });
  return { ...own, clientCa: authorityOf(tls.clientCa), minVersion: versionOf(tls.tlsVersion) };
}

function certificateOf(
  source: TlsSource,
): { readonly cert: string; readonly key: string } | undefined {
  if (source.tag === "None") return undefined;
  if (source.tag === "Spire") throw new SessionError("session/unsupported", { what: "Spire" });
  const { cert, key } = source.inner as { readonly cert: string; readonly key: string };
  return source.tag === "Pem" ? { cert, key } : { cert: file(cert), key: file(key) };
}

function authorityOf(source: CaSource): string | undefined {
  if (source.tag === "None") return undefined;
  if (source.tag === "Pem") return (source.inner as { readonly data: string }).data;
  if (source.tag === "File") return file((source.inner as { readonly path: string }).path);
  throw new SessionError("session/unsupported", { what: "Spire" });
}

function versionOf(version: string | undefined): "TLSv1.2" | "TLSv1.3" {
  if (version === "tls1.2") return "TLSv1.2";
  if (version === undefined || version === "tls1.3") return "TLSv1.3";
  throw new SessionError("session/bad-argument", { what: "tlsVersion" });
}

function file(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new SessionError("session/bad-argument", { what: "file" }, cause);
  }
}
