import { fromUtf8 } from "@coterie/base";
import { SessionMessageType } from "@coterie/wire/slim";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { openContent, sealContent, sealedType } from "../src/core/sealing.ts";
import { createWorld } from "./world.ts";
import type { World, WorldApp } from "./world.ts";

const reliability = { intervalMs: 1_000, maxRetries: 5 };
const mls = { headerIntegrityPercent: 100 };

function done(world: World, app: WorldApp, handle: number): unknown {
  world.until(() => app.outcome(handle) !== undefined);
  return app.outcome(handle);
}

test("SML-12: sealed content opens to what it was, and nothing else opens or throws", () => {
  const content = fc.record({
    payloadType: fc.string(),
    payload: fc.uint8Array(),
    metadata: fc.array(fc.tuple(fc.string(), fc.string())).map((pairs) => new Map(pairs)),
  });
  fc.assert(
    fc.property(content, fc.nat(), fc.nat(255), (given, at, byte) => {
      const { payload, payloadType, metadata } = sealContent(given);
      expect([payloadType, metadata.size]).toEqual([sealedType, 0]);
      expect(openContent(payload)).toEqual(given);
      const spoilt = payload.slice();
      spoilt[at % spoilt.length] = byte;
      expect(() => openContent(spoilt)).not.toThrow();
      for (let length = 0; length < payload.length - given.payload.length; length += 1) {
        expect(openContent(payload.subarray(0, length))).toBeUndefined();
      }
    }),
  );
  expect(() => openContent(new Uint8Array([2, 0, 0, 0, 0x5b, 0x5d]))).not.toThrow();
});

test("SML-12: in a session that seals metadata, type and metadata are seen by members alone, also in what is sent again", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const bob = world.app("agntcy/ns/bob");
  const { session } = alice.create({ mls, reliability, sealMetadata: true }, "agntcy/ns/chat");
  done(world, alice, alice.invite(session, "agntcy/ns/bob"));
  const seen: string[] = [];
  let dropped = false;
  world.meddle(({ type, publish, metadata }) => {
    const isData = type === SessionMessageType.msg || type === SessionMessageType.rtxReply;
    if (!isData || publish.msg?.kind !== "appPayload") return undefined;
    seen.push(`${publish.msg.value.payloadType} ${[...metadata.keys()].join()}`);
    if (dropped) return undefined;
    dropped = true;
    return "drop";
  });
  const topic = new Map([["topic", "lunch"]]);
  done(world, alice, alice.publish(session, "to all", { metadata: topic }));
  done(world, bob, bob.publish(session, "to one", { to: alice.name, metadata: topic }));
  expect(seen).toEqual([`${sealedType} `, `${sealedType} `, `${sealedType} PUBLISH_TO`]);
  for (const [app, text] of [
    [bob, "to all"],
    [alice, "to one"],
  ] as const) {
    expect(app.delivered).toHaveLength(1);
    const { item } = app.delivered[0]!;
    expect(item).toMatchObject({ kind: "message", payloadType: "msg", metadata: topic });
    expect(item.kind === "message" && fromUtf8(item.payload)).toBe(text);
  }
});

test("SML-12: sealing is off by default, without MLS there is none, and what only looks sealed comes as it is", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const bob = world.app("agntcy/ns/bob");
  for (const settings of [{ mls }, { sealMetadata: true }]) {
    const { session } = alice.create({ ...settings, reliability }, "agntcy/ns/chat");
    done(world, alice, alice.invite(session, "agntcy/ns/bob"));
    const log = world.log.length;
    done(world, alice, alice.publish(session, "clear"));
    const types = world.log
      .slice(log)
      .flatMap(({ publish }) =>
        publish.msg?.kind === "appPayload" ? [publish.msg.value.payloadType] : [],
      );
    expect(types).toContain("msg");
    done(
      world,
      alice,
      alice.do((handle) => ({
        kind: "publish",
        handle,
        session,
        payloadType: sealedType,
        payload: new Uint8Array([9, 9]),
        metadata: new Map(),
      })),
    );
    expect(bob.delivered.at(-1)?.item).toMatchObject({ payloadType: sealedType });
  }
});
