// PEM and RSA at once, on Node.js.
import { constants, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import type { JsonWebKey } from "node:crypto";
import { hashBytes } from "./algorithms.ts";
import type { Jwk, RsaAlgorithm } from "./algorithms.ts";
import type { JwtEngine } from "./engine.ts";

export type { JwtEngine } from "./engine.ts";

export const nodeJwtEngine: JwtEngine = {
  jwkOfPem(pem, half) {
    const label = half === "public" ? "PUBLIC KEY" : "PRIVATE KEY";
    if (!pem.includes(`-----BEGIN ${label}-----`)) throw new TypeError("another kind of PEM");
    const key = half === "public" ? createPublicKey(pem) : createPrivateKey(pem);
    return key.export({ format: "jwk" }) as Jwk;
  },
  rsaVerify: (jwk, algorithm, data, signature) =>
    verify(
      hashOf(algorithm),
      data,
      { key: createPublicKey({ key: jwk as JsonWebKey, format: "jwk" }), ...use(algorithm) },
      signature,
    ),
  rsaSign: (jwk, algorithm, data) =>
    Uint8Array.from(
      sign(hashOf(algorithm), data, {
        key: createPrivateKey({ key: jwk as JsonWebKey, format: "jwk" }),
        ...use(algorithm),
      }),
    ),
};

function hashOf(algorithm: RsaAlgorithm): string {
  return `sha${algorithm.slice(2)}`;
}

/** RFC 7518 sections 3.3 and 3.5. */
function use(algorithm: RsaAlgorithm): { padding: number; saltLength?: number } {
  return algorithm.startsWith("PS")
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: hashBytes(algorithm) }
    : { padding: constants.RSA_PKCS1_PADDING };
}
