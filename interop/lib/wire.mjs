// What the node holds, asked for with our transport and our codecs.
import { fromHex, wire } from "./forger.mjs";

const { createH2Transport } = await import(
  new URL("../../packages/transport/dist/h2.js", import.meta.url).href
);

/** All welcomes of an installation, oldest first. */
export async function welcomesOf(node, installationId) {
  const transport = createH2Transport({ url: node.url });
  try {
    const answer = await transport.unary(
      wire.paths.mls.queryWelcomeMessages,
      wire.QueryWelcomeMessagesRequest.encode({
        installationKey: fromHex(installationId),
        pagingInfo: { direction: 1, limit: 100, idCursor: 0n },
      }),
    );
    return wire.QueryWelcomeMessagesResponse.decode(answer).messages;
  } finally {
    await transport.close();
  }
}
