import type { SlimName } from "@coterie/wire/slim";
import type { App } from "../api/app.ts";
import { controlSessionOf } from "../api/control-session.ts";
import { SessionType } from "../api/enums.ts";
import { Name } from "../api/name.ts";
import type { ControlSession } from "./port.ts";
import { controlKey } from "./protocol.ts";

/** A conversation about channels with the app that answers to this control name (SCT-25): encrypted, reliable, and the app's library's alone. */
export async function openControlSession(app: App, control: SlimName): Promise<ControlSession> {
  const session = await app.createSessionAndWait(
    {
      sessionType: SessionType.PointToPoint,
      enableMls: true,
      interval: 1000,
      maxRetries: 10,
      metadata: { [controlKey]: "1" },
    },
    Name.of(control),
  );
  return controlSessionOf(session);
}
