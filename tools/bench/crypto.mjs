// node tools/bench/crypto.mjs [--json]    after a build of packages/crypto
//
// Medians of each primitive on both providers, in microseconds, and of the ways that the OpenSSL provider chooses between. The two or more
// ways of a row take turns in short rounds, so that a busy machine slows all of them alike: read the ratios first.
import nodeCrypto from "node:crypto";
import {
  hpkeOpen,
  hpkeSeal,
  cipherSuites,
  xWingHpkeSuite,
} from "../../packages/crypto/dist/index.js";
import { nobleProvider } from "../../packages/crypto/dist/noble.js";
import { loadOpensslProvider } from "../../packages/crypto/dist/openssl.js";
import { loadWasmProvider } from "../../packages/crypto/dist/wasm.js";

const rounds = 15;
const roundNs = 4_000_000n;
const openssl = await loadOpensslProvider();
const wasm = await loadWasmProvider();
const none = new Uint8Array(0);
const zeros = (length) => new Uint8Array(length);
const b64 = (bytes) => Buffer.from(bytes).toString("base64url");

/** Median microseconds of each way, by name. */
function measure(ways) {
  const names = Object.keys(ways);
  const counts = {};
  const samples = {};
  for (const name of names) {
    const run = ways[name];
    // Warm up, and find how many calls fill a round.
    let count = 0;
    const end = process.hrtime.bigint() + 4n * roundNs;
    while (process.hrtime.bigint() < end) {
      run();
      count++;
    }
    counts[name] = Math.max(1, Math.round(count / 4));
    samples[name] = [];
  }
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const run = ways[name];
      const start = process.hrtime.bigint();
      for (let i = 0; i < counts[name]; i++) run();
      samples[name].push(Number(process.hrtime.bigint() - start) / counts[name] / 1000);
    }
  }
  return Object.fromEntries(
    names.map((name) => [name, samples[name].toSorted((a, b) => a - b)[rounds >> 1]]),
  );
}

/** A primitive on both providers. */
function compare(make) {
  return measure({ noble: make(nobleProvider), wasm: make(wasm), openssl: make(openssl) });
}

const key32 = nodeCrypto.randomBytes(32);
const key16 = key32.subarray(0, 16);
const nonce = nodeCrypto.randomBytes(12);
const aad = zeros(64);

function seal(cipher, key, plaintext) {
  const running = nodeCrypto.createCipheriv(cipher, key, nonce, { authTagLength: 16 });
  running.setAAD(aad);
  const body = running.update(plaintext);
  running.final();
  const out = zeros(plaintext.length + 16);
  out.set(body);
  out.set(running.getAuthTag(), plaintext.length);
  return out;
}

const providerRows = {
  "random 32": (c) => () => c.bytes(32),
  "sha256 64": (c) => () => c.hash("sha256", aad),
  "sha256 1024": (c) => {
    const data = zeros(1024);
    return () => c.hash("sha256", data);
  },
  "hmac-sha256 64": (c) => () => c.hmac("sha256", key32, aad),
  "hkdf-expand sha256 32": (c) => () => c.hkdfExpand("sha256", key32, aad, 32),
  "keccak256 64": (c) => () => c.keccak256(aad),
  "sha3-256 134": (c) => {
    const data = zeros(134);
    return () => c.sha3_256(data);
  },
  "shake256 32 to 96": (c) => () => c.shake256(key32, 96),
  "ed25519 generate": (c) => () => c.generateSigner("ed25519"),
  "ed25519 sign": (c) => () => c.sign("ed25519", key32, aad),
  "ed25519 verify, known key": (c) => {
    const key = c.signaturePublicKey("ed25519", key32);
    const signature = c.sign("ed25519", key32, aad);
    return () => c.verify("ed25519", key, aad, signature);
  },
  "ed25519ph sign": (c) => () => c.ed25519phSign(key32, aad, none),
  "ed25519ph verify": (c) => {
    const key = c.signaturePublicKey("ed25519", key32);
    const signature = c.ed25519phSign(key32, aad, none);
    return () => c.ed25519phVerify(key, aad, none, signature);
  },
  "ed25519ph verify, other keys": (c) => {
    const signed = Array.from({ length: 512 }, () => {
      const seed = openssl.bytes(32);
      const signature = openssl.ed25519phSign(seed, aad, none);
      return { key: openssl.signaturePublicKey("ed25519", seed), signature };
    });
    let next = 0;
    return () => {
      const { key, signature } = signed[next++ % signed.length];
      return c.ed25519phVerify(key, aad, none, signature);
    };
  },
  "x25519 generate": (c) => () => c.generateDh("x25519"),
  "x25519, known keys": (c) => {
    const { publicKey } = c.generateDh("x25519");
    return () => c.dh("x25519", key32, publicKey);
  },
  "p256 generate": (c) => () => c.generateDh("p256"),
  "p256 ecdh": (c) => {
    const { publicKey } = c.generateDh("p256");
    return () => c.dh("p256", key32, publicKey);
  },
  "p256 sign": (c) => () => c.sign("p256", key32, aad),
  "p256 verify, known key": (c) => {
    const key = c.signaturePublicKey("p256", key32);
    const signature = c.sign("p256", key32, aad);
    return () => c.verify("p256", key, aad, signature);
  },
  "secp256k1 sign": (c) => () => c.secp256k1Sign(key32, key32),
  "secp256k1 recover": (c) => {
    const signature = c.secp256k1Sign(key32, key32).subarray(0, 64);
    return () => c.secp256k1Recover(key32, signature, 0);
  },
  "ml-kem-768 encapsulate": (c) => {
    const key = c.mlKem768PublicKey(c.bytes(64));
    return () => c.mlKem768Encapsulate(key);
  },
  "ml-kem-768 decapsulate, known key": (c) => {
    const seed = c.bytes(64);
    const { ciphertext } = c.mlKem768Encapsulate(c.mlKem768PublicKey(seed));
    return () => c.mlKem768Decapsulate(seed, ciphertext);
  },
  ...Object.fromEntries(
    [
      ["hpke seal suite 2", cipherSuites.get(2)],
      ["hpke seal suite 3", cipherSuites.get(3)],
      ["hpke seal x-wing", xWingHpkeSuite],
    ].map(([name, suite]) => [
      name,
      (c) => {
        const dh = suite.dh ?? "x25519";
        const publicKey =
          suite === xWingHpkeSuite
            ? Buffer.concat([c.mlKem768PublicKey(c.bytes(64)), c.generateDh("x25519").publicKey])
            : c.generateDh(dh).publicKey;
        const message = { crypto: c, suite, publicKey, info: aad, aad: none, plaintext: key32 };
        return () => hpkeSeal(message);
      },
    ]),
  ),
  "hpke open suite 3, known key": (c) => {
    const suite = cipherSuites.get(3);
    const { publicKey, privateKey } = c.generateDh("x25519");
    const shared = { crypto: c, suite, info: aad, aad: none };
    const sealed = hpkeSeal({ ...shared, publicKey, plaintext: key32 });
    return () => hpkeOpen({ ...shared, ...sealed, privateKey, publicKey });
  },
};

for (const name of ["chacha20poly1305", "aes128gcm"]) {
  const key = name === "aes128gcm" ? key16 : key32;
  for (const size of [32, 200, 1000, 10_000]) {
    const data = zeros(size);
    providerRows[`${name} seal ${size}`] = (c) => () => c.aeadSeal(name, key, nonce, aad, data);
    const sealed = openssl.aeadSeal(name, key, nonce, aad, data);
    providerRows[`${name} open ${size}`] = (c) => () => c.aeadOpen(name, key, nonce, aad, sealed);
  }
}

const jwk = (crv, secret) => ({
  format: "jwk",
  key: { kty: "OKP", crv, d: b64(secret), x: "" },
});
const pkcs8 = Buffer.from("302e020100300506032b656e04220420", "hex");
const spki = Buffer.from("302a300506032b656e032100", "hex");
const pem = (half, base64) => `-----BEGIN ${half} KEY-----\n${base64}\n-----END ${half} KEY-----\n`;
const basePoint = zeros(32).fill(9, 0, 1);
const baseKey = nodeCrypto.createPublicKey({
  format: "jwk",
  key: { kty: "OKP", crv: "X25519", x: b64(basePoint) },
});
const raw = (() => {
  try {
    const options = { format: "raw-public", asymmetricKeyType: "x25519", key: basePoint };
    return nodeCrypto.createPublicKey(options) !== undefined;
  } catch {
    return false;
  }
})();

/** What the OpenSSL provider had to choose between; the first way of each row is the one it takes on Node 24. */
const choices = {
  "sha256 of 64": {
    "crypto.hash": () => nodeCrypto.hash("sha256", aad, "buffer"),
    createHash: () => nodeCrypto.createHash("sha256").update(aad).digest(),
    noble: () => nobleProvider.hash("sha256", aad),
  },
  "hmac-sha256 of 64": {
    "two crypto.hash": () => openssl.hmac("sha256", key32, aad),
    createHmac: () => nodeCrypto.createHmac("sha256", key32).update(aad).digest(),
    noble: () => nobleProvider.hmac("sha256", key32, aad),
  },
  "import of a public key": {
    pem: () =>
      nodeCrypto.createPublicKey(
        pem("PUBLIC", Buffer.concat([spki, nodeCrypto.randomBytes(32)]).toString("base64")),
      ),
    jwk: () =>
      nodeCrypto.createPublicKey({
        format: "jwk",
        key: { kty: "OKP", crv: "X25519", x: b64(nodeCrypto.randomBytes(32)) },
      }),
    der: () =>
      nodeCrypto.createPublicKey({
        format: "der",
        type: "spki",
        key: Buffer.concat([spki, nodeCrypto.randomBytes(32)]),
      }),
    ...(raw && {
      raw: () =>
        nodeCrypto.createPublicKey({
          format: "raw-public",
          asymmetricKeyType: "x25519",
          key: nodeCrypto.randomBytes(32),
        }),
    }),
  },
  "import of a private key": {
    pem: () =>
      nodeCrypto.createPrivateKey(
        pem("PRIVATE", Buffer.concat([pkcs8, nodeCrypto.randomBytes(32)]).toString("base64")),
      ),
    jwk: () => nodeCrypto.createPrivateKey(jwk("X25519", nodeCrypto.randomBytes(32))),
    der: () =>
      nodeCrypto.createPrivateKey({
        format: "der",
        type: "pkcs8",
        key: Buffer.concat([pkcs8, nodeCrypto.randomBytes(32)]),
      }),
    ...(raw && {
      raw: () =>
        nodeCrypto.createPrivateKey({
          format: "raw-private",
          asymmetricKeyType: "x25519",
          key: nodeCrypto.randomBytes(32),
        }),
    }),
  },
  "public half of a private key": {
    "export of the private key": (() => {
      const key = nodeCrypto.createPrivateKey(jwk("X25519", key32));
      return () => key.export({ format: "jwk" }).x;
    })(),
    "dh with the base point": (() => {
      const key = nodeCrypto.createPrivateKey(jwk("X25519", key32));
      return () => nodeCrypto.diffieHellman({ privateKey: key, publicKey: baseKey });
    })(),
  },
  "p256 ecdh, both keys known": (() => {
    const mine = nodeCrypto.createECDH("prime256v1");
    mine.generateKeys();
    const theirs = nodeCrypto.createECDH("prime256v1");
    const point = theirs.generateKeys();
    const toJwk = (ecdh) => {
      const bytes = ecdh.getPublicKey();
      const [x, y] = [b64(bytes.subarray(1, 33)), b64(bytes.subarray(33))];
      return { kty: "EC", crv: "P-256", x, y, d: b64(ecdh.getPrivateKey()) };
    };
    const privateKey = nodeCrypto.createPrivateKey({ format: "jwk", key: toJwk(mine) });
    const publicKey = nodeCrypto.createPublicKey({ format: "jwk", key: toJwk(theirs) });
    return {
      ECDH: () => mine.computeSecret(point),
      "key objects": () => nodeCrypto.diffieHellman({ privateKey, publicKey }),
      "key objects, public key new": () =>
        nodeCrypto.diffieHellman({
          privateKey,
          publicKey: nodeCrypto.createPublicKey({ format: "jwk", key: toJwk(theirs) }),
        }),
    };
  })(),
  ...Object.fromEntries(
    [0, 64, 200, 400, 600, 800, 1000, 1500, 2000, 4000].map((size) => {
      const data = zeros(size);
      const ways = {
        chosen: () => openssl.aeadSeal("chacha20poly1305", key32, nonce, aad, data),
        createCipheriv: () => seal("chacha20-poly1305", key32, data),
        noble: () => nobleProvider.aeadSeal("chacha20poly1305", key32, nonce, aad, data),
      };
      return [`chacha20poly1305 of ${size}`, ways];
    }),
  ),
  ...Object.fromEntries(
    [32, 200].map((size) => {
      const data = zeros(size);
      const ways = {
        createCipheriv: () => seal("aes-128-gcm", key16, data),
        noble: () => nobleProvider.aeadSeal("aes128gcm", key16, nonce, aad, data),
      };
      return [`aes128gcm of ${size}`, ways];
    }),
  ),
};

const result = {
  node: process.version,
  openssl: process.versions.openssl,
  providers: Object.fromEntries(
    Object.entries(providerRows).map(([name, make]) => {
      const row = compare(make);
      return [name, { ...row, ratio: row.noble / row.openssl }];
    }),
  ),
  choices: Object.fromEntries(Object.entries(choices).map(([name, ways]) => [name, measure(ways)])),
};

if (process.argv.includes("--json")) {
  console.log(JSON.stringify(result, undefined, 1));
} else {
  const number = (value) => value.toFixed(1).padStart(9);
  console.log(`Node ${result.node}, OpenSSL ${result.openssl}; median µs\n`);
  console.log(`${"".padEnd(36)}    noble     wasm  openssl    ratio`);
  for (const [name, row] of Object.entries(result.providers)) {
    const { noble, wasm: withWasm, openssl: native, ratio } = row;
    console.log(name.padEnd(36) + [noble, withWasm, native, ratio].map(number).join(""));
  }
  console.log("\nChoices of the OpenSSL provider, the way it takes first");
  for (const [name, ways] of Object.entries(result.choices)) {
    const parts = Object.entries(ways).map(([way, value]) => `${way} ${value.toFixed(1)}`);
    console.log(`${name.padEnd(32)}  ${parts.join("  ")}`);
  }
}
