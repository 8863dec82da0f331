// A certificate authority for a day, and what it signs. Released peers want a chain: they take no certificate that signs itself.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** PEM of an authority, a server's certificate for 127.0.0.1 and localhost, and a client's. */
export function makeCertificates(folder) {
  const at = (name) => join(folder, name);
  const read = (name) => readFileSync(at(name), "utf8");
  const openssl = (...args) =>
    execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  const key = (name) =>
    openssl(
      "genpkey",
      "-algorithm",
      "EC",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-out",
      at(`${name}.key`),
    );
  key("ca");
  openssl(
    "req",
    "-x509",
    "-new",
    "-key",
    at("ca.key"),
    "-subj",
    "/CN=interop",
    "-days",
    "1",
    "-out",
    at("ca.pem"),
  );
  const sign = (name, extensions) => {
    key(name);
    writeFileSync(at(`${name}.ext`), `basicConstraints=CA:FALSE\n${extensions}\n`);
    openssl(
      "req",
      "-new",
      "-key",
      at(`${name}.key`),
      "-subj",
      `/CN=${name}`,
      "-out",
      at(`${name}.csr`),
    );
    openssl(
      ...["x509", "-req", "-in", at(`${name}.csr`), "-CA", at("ca.pem"), "-CAkey", at("ca.key")],
      ...[
        "-CAcreateserial",
        "-days",
        "1",
        "-extfile",
        at(`${name}.ext`),
        "-out",
        at(`${name}.pem`),
      ],
    );
    return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
  };
  return {
    server: sign(
      "server",
      "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth",
    ),
    client: sign("client", "extendedKeyUsage=clientAuth"),
    ca: read("ca.pem"),
  };
}
