import { expect, test } from "vitest";
import { ConsentEntityType } from "@coterie/client";
import { createWorld, seededRandom } from "@coterie/testkit";
import type { Actor } from "@coterie/testkit";

const { InboxId } = ConsentEntityType;
const people = ["aa", "bb", "cc", "dd"].map((digits) => digits.repeat(32));

test.each([1, 2, 3, 4])(
  "XHS-05, XCO-03: three devices that change their minds, go offline and crash come to agree, seed %i",
  async (seed) => {
    const world = createWorld({ seed });
    const random = seededRandom(seed);
    const devices: Actor[] = [];
    for (const name of ["phone", "laptop", "tablet"]) {
      devices.push(await world.join(name, { wallet: "ada" }));
    }
    for (let step = 0; step < 40; step++) {
      const device = random.pick(devices);
      const { preferences } = device.client;
      const entity = random.pick(people);
      switch (random.integer(6)) {
        case 0:
        case 1:
          await preferences.setConsentStates([
            { entityType: InboxId, entity, state: random.pick([0, 1, 2] as const) },
          ]);
          break;
        case 2:
          device.fault = device.fault ? undefined : () => ({ kind: "drop" });
          break;
        case 3:
          if (random.integer(3) === 0) await device.restart();
          break;
        case 4:
          world.clock.jump(random.integer(5_000));
          break;
        default:
          await preferences.sync().catch(() => undefined);
      }
    }
    for (const device of devices) device.fault = undefined;
    for (let round = 0; round < 4; round++) {
      for (const { client } of devices) await client.preferences.sync();
    }
    const views = await Promise.all(
      devices.map(async ({ client: { preferences, conversations } }) => ({
        consents: await Promise.all(people.map((id) => preferences.getConsentState(InboxId, id))),
        keys: await conversations.hmacKeys(),
      })),
    );
    expect(views[1]).toEqual(views[0]);
    expect(views[2]).toEqual(views[0]);
    await world.close();
  },
);
