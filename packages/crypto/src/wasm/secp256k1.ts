import { invariant } from "@coterie/base";
import type { Engine } from "../engine.ts";

type Secp256k1 = Pick<Engine, "secp256k1PublicKey" | "secp256k1Sign" | "secp256k1Recover">;

let loading: Promise<Secp256k1 | undefined> | undefined;

/**
 * libsecp256k1 in WebAssembly, once per process: recovers a wallet's key about twelve times as fast as noble. Undefined where the platform
 * cannot or may not compile WebAssembly; callers then stay with noble, which gives the same answers.
 */
export function loadSecp256k1(): Promise<Secp256k1 | undefined> {
  loading ??= instantiate().catch(() => undefined);
  return loading;
}

async function instantiate(): Promise<Secp256k1> {
  // The package's front door would instantiate five modules and read a virtual machine for Bitcoin.
  const { CompressionFlag, ContextFlag, instantiateSecp256k1Wasm } =
    await import("@bitauth/libauth/build/lib/bin/secp256k1/secp256k1-wasm.js");
  const wasm = await instantiateSecp256k1Wasm();
  const context = wasm.contextCreate(ContextFlag.BOTH);
  const secretAt = wasm.malloc(32);
  const digestAt = wasm.malloc(32);
  const compactAt = wasm.malloc(64);
  const recoverableAt = wasm.malloc(65);
  const keyAt = wasm.malloc(64);
  const serialisedAt = wasm.malloc(65);
  const numberAt = wasm.malloc(4);

  const write = (bytes: Uint8Array, at: number): void => wasm.heapU8.set(bytes, at);
  const read = (at: number, length: number): Uint8Array => wasm.heapU8.slice(at, at + length);
  const serialise = (): Uint8Array => {
    wasm.heapU32[numberAt >> 2] = 65;
    wasm.pubkeySerialize(context, serialisedAt, numberAt, keyAt, CompressionFlag.UNCOMPRESSED);
    return read(serialisedAt, 65);
  };
  const withSecret = (secret: Uint8Array, use: () => number): void => {
    write(secret, secretAt);
    const done = use();
    wasm.heapU8.fill(0, secretAt, secretAt + 32);
    invariant(done === 1, "libsecp256k1 refuses no key whose range was checked");
  };

  return {
    secp256k1PublicKey(privateKey) {
      withSecret(privateKey, () => wasm.pubkeyCreate(context, keyAt, secretAt));
      return serialise();
    },
    secp256k1Sign(privateKey, digest) {
      write(digest, digestAt);
      withSecret(privateKey, () =>
        wasm.signRecoverable(context, recoverableAt, digestAt, secretAt),
      );
      wasm.recoverableSignatureSerialize(context, compactAt, numberAt, recoverableAt);
      return { compact: read(compactAt, 64), recovery: wasm.heapU32[numberAt >> 2] as number };
    },
    secp256k1Recover(digest, signature, recovery) {
      write(digest, digestAt);
      write(signature, compactAt);
      const found =
        wasm.recoverableSignatureParse(context, recoverableAt, compactAt, recovery) === 1 &&
        wasm.recover(context, keyAt, recoverableAt, digestAt) === 1;
      return found ? serialise() : undefined;
    },
  };
}
