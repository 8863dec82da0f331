import { Conversation } from "./conversation.ts";
import type { Cell } from "./groups.ts";

/** A conversation of two people. Both may have made one: duplicates are shown as one (XDM-05). */
export class Dm extends Conversation {
  get peerInboxId(): string {
    const [one, two] = this.cell.record.dmMembers ?? ["", ""];
    return one === this.parts.context.inboxId ? two : one;
  }

  /** The other conversations with the same peer. */
  async duplicateDms(): Promise<Dm[]> {
    const cells = await this.duplicates();
    return cells.filter(({ id }) => id !== this.cell.id).map((cell) => new Dm(this.parts, cell));
  }

  /** XIN-21: duplicates first. */
  override async sync(): Promise<void> {
    for (const cell of await this.duplicates()) {
      if (cell.id !== this.cell.id && cell.record.active) await this.parts.engine.sync(cell);
    }
    await super.sync();
  }

  protected override async messageSources(): Promise<readonly string[]> {
    return (await this.duplicates()).map(({ id }) => id);
  }

  private async duplicates(): Promise<Cell[]> {
    const { dmId } = this.cell.record;
    const all = await this.parts.groups.all();
    return all.filter(({ record }) => record.dmId === dmId);
  }
}
