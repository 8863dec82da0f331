import { randomBytes } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { Client, createBackend, IdentifierKind, LogLevel } from "@xmtp/node-sdk";

/** An Ethereum wallet that lives in this process. */
export function wallet(secret = randomBytes(32)) {
  const publicKey = secp256k1.getPublicKey(secret, false);
  const address = `0x${Buffer.from(keccak_256(publicKey.subarray(1)).subarray(12)).toString("hex")}`;
  const identifier = { identifier: address, identifierKind: IdentifierKind.Ethereum };
  const signMessage = (text) => {
    const body = Buffer.from(text, "utf8");
    const digest = keccak_256(
      Buffer.concat([Buffer.from(`\x19Ethereum Signed Message:\n${body.length}`), body]),
    );
    const signature = secp256k1.sign(digest, secret, { prehash: false, format: "recovered" });
    return Uint8Array.from([...signature.subarray(1), 27 + signature[0]]);
  };
  return {
    address,
    identifier,
    signer: { type: "EOA", getIdentifier: () => identifier, signMessage },
  };
}

/** What every SDK client gets: our node, no log lines, no history server, and no device sync unless a check asks for it. */
export async function sdkOptions(node, more = {}) {
  return {
    backend: await createBackend({ env: "local", apiUrl: node.url }),
    dbPath: null,
    historySyncUrl: null,
    disableDeviceSync: true,
    loggingLevel: LogLevel.Off,
    ...more,
  };
}

/** An unmodified client of the released SDK: one installation of the wallet's inbox. */
export async function sdkClient(node, who = wallet(), more = {}) {
  const client = await Client.create(who.signer, await sdkOptions(node, more));
  client.wallet = who;
  return client;
}
