// A chain in memory that answers the JSON-RPC calls of the verifier by running what it is sent: an interpreter of the instructions of the Ethereum
// virtual machine that such programs use, over accounts that are functions speaking the real ABI.
import { concat, equal, fromHex, toHex, toUtf8 } from "@coterie/base";
import { type CryptoProvider, ethereumAddress } from "@coterie/crypto";
import type { RpcFetch } from "../src/json-rpc.ts";

/** What a contract does with a call: its answer, or undefined for a revert. */
type Contract = (call: Uint8Array, chain: State) => Uint8Array | undefined;

interface State {
  readonly contracts: Map<string, Contract>;
}

export interface ChainDouble {
  /** Puts a contract there in a new block; earlier blocks do not have it. */
  deploy(address: string, contract: Contract): bigint;
  readonly latest: bigint;
  /** What was asked, in order. */
  readonly asked: { readonly method: string; readonly params: readonly unknown[] }[];
  /** Answers in place of the chain where it gives something: a body, a status, or an error. */
  interfere?: ((method: string) => Interference | undefined) | undefined;
  readonly fetch: RpcFetch;
}

export type Interference =
  | { readonly body: string | Uint8Array; readonly status?: number }
  | { readonly result: unknown }
  | { readonly error: unknown }
  | "hang"
  | "refuse";

export function createChain(chainId: bigint): ChainDouble {
  const blocks: State[] = [{ contracts: new Map() }];
  const first = 1_000_000n;
  const double: ChainDouble = {
    deploy(address, contract) {
      const contracts = new Map(blocks.at(-1)?.contracts);
      contracts.set(address, contract);
      blocks.push({ contracts });
      return double.latest;
    },
    get latest() {
      return first + BigInt(blocks.length - 1);
    },
    asked: [],
    interfere: undefined,
    async fetch(_url, { body, signal }) {
      const { id, method, params } = JSON.parse(body) as {
        id: number;
        method: string;
        params: unknown[];
      };
      double.asked.push({ method, params });
      const said = double.interfere?.(method);
      if (said === "refuse")
        throw new Error("connect ECONNREFUSED to https://chain.example/secret");
      if (said === "hang") return new Promise(() => signal.aborted);
      if (said && "body" in said) return respond(said.body, said.status);
      if (said) return respond(JSON.stringify({ jsonrpc: "2.0", id, ...said }));
      return respond(JSON.stringify({ jsonrpc: "2.0", id, ...answer(method, params) }));
    },
  };

  function answer(method: string, params: unknown[]): object {
    if (method === "eth_chainId") return { result: `0x${chainId.toString(16)}` };
    if (method === "eth_blockNumber") return { result: `0x${double.latest.toString(16)}` };
    const [{ data, to }, block] = params as [{ data: string; to?: string }, string];
    const state = blocks[Number(BigInt(block) - first)];
    if (method !== "eth_call" || to !== undefined) return { error: { code: -32_601 } };
    if (state === undefined) return { error: { code: -32_000, message: "header not found" } };
    // Whatever the program changes is gone with the copy.
    const result = run(fromHex(data.slice(2)), { contracts: new Map(state.contracts) });
    return result === undefined
      ? { error: { code: 3, message: "execution reverted" } }
      : { result: `0x${toHex(result)}` };
  }
  return double;
}

async function respond(body: string | Uint8Array, status = 200): ReturnType<RpcFetch> {
  const bytes = typeof body === "string" ? toUtf8(body) : body;
  return {
    status,
    body: new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += 1000)
          controller.enqueue(bytes.slice(at, at + 1000));
        controller.close();
      },
    }),
  };
}

/** Runs a program as a deployment would; undefined where it reverts. Throws at an instruction that it does not know. */
function run(code: Uint8Array, state: State): Uint8Array | undefined {
  const stack: bigint[] = [];
  const memory = new Uint8Array(65_536);
  let returned = new Uint8Array(0);
  const pop = (): bigint => {
    const value = stack.pop();
    if (value === undefined) throw new Error("stack underflow");
    return value;
  };
  const number = (): number => Number(pop());
  const bool = (value: boolean): void => void stack.push(value ? 1n : 0n);
  const addressOf = (value: bigint): string =>
    `0x${BigInt.asUintN(160, value).toString(16).padStart(40, "0")}`;
  const call = (withValue: boolean): void => {
    pop(); // gas
    const to = addressOf(pop());
    if (withValue && pop() !== 0n) throw new Error("no value is ever sent");
    const [from, length, into, room] = [number(), number(), number(), number()];
    const contract = state.contracts.get(to);
    const answered = contract
      ? contract(memory.slice(from, from + length), state)
      : new Uint8Array(0);
    returned = (answered ?? new Uint8Array(0)) as Uint8Array<ArrayBuffer>;
    memory.set(returned.subarray(0, room), into);
    bool(answered !== undefined);
  };
  const jump = (to: number): number => {
    if (code[to] !== 0x5b) throw new Error(`no place to jump to at ${to}`);
    return to;
  };
  for (let at = 0; ; at++) {
    const op = code[at] ?? 0;
    if (op >= 0x60 && op <= 0x7f) {
      const length = op - 0x5f;
      stack.push(BigInt(`0x${toHex(code.subarray(at + 1, at + 1 + length))}`));
      at += length;
      continue;
    }
    switch (op) {
      case 0x11:
        bool(pop() > pop());
        break;
      case 0x14:
        bool(pop() === pop());
        break;
      case 0x15:
        bool(pop() === 0n);
        break;
      case 0x16:
        stack.push(pop() & pop());
        break;
      case 0x39: {
        const [into, from, length] = [number(), number(), number()];
        memory.set(code.subarray(from, from + length), into);
        break;
      }
      case 0x3b:
        bool(state.contracts.has(addressOf(pop())));
        break;
      case 0x3d:
        stack.push(BigInt(returned.length));
        break;
      case 0x51: {
        const from = number();
        stack.push(BigInt(`0x${toHex(memory.subarray(from, from + 32))}`));
        break;
      }
      case 0x53: {
        const into = number();
        memory[into] = Number(BigInt.asUintN(8, pop()));
        break;
      }
      case 0x56:
        at = jump(number());
        break;
      case 0x57: {
        const to = number();
        if (pop() !== 0n) at = jump(to);
        break;
      }
      case 0x5a:
        stack.push(30_000_000n);
        break;
      case 0x5b:
        break;
      case 0xf1:
        call(true);
        break;
      case 0xf3: {
        const [from, length] = [number(), number()];
        return memory.slice(from, from + length);
      }
      case 0xfa:
        call(false);
        break;
      default:
        throw new Error(`unknown instruction ${op.toString(16)}`);
    }
  }
}

const yes = concat(fromHex("1626ba7e"), new Uint8Array(28));

/** A wallet of ERC-1271 that agrees to what its owner's key signed. */
export function walletContract(crypto: CryptoProvider, owner: string): Contract {
  return (call) => {
    if (toHex(call.subarray(0, 4)) !== "1626ba7e") return undefined;
    const view = new DataView(call.buffer, call.byteOffset + 4);
    const hash = call.slice(4, 36);
    const offset = view.getUint32(32 + 28);
    const length = view.getUint32(offset + 28);
    const signature = call.slice(4 + offset + 32, 4 + offset + 32 + length);
    if (signature.length !== 65) return undefined;
    const recovery = signature[64] === 27 ? 0 : 1;
    const key = crypto.secp256k1Recover(hash, signature.subarray(0, 64), recovery);
    return key && ethereumAddress(crypto, key) === owner
      ? yes
      : concat(fromHex("ffffffff"), new Uint8Array(28));
  };
}

/** A factory: whatever it is called with but `call` reverts; `call` deploys. */
export function factoryContract(call: Uint8Array, address: string, contract: Contract): Contract {
  return (asked, state) => {
    if (!equal(asked, call)) return undefined;
    state.contracts.set(address, contract);
    return new Uint8Array(32);
  };
}

/** A contract that always gives the same answer. */
export const answering =
  (bytes: Uint8Array): Contract =>
  () =>
    bytes;
export const agreeing: Contract = answering(yes);
export const reverting: Contract = () => undefined;
