import { useEffect, useState } from "preact/hooks";
import type { VNode } from "preact";
import type { PublicIdentifier, Signer } from "@coterie/client/browser";
import {
  connectWallet,
  createAccount,
  injectedWallet,
  loadAccount,
  saveAccount,
  signerOf,
} from "./account.ts";
import type { Account } from "./account.ts";
import { Chat } from "./chat.tsx";
import { openSession, wordsOf } from "./session.ts";
import type { Session } from "./session.ts";
import { Welcome } from "./welcome.tsx";

type View =
  | { readonly kind: "opening"; readonly words: string }
  | { readonly kind: "welcome"; readonly problem?: string }
  | { readonly kind: "chat"; readonly session: Session };

export function App(): VNode {
  const [view, setView] = useState<View>({ kind: "opening", words: "Opening…" });

  async function enter(
    words: string,
    find: () => Promise<{ account: Account; who: Signer | PublicIdentifier } | undefined>,
  ): Promise<void> {
    setView({ kind: "opening", words });
    try {
      const found = await find();
      if (!found) {
        setView({ kind: "welcome" });
        return;
      }
      const session = await openSession(found.who);
      await saveAccount(found.account);
      setView({ kind: "chat", session });
    } catch (error) {
      setView({ kind: "welcome", problem: wordsOf(error) });
    }
  }

  useEffect(() => {
    void enter("Opening…", async () => {
      const account = await loadAccount();
      return account && { account, who: signerOf(account) };
    });
  }, []);

  if (view.kind === "chat") return <Chat session={view.session} />;
  if (view.kind === "opening") {
    return (
      <main class="center">
        <p role="status">{view.words}</p>
      </main>
    );
  }
  const wallet = injectedWallet();
  return (
    <Welcome
      problem={view.problem}
      onCreate={() =>
        void enter("Making your identity…", async () => {
          const account = (await loadAccount()) ?? createAccount();
          // Kept before it is used: an identity that was registered must not be lost.
          await saveAccount(account);
          return { account, who: signerOf(account) };
        })
      }
      onConnect={
        wallet &&
        (() =>
          void enter("Waiting for your wallet…", async () => {
            // The key of an identity that this page made is nowhere else.
            if ((await loadAccount())?.kind === "own") {
              throw new Error("This page keeps an identity of its own already.");
            }
            const { account, signer } = await connectWallet(wallet);
            return { account, who: signer };
          }))
      }
    />
  );
}
