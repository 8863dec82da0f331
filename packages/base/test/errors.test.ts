import {
  CoterieError,
  InvariantError,
  idBytes,
  idFromBytes,
  invariant,
  parseId,
  systemClock,
  systemRandom,
  unreachable,
} from "@coterie/base";
import type { InboxId } from "@coterie/base";
import { expect, test } from "vitest";

test("an error carries its code, what to do, and its cause", () => {
  const cause = new Error("below");
  const error = new CoterieError("base/example", {
    disposition: "retry",
    details: { limit: 3n, size: undefined },
    cause,
  });
  expect(error).toMatchObject({ code: "base/example", disposition: "retry", cause });
  expect(error.message).toBe("base/example (limit=3)");
  expect(new InvariantError("x").name).toBe("InvariantError");
});

test("invariant and unreachable throw a halt", () => {
  expect(() => invariant(true, "fine")).not.toThrow();
  expect(() => invariant(0, "zero")).toThrow(InvariantError);
  expect(() => unreachable({ kind: "new" } as never)).toThrow(/new/);
});

test("XID-01: ids are 64 hex digits, folded to lower case", () => {
  const id = parseId<InboxId>("AB".repeat(32));
  expect(id).toBe("ab".repeat(32));
  expect(idFromBytes<InboxId>(idBytes(id))).toBe(id);
  for (const text of ["", "ab".repeat(31), "0x" + "ab".repeat(31), "zz".repeat(32)]) {
    expect(() => parseId(text)).toThrow(CoterieError);
  }
});

test("the system's ports work, beyond one draw of the platform too", () => {
  expect(systemClock.nowNs()).toBeGreaterThan(1_700_000_000_000_000_000n);
  const drawn = systemRandom.bytes(100_000);
  expect(drawn.length).toBe(100_000);
  expect(drawn.subarray(99_968).some((byte) => byte !== 0)).toBe(true);
});
