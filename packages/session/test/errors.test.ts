import { expect, test } from "vitest";
import { SessionError } from "@coterie/session";

test("an error of a session says what to do about it", () => {
  expect(new SessionError("session/unanswered").disposition).toBe("retry");
});
