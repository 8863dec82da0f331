// For programs on Node: tokens that another program keeps fresh in a file.
import { readFile, stat } from "node:fs/promises";
import { maxTokenLength } from "./claims.ts";
import { IdentityError } from "../errors.ts";

/** A source for `createStaticIdentity`: the file as it is then, at most 8 KiB of text. */
export function tokenFromFile(path: string): () => Promise<string> {
  return async () => {
    const { size } = await stat(path);
    if (size > maxTokenLength)
      throw new IdentityError("identity/bad-token", { reason: "too-long" });
    return readFile(path, "utf8");
  };
}
