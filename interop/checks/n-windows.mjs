// Messages that come late, out of order or far ahead: ours and the released SDK read the same ones.
import { assert } from "../lib/check.mjs";
import { epochOf } from "../lib/crowd.mjs";
import { crypto, mls, wire } from "../lib/forger.mjs";
import { texts } from "../lib/ours.mjs";
import { sdkClient } from "../lib/sdk.mjs";
import { groupsWithForger } from "../lib/witnesses.mjs";

export default async function run({ node, check }) {
  let eve;
  let group;
  let anns;
  let bobs;

  const create = groupsWithForger(node);
  const newGroup = async () => ({ eve, group, anns, bobs } = await create(await sdkClient(node)));
  /** Sealed one after another by the forger, from where it stands. */
  const sealAll = async (said) => {
    let state = await eve.groupNow(group.id);
    return said.map((text, at) => {
      const content = wire.EncodedContent.encode(
        wire.EncodedContent.create({
          type: { authorityId: "xmtp.org", typeId: "text", versionMajor: 1, versionMinor: 0 },
          parameters: new Map([["encoding", "UTF-8"]]),
          content: new TextEncoder().encode(text),
        }),
      );
      const plaintext = wire.PlaintextEnvelope.encode({
        kind: "v1",
        value: { content, idempotencyKey: `${text} ${at}` },
      });
      const sealed = mls.seal({ crypto, group: state, signer: eve.signer, plaintext });
      state = sealed.group;
      return sealed.message;
    });
  };
  const readByBoth = async () => {
    await epochOf(group, anns, bobs);
    const [mine, theirs] = [await texts(anns), await texts(bobs)];
    assert.deepEqual(mine, theirs);
    return mine;
  };

  for (const distance of [1, 2, 3, 4, 5]) {
    const title =
      distance <= 3 ? "is read by ours and theirs" : "is read by neither ours nor theirs";
    await check(`XGC-05: a message ${distance} epochs old ${title}`, async () => {
      await newGroup();
      const [message] = await sealAll([`from ${distance} epochs ago`]);
      for (let at = 0; at < distance; at++) await group.updateName(`epoch ${at}`);
      // Past epochs are kept by those who lived in them.
      await epochOf(group, anns, bobs);
      await eve.send(message);
      const read = await readByBoth();
      assert.deepEqual(read, distance <= 3 ? [`from ${distance} epochs ago`] : []);
    });
  }

  await check("XGC-05: of messages out of order, ours and theirs read the same", async () => {
    await newGroup();
    const said = Array.from({ length: 12 }, (_, at) => `number ${at}`);
    const messages = await sealAll(said);
    for (const at of [11, 0, 3, 4, 5, 6, 7, 10]) await eve.send(messages[at]);
    const read = await readByBoth();
    console.log(`        read: ${read.join(", ")}`);
    assert.equal(read[0], "number 11");
  });

  for (const ahead of [999, 1_000, 1_001]) {
    await check(`XGC-05: a message ${ahead} ahead: ours and theirs agree`, async () => {
      await newGroup();
      const messages = await sealAll(Array.from({ length: ahead + 1 }, (_, at) => `number ${at}`));
      await eve.send(messages[ahead]);
      const read = await readByBoth();
      console.log(`        read: ${read.length > 0}`);
    });
  }
}
