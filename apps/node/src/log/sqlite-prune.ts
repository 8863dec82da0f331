import type { Statement } from "./engine.ts";
import type { Pruned, PruneLimits } from "./log.ts";
import type { Statements } from "./sqlite-statements.ts";

interface AgeRow {
  readonly id: bigint;
  readonly created_ns: bigint;
  readonly is_commit: bigint;
}

/**
 * Walks each log from its oldest entry and remembers how far it came, so that commits, which stay, are passed once a process and
 * not once an hour. Run it inside a transaction.
 */
export function createPruner(statements: Statements): (limits: PruneLimits) => Pruned {
  const walk = (ages: Statement, remove: Statement) => {
    let passed = 0n;
    return (beforeNs: bigint | undefined, most: number): Pruned => {
      if (beforeNs === undefined) return { entries: 0, done: true };
      const rows = ages.all(passed, most) as AgeRow[];
      let entries = 0;
      for (const { id, created_ns: createdNs, is_commit: isCommit } of rows) {
        if (createdNs >= beforeNs) return { entries, done: true };
        passed = id;
        if (isCommit !== 0n) continue;
        remove.run(id);
        entries += 1;
      }
      return { entries, done: rows.length < most };
    };
  };
  const messages = walk(statements.messageAges, statements.deleteMessage);
  const welcomes = walk(statements.welcomeAges, statements.deleteWelcome);
  return ({ messagesBeforeNs, welcomesBeforeNs, most }) => {
    const first = messages(messagesBeforeNs, most);
    const second = welcomes(welcomesBeforeNs, most);
    const packages =
      welcomesBeforeNs === undefined
        ? 0
        : Number(statements.deleteKeyPackages.run(welcomesBeforeNs).changes);
    return {
      entries: first.entries + second.entries + packages,
      done: first.done && second.done,
    };
  };
}
