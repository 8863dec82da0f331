import type { VNode } from "preact";

interface WelcomeProps {
  readonly problem: string | undefined;
  readonly onCreate: () => void;
  readonly onConnect: (() => void) | undefined;
}

export function Welcome({ problem, onCreate, onConnect }: WelcomeProps): VNode {
  return (
    <main class="center">
      <img src="./icon.svg" alt="" width="72" height="72" />
      <h1>Coterie</h1>
      <p class="lead">Talk with the people you mean, and nobody else.</p>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <div class="choices">
        <button type="button" class="primary" onClick={onCreate}>
          Create an identity
        </button>
        {onConnect && (
          <button type="button" onClick={onConnect}>
            Use my wallet
          </button>
        )}
      </div>
      <p class="hint">
        Your keys and messages stay in this browser, encrypted. The node only passes sealed bytes
        on.
      </p>
    </main>
  );
}
