// Run by soak.test.ts in a process of its own, so that a deadlock ends in a timeout instead of a hanging test run.
import { createOpensslProvider } from "@coterie/crypto/openssl";

const message = new Uint8Array(16);
let generated = 0;
for (let round = 0; round < 100; round++) {
  // A cache of one key makes nearly every import garbage at once.
  const crypto = createOpensslProvider({ cachedKeys: 1 });
  for (const name of ["x25519", "x448", "p256"]) {
    const a = crypto.generateDh(name);
    const garbage = Array.from({ length: 50 }, (_, i) => ({ text: `${name}${i}`.repeat(20) }));
    if (round % 2 === 0) globalThis.gc();
    const b = crypto.generateDh(name);
    const one = crypto.dh(name, a.privateKey, b.publicKey);
    const two = crypto.dh(name, b.privateKey, a.publicKey);
    if (one.some((byte, i) => byte !== two[i]) || garbage.length !== 50) throw new Error(name);
    const three = crypto.dhEphemeral(name, a.publicKey);
    const four = crypto.dh(name, a.privateKey, three.publicKey);
    if (three.shared.some((byte, i) => byte !== four[i])) throw new Error(name);
    generated += 3;
  }
  const { privateKey, publicKey } = crypto.generateSigner("ed25519");
  if (round % 5 === 0) globalThis.gc({ type: "minor" });
  if (!crypto.verify("ed25519", publicKey, message, crypto.sign("ed25519", privateKey, message))) {
    throw new Error("ed25519");
  }
}
console.log(`generated ${generated}`);
