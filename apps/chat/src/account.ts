import { fromUtf8, systemRandom, toHex, toUtf8, fromHex } from "@coterie/base";
import { keptKey, privateKeySigner } from "@coterie/client/browser";
import type { EoaSigner, PublicIdentifier, Signer } from "@coterie/client/browser";
import { openIndexedDbStore } from "@coterie/storage/indexeddb";

/** Who uses this page: a wallet that the page made and keeps sealed, or one of the browser's, of which only the address is kept. */
export type Account =
  | { readonly kind: "own"; readonly walletKey: string }
  | { readonly kind: "wallet"; readonly address: string };

const vault = "coterie-chat";
const accountKey = toUtf8("account");

/** Works on the vault and leaves it to other tabs at once. */
async function withVault<T>(
  work: (store: Awaited<ReturnType<typeof openIndexedDbStore>>) => Promise<T>,
): Promise<T> {
  const store = await openIndexedDbStore({ name: vault, key: await keptKey(vault), wait: true });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

export function loadAccount(): Promise<Account | undefined> {
  return withVault(async (store) => {
    const value = await store.get(accountKey);
    return value && (JSON.parse(fromUtf8(value)) as Account);
  });
}

export function saveAccount(account: Account): Promise<void> {
  return withVault((store) =>
    store.write([{ kind: "put", key: accountKey, value: toUtf8(JSON.stringify(account)) }]),
  );
}

export function createAccount(): Account {
  return { kind: "own", walletKey: toHex(systemRandom.bytes(32)) };
}

/** Who signs for the account; for a wallet of the browser's that is registered, its name is enough. */
export function signerOf(account: Account): Signer | PublicIdentifier {
  return account.kind === "own"
    ? privateKeySigner(fromHex(account.walletKey))
    : { identifier: account.address, identifierKind: 0 };
}

interface InjectedWallet {
  request(call: {
    readonly method: string;
    readonly params?: readonly unknown[];
  }): Promise<unknown>;
}

export function injectedWallet(): InjectedWallet | undefined {
  return (globalThis as { readonly ethereum?: InjectedWallet }).ethereum;
}

/** Asks the browser's wallet who its user is (EIP-1102), and lets it sign (EIP-191). */
export async function connectWallet(
  wallet: InjectedWallet,
): Promise<{ readonly account: Account; readonly signer: EoaSigner }> {
  const [first] = (await wallet.request({ method: "eth_requestAccounts" })) as readonly string[];
  if (first === undefined) throw new Error("the wallet named no account");
  const address = first.toLowerCase();
  const signer: EoaSigner = {
    type: "EOA",
    getIdentifier: () => ({ identifier: address, identifierKind: 0 }),
    async signMessage(text) {
      const message = `0x${toHex(toUtf8(text))}`;
      const signed = await wallet.request({ method: "personal_sign", params: [message, address] });
      return fromHex(String(signed).replace(/^0x/, ""));
    },
  };
  return { account: { kind: "wallet", address }, signer };
}
