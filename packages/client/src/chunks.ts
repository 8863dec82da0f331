/**
 * Asks in chunks and hands the answers on in order, with the next question already on its way while an answer is worked on. A failure ends
 * it; the question under way then is given up unread.
 */
export async function inChunks<Item, Answer>(
  items: readonly Item[],
  size: number,
  ask: (chunk: readonly Item[]) => Promise<Answer>,
  use: (chunk: readonly Item[], answer: Answer) => Promise<void> | void,
): Promise<void> {
  const chunks: (readonly Item[])[] = [];
  for (let at = 0; at < items.length; at += size) chunks.push(items.slice(at, at + size));
  const send = (index: number): Promise<Answer> | undefined => {
    const chunk = chunks[index];
    const answer = chunk && ask(chunk);
    // Heard when its turn comes, if it comes.
    answer?.catch(() => undefined);
    return answer;
  };
  let next = send(0);
  for (const [index, chunk] of chunks.entries()) {
    const answer = await (next as Promise<Answer>);
    next = send(index + 1);
    await use(chunk, answer);
  }
}
