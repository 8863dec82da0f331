import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

export interface Evidence {
  readonly files: number;
  readonly kilobytes: number;
  /** Files that hold one of the texts in the clear. */
  readonly hits: readonly string[];
}

/** Searches every file below a folder for texts, as whoever steals the disk would. */
export function filesHolding(folder: string, texts: readonly string[]): Evidence {
  const needles = texts.map((text) => Buffer.from(text, "utf8"));
  const hits: string[] = [];
  let files = 0;
  let bytes = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const file = join(folder, name);
    if (!statSync(file).isFile()) continue;
    const content = readFileSync(file);
    files++;
    bytes += content.length;
    if (needles.some((needle) => content.includes(needle))) hits.push(name);
  }
  return { files, kilobytes: Math.round(bytes / 1000), hits };
}
