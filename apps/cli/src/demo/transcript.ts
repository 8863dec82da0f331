import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

const faces: Readonly<Record<string, Style>> = {
  Ada: "magenta",
  Ben: "cyan",
  Cleo: "yellow",
  Dan: "green",
  node: "gray",
};

/** Prints the demo's transcript and keeps count of what held. Colour only where the stream is a terminal. */
export class Transcript {
  readonly #out: NodeJS.WritableStream;
  readonly #colour: boolean;
  held = 0;
  broken = 0;

  constructor(out: NodeJS.WritableStream) {
    this.#out = out;
    this.#colour = (out as { isTTY?: boolean }).isTTY === true && !process.env["NO_COLOR"];
  }

  #paint(style: Style, text: string): string {
    return this.#colour ? styleText(style, text, { validateStream: false }) : text;
  }

  line(text = ""): void {
    this.#out.write(`${text}\n`);
  }

  title(text: string): void {
    this.line(`\n  ${this.#paint("bold", text)}`);
  }

  scene(text: string): void {
    this.line(`\n  ${this.#paint("dim", "──")} ${this.#paint("bold", text)}`);
  }

  /** One line of somebody: what they did or said, and how long it took in the right-hand column. */
  by(name: string, text: string, note = ""): void {
    const left = `  ${this.#paint(faces[name] ?? "white", name.padEnd(5))} ${text}`;
    const width = 8 + text.length;
    this.line(
      note === ""
        ? left
        : `${left}${" ".repeat(Math.max(2, 62 - width))}${this.#paint("dim", note)}`,
    );
  }

  check(what: string, holds: boolean, otherwise = ""): void {
    if (holds) this.held++;
    else this.broken++;
    const mark = holds ? this.#paint("green", "✓") : this.#paint("red", "✗");
    this.line(`        ${mark} ${what}${holds || otherwise === "" ? "" : `: ${otherwise}`}`);
  }
}
