import { expect, test } from "vitest";
import { SessionType } from "../../src/api/enums.ts";
import { settingsOf } from "../../src/api/config/session.ts";

test("SSN-05, SML-09, SML-12, SML-22, SGR-07, SGR-35, SHB-18, SRL-06: the core gets what a session is configured with", () => {
  const ours = {
    oursOnly: true,
    keepEmptyGroup: true,
    sealMetadata: true,
    pathOnAdd: true,
    reinviteExpired: true,
    noSuccessor: true,
    requireAll: true,
  };
  const timers = { interval: { seconds: 5 }, maxRetries: 3 };
  const config = { sessionType: SessionType.Group, enableMls: true, ...timers, ...ours };
  expect(settingsOf(config)).toEqual({
    kind: "group",
    metadata: new Map(),
    reliability: { intervalMs: 5_000, maxRetries: 3 },
    mls: { headerIntegrityPercent: 100 },
    ...ours,
  });
});
