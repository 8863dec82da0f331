import { generateKeyPairSync, sign, X509Certificate } from "node:crypto";

/** A fresh key and a certificate that it signs for itself, valid for `localhost` and 127.0.0.1. */
export function selfSigned(): { readonly key: string; readonly cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));
  const name = sequence(tlv(0x31, sequence(oid("550403"), tlv(0x0c, Buffer.from("localhost")))));
  const names = sequence(
    tlv(0x82, Buffer.from("localhost")),
    tlv(0x87, Buffer.from([127, 0, 0, 1])),
  );
  const extensions = sequence(
    sequence(oid("551d11"), tlv(0x04, names)),
    sequence(oid("551d13"), tlv(0x04, sequence(tlv(0x01, Buffer.of(0xff))))),
  );
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.of(2))),
    tlv(0x02, Buffer.of(1)),
    ecdsaWithSha256,
    name,
    sequence(tlv(0x17, Buffer.from("250101000000Z")), tlv(0x17, Buffer.from("491231235959Z"))),
    name,
    publicKey.export({ format: "der", type: "spki" }),
    tlv(0xa3, extensions),
  );
  const signature = tlv(0x03, Buffer.of(0), sign("sha256", body, privateKey));
  const certificate = new X509Certificate(sequence(body, ecdsaWithSha256, signature));
  return {
    key: privateKey.export({ format: "pem", type: "pkcs8" }) as string,
    cert: certificate.toString(),
  };
}

function tlv(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  const { length } = value;
  const head =
    length < 128
      ? [tag, length]
      : length < 256
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), value]);
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tlv(0x30, ...parts);
}

function oid(hex: string): Buffer {
  return tlv(0x06, Buffer.from(hex, "hex"));
}
