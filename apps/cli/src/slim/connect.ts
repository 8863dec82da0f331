import {
  CaSource,
  ClientAuthenticationConfig,
  SessionError,
  TlsClientConfig,
  TlsSource,
  newInsecureClientConfig,
} from "@coterie/session";
import type { ClientConfig } from "@coterie/session";
import type { Service } from "@coterie/session/node";
import { CliError } from "../errors.ts";
import { parseDuration } from "./duration.ts";
import type { OperatorFlags } from "./target.ts";

/** Where a data plane is expected when nobody says otherwise (specification 1). */
const defaultNode = "http://127.0.0.1:46357";

/** How an app of the terminal reaches its node: `--server` is the node then, and TLS and credentials are those of the other commands. */
export function nodeConfig(
  flags: OperatorFlags,
  env: Readonly<Record<string, string | undefined>>,
): ClientConfig {
  const given = flags.server ?? (env["COTERIE_SLIM_NODE"] || defaultNode);
  const files = [flags["tls.ca_file"], flags["tls.cert_file"], flags["tls.key_file"]] as const;
  const [ca, cert, key] = files;
  if ((cert === undefined) !== (key === undefined)) {
    throw new CliError("cli/bad-argument", "tls.cert_file and tls.key_file belong together");
  }
  const wantsTls = files.some(Boolean) || flags["tls.insecure_skip_verify"] === true;
  const endpoint = given.includes("://") ? given : `${wantsTls ? "https" : "http"}://${given}`;
  const config = newInsecureClientConfig(endpoint);
  if (/^(https|wss):/.test(endpoint)) {
    config.tls = TlsClientConfig.create({
      insecureSkipVerify: flags["tls.insecure_skip_verify"] === true,
      caSource: ca === undefined ? new CaSource.None() : new CaSource.File({ path: ca }),
      source:
        cert === undefined || key === undefined
          ? new TlsSource.None()
          : new TlsSource.File({ cert, key }),
    });
  }
  config.connectTimeout = parseDuration(flags.timeout ?? "15s");
  config.auth = credentialsOf(flags.basicAuthCreds);
  return config;
}

/** Throws `cli/no-answer` in words for whoever typed the address. */
export async function connectTo(service: Service, config: ClientConfig): Promise<bigint> {
  try {
    return await service.connect(config);
  } catch (cause) {
    const why = cause instanceof SessionError ? (cause.details["reason"] ?? cause.code) : cause;
    const words = `no answer from ${config.endpoint} (${String(why)})`;
    throw new CliError("cli/no-answer", words, { cause });
  }
}

function credentialsOf(credentials: string | undefined): ClientAuthenticationConfig | undefined {
  if (credentials === undefined) return undefined;
  const colon = credentials.indexOf(":");
  if (colon < 0) {
    throw new CliError("cli/bad-argument", "basic-auth-creds must be 'username:password'");
  }
  const username = credentials.slice(0, colon);
  const password = credentials.slice(colon + 1);
  return new ClientAuthenticationConfig.Basic({ config: { username, password } });
}
