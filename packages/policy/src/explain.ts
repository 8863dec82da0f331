import { RULES } from "./rules.ts";
import type { Decision, RuleId } from "./rules.ts";

/** A decision in words: one sentence to show, and a line per reason for whoever asks why. */
export interface Explanation {
  readonly summary: string;
  readonly lines: readonly {
    readonly rule: RuleId;
    readonly text: string;
    /** What the rule is about, in general. */
    readonly title: string;
  }[];
}

/** Puts a decision into sentences. Words may change between releases; rule numbers do not. */
export function explain(decision: Decision): Explanation {
  if (decision.kind === "allowed") return { summary: "Allowed.", lines: [] };
  const lines = decision.reasons.map(({ rule, text }) => ({
    rule,
    text,
    title: RULES[rule].title,
  }));
  return { summary: `Denied: ${lines.map((line) => line.text).join(" ")}`, lines };
}
