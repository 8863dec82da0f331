import { readFileSync } from "node:fs";
import type { Section } from "./section.ts";

/** PEM, read when the configuration is: what is missing is said before anything runs. */
export interface TlsSettings {
  /** Of this side, with its key. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Who signed the other side's: for a server, that clients have to show one (SCN-09). */
  readonly ca: string | undefined;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /** Of clients: any certificate will do. */
  readonly insecureSkipVerify: boolean;
}

/**
 * The `tls` of a server or client; undefined means cleartext. `secure` is what the scheme of the endpoint says, undefined where it has
 * none: then TLS is on unless `insecure: true` stands there, as in SLIM.
 */
export function readTls(
  owner: Section,
  side: "server" | "client",
  secure: boolean | undefined,
): TlsSettings | undefined {
  const section = owner.section("tls");
  const insecure = section?.flag("insecure");
  const wanted =
    secure ?? (insecure === undefined ? side === "server" || section !== undefined : !insecure);
  if (section === undefined) {
    if (wanted && side === "server") {
      throw owner.bad("tls", "must hold a certificate, or insecure: true");
    }
    return wanted
      ? {
          cert: undefined,
          key: undefined,
          ca: undefined,
          minVersion: "TLSv1.2",
          insecureSkipVerify: false,
        }
      : undefined;
  }
  const source = readSource(section);
  const ca = readCa(section, side === "server" ? "client_ca" : "ca_source");
  const settings: TlsSettings = {
    ...source,
    ca,
    minVersion:
      section.oneOf("tls_version", ["tls1.2", "tls1.3"]) === "tls1.2" ? "TLSv1.2" : "TLSv1.3",
    insecureSkipVerify: section.flag("insecure_skip_verify") ?? false,
  };
  section.ignore("include_system_ca_certs_pool", "reload_interval", "ca_source", "client_ca");
  section.end();
  if (!wanted) return undefined;
  if (side === "server" && source.cert === undefined) {
    throw section.bad("source", "must hold a certificate and its key, unless insecure is true");
  }
  return settings;
}

function readSource(tls: Section): Pick<TlsSettings, "cert" | "key"> {
  const source = tls.section("source");
  const kind = source?.oneOf("type", ["file", "pem", "none", "spire"]);
  if (source !== undefined && kind === "spire") {
    throw source.bad("type", "spire is not supported: give a file");
  }
  const found =
    source === undefined || kind === "none"
      ? { cert: pemOf(tls, "cert_file", "cert_pem"), key: pemOf(tls, "key_file", "key_pem") }
      : kind === "pem"
        ? { cert: source.text("cert"), key: source.text("key") }
        : { cert: fileOf(source, "cert"), key: fileOf(source, "key") };
  source?.end();
  if ((found.cert === undefined) !== (found.key === undefined)) {
    throw tls.bad("source", "must hold a certificate and its key, or neither");
  }
  return found;
}

function readCa(tls: Section, name: string): string | undefined {
  const source = tls.section(name);
  if (source === undefined) return pemOf(tls, "ca_file", "ca_pem");
  const kind = source.oneOf("type", ["file", "pem", "none", "spire"]);
  if (kind === "spire") throw source.bad("type", "spire is not supported: give a file");
  const found =
    kind === "none" ? undefined : kind === "pem" ? source.text("data") : fileOf(source, "path");
  source.end();
  return found;
}

function pemOf(tls: Section, file: string, pem: string): string | undefined {
  return fileOf(tls, file) ?? tls.text(pem);
}

function fileOf(section: Section, key: string): string | undefined {
  const path = section.text(key);
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw section.bad(key, `names ${path}, which cannot be read`);
  }
}
