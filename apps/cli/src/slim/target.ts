import { readFileSync } from "node:fs";
import type { ClientTls } from "@coterie/transport/h2";
import { CliError } from "../errors.ts";
import { parseDuration } from "./duration.ts";
import type { Settings } from "./settings.ts";

/** Where the three kinds of servers answer when nobody says otherwise (specification 1). */
export const defaultEndpoints = {
  node: "127.0.0.1:46358",
  controller: "127.0.0.1:50051",
  channelManager: "127.0.0.1:10356",
} as const;

/** What is typed of the options that all trees share; the keys are commander's. */
export interface OperatorFlags {
  readonly config?: string | undefined;
  readonly basicAuthCreds?: string | undefined;
  readonly server?: string | undefined;
  readonly timeout?: string | undefined;
  readonly "tls.insecure_skip_verify"?: boolean | undefined;
  readonly "tls.ca_file"?: string | undefined;
  readonly "tls.cert_file"?: string | undefined;
  readonly "tls.key_file"?: string | undefined;
}

/** Where a call goes, and how. */
export interface Target {
  readonly url: string;
  readonly timeoutMs: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tls: ClientTls | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The typed options, filled up from the environment (SLIMCTL_COMMON_OPTS_…). */
export function withEnvironment(flags: OperatorFlags, env: Environment): OperatorFlags {
  const of = (name: string): string | undefined => env[`SLIMCTL_COMMON_OPTS_${name}`] || undefined;
  return {
    config: flags.config ?? (env["SLIMCTL_CONFIG"] || undefined),
    basicAuthCreds: flags.basicAuthCreds ?? of("BASIC_AUTH_CREDS"),
    server: flags.server ?? of("SERVER"),
    timeout: flags.timeout ?? of("TIMEOUT"),
    "tls.insecure_skip_verify":
      flags["tls.insecure_skip_verify"] ??
      ["true", "1"].includes(of("TLS_INSECURE_SKIP_VERIFY") ?? ""),
    "tls.ca_file": flags["tls.ca_file"] ?? of("TLS_CA_FILE"),
    "tls.cert_file": flags["tls.cert_file"] ?? of("TLS_CERT_FILE"),
    "tls.key_file": flags["tls.key_file"] ?? of("TLS_KEY_FILE"),
  };
}

/** SND-08: options before environment before file before defaults. Throws `cli/bad-argument`. */
export function resolveTarget(
  flags: OperatorFlags,
  settings: Settings,
  defaultEndpoint: string,
): Target {
  const certFile = flags["tls.cert_file"] ?? settings.tls?.certFile;
  const keyFile = flags["tls.key_file"] ?? settings.tls?.keyFile;
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw bad("tls.cert_file and tls.key_file belong together");
  }
  const caFile = flags["tls.ca_file"] ?? settings.tls?.caFile;
  const skipVerify =
    flags["tls.insecure_skip_verify"] || settings.tls?.insecureSkipVerify || undefined;
  const wantsTls =
    caFile !== undefined || certFile !== undefined || skipVerify === true || !!settings.tls?.on;
  const endpoint = flags.server ?? settings.endpoint ?? defaultEndpoint;
  const url = endpoint.includes("://") ? endpoint : `${wantsTls ? "https" : "http"}://${endpoint}`;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw bad(`server must be HOST:PORT, not '${endpoint}'`);
  }
  const credentials = flags.basicAuthCreds ?? settings.basicAuth;
  if (credentials !== undefined && !credentials.includes(":")) {
    throw bad("basic-auth-creds must be 'username:password'");
  }
  return {
    url,
    timeoutMs:
      flags.timeout === undefined ? (settings.timeoutMs ?? 15_000) : parseDuration(flags.timeout),
    metadata:
      credentials === undefined
        ? {}
        : { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` },
    tls: url.startsWith("https:")
      ? {
          ca: caFile === undefined ? undefined : readFile(caFile),
          cert: certFile === undefined ? undefined : readFile(certFile),
          key: keyFile === undefined ? undefined : readFile(keyFile),
          insecureSkipVerify: skipVerify,
        }
      : undefined,
  };
}

function readFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new CliError("cli/bad-argument", `${path} cannot be read`, { cause });
  }
}

function bad(words: string): CliError {
  return new CliError("cli/bad-argument", words);
}
