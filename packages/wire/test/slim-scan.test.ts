import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import {
  headerMacKey,
  headerMacPreimage,
  peekSlimHeader,
  restampSlimHeader,
  SLIMHeader,
  SlimHeaderScan,
} from "@coterie/wire/slim";
import { expect, test } from "vitest";

const scan = new SlimHeaderScan();
const hash = (data: Uint8Array): Uint8Array => createHash("sha256").update(data).digest();
const key = new Uint8Array(32).fill(7);
const linkId = "11111111-2222-4333-8444-555555555555";
const macKey = headerMacKey(linkId, key);

const uint64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const part = fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" });
const name = fc.record({
  name: fc.record({
    component0: fc.bigInt({ min: 1n, max: (1n << 64n) - 1n }),
    component1: uint64,
    component2: uint64,
    nameId: fc.option(fc.record({ id0: uint64, id1: uint64 }), { nil: undefined }),
  }),
  strName: fc.record({ strComponent0: part, strComponent1: part, strComponent2: part }),
});
const header = fc.record({
  source: name,
  destination: name,
  identity: fc.string({ maxLength: 300 }),
  fanout: fc.constantFrom(0, 1, 256, 100_000),
  version: fc.constantFrom("", "2.2.0+ts.1"),
  ttl: fc.nat(130),
  recvFrom: fc.option(uint64, { nil: undefined, freq: 1 }),
  incomingConn: fc.option(uint64, { nil: undefined }),
  error: fc.option(fc.boolean(), { nil: undefined }),
  headerMac: fc.option(fc.uint8Array({ minLength: 31, maxLength: 32 }), {
    nil: undefined,
    freq: 9,
  }),
  e2eHeaderSig: fc.option(fc.uint8Array({ maxLength: 72 }), { nil: undefined }),
});

/** What a scan says has to be what peeking says. */
function agree(bytes: Uint8Array, padding: number): boolean {
  const message = new Uint8Array(bytes.length + 2 * padding).fill(0x0a);
  message.set(bytes, padding);
  if (!scan.scan(message, padding, padding + bytes.length)) return false;
  const peeked = peekSlimHeader(bytes);
  const { mac, destination } = peeked;
  expect([scan.fanout, scan.ttl]).toEqual([peeked.fanout, peeked.ttl]);
  expect([scan.macAt, scan.macAt + 32]).toEqual([mac?.start, mac?.end]);
  expect(bytes[scan.ttlAt]).toBe(peeked.ttl);
  const { preimage, destinationAt: at, destinationIdAt: idAt } = scan;
  expect([...preimage.subarray(at, at + 24), ...preimage.subarray(idAt, idAt + 16)]).toEqual([
    ...(destination?.encoded ?? []),
  ]);
  for (const ttl of [peeked.ttl, 3]) {
    const whole = headerMacPreimage(linkId, bytes, peeked, { ttl });
    const expected = createHmac("sha256", key).update(whole).digest();
    if (macKey === undefined) throw new Error("no key");
    expect(Buffer.from(scan.mac(hash, macKey, ttl))).toEqual(expected);
  }
  return true;
}

test("SMC-02, SMC-03: a scan finds what peeking finds, and makes the same MACs", () => {
  let scanned = 0;
  fc.assert(
    fc.property(header, fc.nat(9), (fields, padding) => {
      const bytes = SLIMHeader.encode(fields);
      if (agree(bytes, padding)) scanned += 1;
      // as a hop of ours writes it
      const { ttl, restamped, mac } = { ...peekSlimHeader(bytes) };
      if (mac !== undefined && mac.end - mac.start === 32 && ttl > 0 && ttl < 128) {
        agree(restampSlimHeader(bytes, { restamped }, { ttl, mac: new Uint8Array(32) }), padding);
      }
    }),
    { seed: 5, numRuns: 1000 },
  );
  expect(scanned).toBeGreaterThan(100);
});

test("SRT-08: headers of today's apps are scanned, not peeked at; a header that a hop has to clean is not", () => {
  const [fields] = fc.sample(header, { seed: 1, numRuns: 1 });
  if (fields === undefined) throw new Error();
  const id = { id0: 1n, id1: 2n };
  const usual = {
    ...fields,
    source: {
      ...fields.source,
      name: { ...fields.source.name, component1: 5n, component2: 6n, nameId: id },
    },
    destination: {
      ...fields.destination,
      name: { ...fields.destination.name, component1: 5n, component2: 6n, nameId: id },
    },
    identity: "token",
    ttl: 8,
    fanout: 1,
    recvFrom: undefined,
    headerMac: new Uint8Array(32),
  };
  expect(agree(SLIMHeader.encode(usual), 0)).toBe(true);
  expect(agree(SLIMHeader.encode({ ...usual, recvFrom: 1n }), 0)).toBe(false);
  expect(agree(SLIMHeader.encode({ ...usual, forwardTo: 1n }), 0)).toBe(false);
  expect(agree(SLIMHeader.encode({ ...usual, identity: "x".repeat(5000) }), 0)).toBe(false);
  expect(headerMacKey("x".repeat(129), key)).toBeUndefined();
});

test("a header cut anywhere or changed at random is no other header to a scan than to peeking", () => {
  for (const fields of fc.sample(header, { seed: 3, numRuns: 40 })) {
    const bytes = SLIMHeader.encode({ ...fields, headerMac: new Uint8Array(32).fill(9) });
    for (let end = 0; end < bytes.length; end += 1) {
      const cut = bytes.slice(0, end);
      const isScanned = scan.scan(cut, 0, end);
      // the signature at the end may be missing, and nothing else
      if (isScanned) agree(cut, 0);
    }
    for (let n = 0; n < 50; n += 1) {
      const wrong = Uint8Array.from(bytes);
      wrong[(n * 7919) % wrong.length] = (n * 31 + 1) & 0xff;
      if (scan.scan(wrong, 0, wrong.length)) agree(wrong, 0);
    }
  }
});
