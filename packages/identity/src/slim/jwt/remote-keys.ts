import type { Clock } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { badKey } from "./algorithms.ts";
import type { JwtEngine } from "./engine.ts";
import { fetchJson } from "./fetch-json.ts";
import type { JsonFetch } from "./fetch-json.ts";
import { pick, readKeySet } from "./key-source.ts";
import type { KeySource } from "./key-source.ts";
import { refreshedKeys } from "./refreshed-keys.ts";

export interface RemoteKeysOptions {
  /** Default: the platform's. */
  readonly fetch?: JsonFetch | undefined;
  /** How long a set serves without asking again; default 3600. Twice as long while its address does not answer. */
  readonly maxAgeSeconds?: number | undefined;
  /** Between two requests, whatever tokens ask for; default 30. */
  readonly cooldownSeconds?: number | undefined;
  /** For each request; default 5000. */
  readonly timeoutMs?: number | undefined;
}

interface Parts extends RemoteKeysOptions {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly engine?: JwtEngine | undefined;
}

/**
 * The key set at an address. It is fetched again when it is old, and when a token names a key that is not in it (a key was rotated), at most once
 * in each cooldown: strangers choose what tokens say.
 */
export function remoteKeySet(parts: Parts & { readonly url: string }): KeySource {
  const url = checkedUrl(parts.url);
  return refreshed(parts, (get) => get(url));
}

/**
 * The keys of issuers that describe themselves (OpenID Connect discovery: `/.well-known/openid-configuration`, else `/.well-known/jwks.json`).
 * Only of those listed: a token cannot make us ask an address of its choice.
 */
export function issuerKeys(parts: Parts & { readonly issuers: readonly string[] }): KeySource {
  const sources = new Map(
    parts.issuers.map((issuer) => [
      issuer,
      refreshed(parts, async (get) => get(await keysAddress(issuer, get))),
    ]),
  );
  return {
    get generation() {
      let sum = 0;
      for (const source of sources.values()) sum += source.generation;
      return sum;
    },
    isOld: (wanted) => sources.get(wanted.issuer ?? "")?.isOld(wanted) ?? false,
    find: (wanted) => sources.get(wanted.issuer ?? "")?.find(wanted) ?? [],
    load: (wanted) => sources.get(wanted.issuer ?? "")?.load(wanted),
  };
}

type Get = (url: string) => Promise<unknown>;

function refreshed(parts: Parts, read: (get: Get) => Promise<unknown>): KeySource {
  const get: Get = (url) => fetchJson(parts.fetch ?? fetch, url, parts.timeoutMs ?? 5000);
  return refreshedKeys(parts, async () => {
    const keys = readKeySet(parts.crypto, await read(get), parts.engine);
    return (wanted) => pick(keys, wanted);
  });
}

async function keysAddress(issuer: string, get: Get): Promise<string> {
  const base = checkedUrl(issuer).replace(/\/+$/, "");
  let described: { readonly issuer?: unknown; readonly jwks_uri?: unknown } | null | undefined;
  try {
    described = (await get(`${base}/.well-known/openid-configuration`)) as typeof described;
  } catch {
    return `${base}/.well-known/jwks.json`;
  }
  const named = described?.issuer;
  if (typeof named === "string" && named.replace(/\/+$/, "") !== base) throw badKey("issuer");
  if (typeof described?.jwks_uri !== "string") return `${base}/.well-known/jwks.json`;
  const url = checkedUrl(described.jwks_uri);
  if (new URL(url).origin !== new URL(base).origin) throw badKey("issuer");
  return url;
}

/** Over TLS, or on this machine: who can change the answer can be anybody. */
function checkedUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw badKey("url");
  }
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && local)) throw badKey("url");
  return text;
}
