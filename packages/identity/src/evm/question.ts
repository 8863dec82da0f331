import { concat } from "@coterie/base";
import { encodeIsValidSignature, isValidSignatureSelector, isWrapped, unwrap } from "./abi.ts";
import { assembleEvm, evm } from "./assembler.ts";
import type { Piece } from "./assembler.ts";

/** What a chain answers, as the one byte that the program returns. */
export const answers = { no: 0, yes: 1, noContract: 2 } as const;

/** Longer ones would not fit into a program that is deployed (EIP-3860), and no wallet makes them. */
const maxSignatureBytes = 16_384;

/**
 * A program for an `eth_call` without a recipient that asks a wallet for its verdict (XID-12): ERC-1271 where a contract is there, after the
 * deployment that the signature carries where it is not (ERC-6492). Nothing of it stays on the chain. Undefined where the signature cannot
 * be a valid one.
 */
export function questionFor(
  wallet: Uint8Array,
  hash: Uint8Array,
  signature: Uint8Array,
): Uint8Array | undefined {
  if (signature.length > maxSignatureBytes) return undefined;
  if (!isWrapped(signature)) return plain(wallet, encodeIsValidSignature(hash, signature));
  const parts = unwrap(signature);
  return (
    parts &&
    wrapped(wallet, encodeIsValidSignature(hash, parts.signature), {
      factory: parts.factory,
      call: parts.factoryCall,
    })
  );
}

const answerWord = concat(isValidSignatureSelector, new Uint8Array(28));

function plain(wallet: Uint8Array, call: Uint8Array): Uint8Array {
  const pieces: Piece[] = [
    ...copyIn(call.length),
    ...unlessDeployed(wallet, "no contract"),
    ...ask(wallet, call.length),
    ...goTo("answer"),
    { mark: "no contract" },
    evm.push(answers.noContract),
    ...reply,
  ];
  return assembleEvm(pieces, call);
}

function wrapped(
  wallet: Uint8Array,
  call: Uint8Array,
  deployment: { readonly factory: Uint8Array; readonly call: Uint8Array },
): Uint8Array {
  const pieces: Piece[] = [
    ...copyIn(call.length + deployment.call.length),
    ...unlessDeployed(wallet, "deploy"),
    ...ask(wallet, call.length),
    ...goTo("yes", "if"),
    // A wallet that is there and says no may still have to be brought up to date by the same call.
    { mark: "deploy" },
    evm.push(0),
    evm.push(0),
    evm.push(deployment.call.length),
    evm.push(call.length),
    evm.push(0),
    evm.pushBytes(deployment.factory),
    evm.gas,
    evm.call,
    evm.isZero,
    ...goTo("no", "if"),
    ...ask(wallet, call.length),
    ...goTo("answer"),
    { mark: "yes" },
    evm.push(answers.yes),
    ...goTo("answer"),
    { mark: "no" },
    evm.push(answers.no),
    ...reply,
  ];
  return assembleEvm(pieces, concat(call, deployment.call));
}

/** The data behind the program, to the beginning of the memory. */
function copyIn(length: number): readonly Piece[] {
  return [evm.push(length), { place: "data" }, evm.push(0), evm.codeCopy];
}

function unlessDeployed(wallet: Uint8Array, label: string): readonly Piece[] {
  return [evm.pushBytes(wallet), evm.extCodeSize, evm.isZero, ...goTo(label, "if")];
}

/** Leaves 1 where the wallet says yes in a whole word, else 0. Its answer lies behind everything that was copied in. */
function ask(wallet: Uint8Array, length: number): readonly Piece[] {
  return [
    evm.push(32),
    evm.push(answerAt),
    evm.push(length),
    evm.push(0),
    evm.pushBytes(wallet),
    evm.gas,
    evm.staticCall,
    evm.push(31),
    evm.returnDataSize,
    evm.gt,
    evm.and,
    evm.push(answerAt),
    evm.mload,
    evm.pushBytes(answerWord),
    evm.eq,
    evm.and,
  ];
}

const answerAt = 40_000;

function goTo(label: string, when?: "if"): readonly Piece[] {
  return [{ place: label }, when === "if" ? evm.jumpIf : evm.jump];
}

/** Returns the number on the stack as one byte. */
const reply: readonly Piece[] = [
  { mark: "answer" },
  evm.push(0),
  evm.mstore8,
  evm.push(1),
  evm.push(0),
  evm.return,
];
