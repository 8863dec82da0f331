/** XDM-02: the same for both sides, whoever created the conversation. */
export function dmIdOf(one: string, two: string): string {
  const [first, second] = [one.toLowerCase(), two.toLowerCase()].toSorted();
  return `dm:${first}:${second}`;
}
