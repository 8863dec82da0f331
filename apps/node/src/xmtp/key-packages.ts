import { cipherSuites } from "@coterie/crypto";
import { parseCredential } from "@coterie/identity";
import { decodeKeyPackage, verifyKeyPackage } from "@coterie/mls";
import {
  FetchKeyPackagesRequest,
  FetchKeyPackagesResponse,
  UploadKeyPackageRequest,
} from "@coterie/wire";
import { invalid, tooLarge } from "../errors.ts";
import type { NodeEnv } from "./env.ts";
import { gather } from "./gather.ts";

const empty = new Uint8Array();
/** XGC-01. */
const cipherSuite = cipherSuites.get(3);

/** XND-30, XKP-11. The installation need not be known: registration uploads first (XID-41). */
export async function uploadKeyPackage(env: NodeEnv, request: Uint8Array): Promise<Uint8Array> {
  const bytes = UploadKeyPackageRequest.decode(request).keyPackage?.keyPackageTlsSerialized;
  if (bytes === undefined || bytes.length === 0) throw invalid("XND-30", "no key package");
  const limit = env.limits.keyPackageBytes;
  if (bytes.length > limit) throw tooLarge("key-package", limit, bytes.length);
  const keyPackage = decodeKeyPackage(bytes);
  verifyKeyPackage({
    crypto: env.crypto,
    keyPackage,
    cipherSuite,
    nowSeconds: env.clock.nowNs() / 1_000_000_000n,
  });
  const { credential, signatureKey } = keyPackage.leafNode;
  if (credential.kind !== "basic") throw invalid("XKP-11", "a credential that is not basic");
  parseCredential(credential.identity);
  await env.log.putKeyPackage(signatureKey, bytes);
  return empty;
}

/** XND-31: one entry per key asked, in order; empty where none is known. */
export async function fetchKeyPackages(env: NodeEnv, request: Uint8Array): Promise<Uint8Array> {
  const { installationKeys } = FetchKeyPackagesRequest.decode(request);
  const found = await gather({
    keys: installationKeys,
    limits: env.limits,
    read: (some) => env.log.keyPackages(some),
    sizeOf: (keyPackage) => 8 + (keyPackage?.length ?? 0),
  });
  return FetchKeyPackagesResponse.encode({
    keyPackages: found.map((keyPackage) => ({ keyPackageTlsSerialized: keyPackage ?? empty })),
  });
}
