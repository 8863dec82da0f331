import { createInterface } from "node:readline";

/** Does what stdin asks for in lines of JSON, `{ number, order, … }`, and answers each on stdout when it is done; ends with stdin. */
export function takeOrders(orders, wordsOf = (error) => String(error?.stack ?? error)) {
  createInterface({ input: process.stdin }).on("line", async (line) => {
    const { number, order, ...args } = JSON.parse(line);
    let answer;
    try {
      answer = { number, value: (await orders[order](args)) ?? null };
    } catch (error) {
      answer = { number, error: wordsOf(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  });
  process.stdin.on("end", () => process.exit(0));
  process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
}
