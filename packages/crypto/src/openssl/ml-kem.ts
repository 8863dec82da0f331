import type { Engine } from "../engine.ts";
import { nobleEngine } from "../noble/engine.ts";
import type { KeyStore } from "./keys.ts";
import { fromBase64Url, nodeCrypto, plain } from "./node-crypto.ts";

type MlKem = Pick<Engine, "mlKem768PublicKey" | "mlKem768Encapsulate" | "mlKem768Decapsulate">;

/** ML-KEM-768 of OpenSSL where this Node has it, else noble's, which takes about five times as long. */
export function opensslMlKem(keys: KeyStore): MlKem {
  return hasMlKem() ? nativeMlKem(keys) : nobleMlKem;
}

/** ML-KEM came with Node 24.7 on OpenSSL 3.5; the same Node may also be built on an older OpenSSL. */
function hasMlKem(): boolean {
  const [major = 0, minor = 0] = process.versions.openssl.split(".").map(Number);
  return typeof nodeCrypto.encapsulate === "function" && (major > 3 || (major === 3 && minor >= 5));
}

const nobleMlKem: MlKem = {
  mlKem768PublicKey: nobleEngine.mlKem768PublicKey,
  mlKem768Encapsulate: nobleEngine.mlKem768Encapsulate,
  mlKem768Decapsulate: nobleEngine.mlKem768Decapsulate,
};

function nativeMlKem(keys: KeyStore): MlKem {
  return {
    mlKem768PublicKey: (seed) =>
      fromBase64Url((keys.mlKem(seed).export({ format: "jwk" }) as { pub: string }).pub),
    mlKem768Encapsulate(publicKey) {
      const key = keys.mlKemPublic(publicKey);
      if (key === undefined) return undefined;
      const { ciphertext, sharedKey } = nodeCrypto.encapsulate(key);
      return { ciphertext: plain(ciphertext), sharedSecret: plain(sharedKey) };
    },
    mlKem768Decapsulate: (seed, ciphertext) =>
      plain(nodeCrypto.decapsulate(keys.mlKem(seed), ciphertext)),
  };
}
