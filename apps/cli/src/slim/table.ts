import { toUtf8 } from "@coterie/base";
import { harmless } from "../output.ts";

/**
 * Lines of a table as SLIM's own tool prints them: two spaces of indent, columns as wide as their widest cell in bytes, two spaces between
 * them, a dashed line under the header.
 */
function tableLines(headers: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = headers.map((header, at) =>
    Math.max(...[header, ...rows.map((row) => row[at] ?? "")].map((cell) => toUtf8(cell).length)),
  );
  const line = (cells: readonly string[]): string =>
    `  ${widths.map((width, at) => pad(cells[at] ?? "", width)).join("  ")}`;
  const dashes = widths.reduce((sum, width) => sum + width + 2, 0);
  return [line(headers), `  ${"-".repeat(dashes)}`, ...rows.map(line)];
}

/** Characters are counted, as there: a cell beyond ASCII makes its column wider than it needs. */
function pad(cell: string, width: number): string {
  return cell + " ".repeat(Math.max(0, width - [...cell].length));
}

/** `3 domain(s)` and an empty line. */
export function counted(entries: readonly unknown[], what: string): string[] {
  return [`${entries.length} ${what}`, ""];
}

/** `Routes: 3 (applied only)` and an empty line. */
export function listed(what: string, entries: readonly unknown[], all: boolean): string[] {
  return [`${what}: ${entries.length} (${all ? "all statuses" : "applied only"})`, ""];
}

/** A table of what others wrote; nothing where there are no rows. */
export function table(headers: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  return tableLines(
    headers,
    rows.map((row) => row.map(harmless)),
  );
}
