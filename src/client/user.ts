// edge: no Deno, Bun, node: or cloudflare: names
import { requireSegment } from "../protocol/principals.ts";
import { userWorkspaceTopic } from "../protocol/topics.ts";
import type { Unsubscribe } from "../base/emitter.ts";
import { AetherClient, type MessageHandler } from "./aether_client.ts";
import type { ClientOptions } from "./options.ts";
import * as verbs from "./senders.ts";
import { type SwitchWorkspace, switchWorkspace } from "./workspace.ts";

/** Options of a {@link UserClient}. */
export interface UserClientOptions extends ClientOptions {
  /** Who. */
  userId: string;
  /** Which window, tab or device of theirs. */
  windowId: string;
  /** The workspace they are in; without one, a user reaches only its own windows. */
  workspace?: string;
}

/** A user's window: one live connection per user and window. */
export class UserClient extends AetherClient {
  /** Who. */
  readonly userId: string;
  /** Which window. */
  readonly windowId: string;
  /** See {@link verbs.SendToAgent}. */
  readonly sendToAgent: verbs.SendToAgent = verbs.sendToAgent(this.session);
  /** See {@link verbs.SendToTask}. */
  readonly sendToTask: verbs.SendToTask = verbs.sendToTask(this.session);
  /** See {@link verbs.SendToUser}. */
  readonly sendToUser: verbs.SendToUser = verbs.sendToUser(this.session);
  /** See {@link verbs.SendToUserWorkspace}. */
  readonly sendToUserWorkspace: verbs.SendToUserWorkspace = verbs.sendToUserWorkspace(this.session);
  /** See {@link verbs.SendToService}. */
  readonly sendToService: verbs.SendToService = verbs.sendToService(this.session);

  /** Moves to another workspace without a reconnect. */
  readonly switchWorkspace: SwitchWorkspace = switchWorkspace(this.session);

  /**
   * Makes one.
   * @throws {InvalidArgumentError} for a part that cannot be in a topic
   */
  constructor(options: UserClientOptions) {
    const userId = requireSegment(options.userId, "userId");
    const windowId = requireSegment(options.windowId, "windowId");
    const workspace = options.workspace === undefined ? undefined : requireSegment(options.workspace, "workspace");
    super({ type: "user", userId, windowId }, options, workspace);
    this.userId = userId;
    this.windowId = windowId;
  }

  /** The workspace they are in. */
  get workspace(): string | undefined {
    return this.session.workspace;
  }
  /** The topic of their windows in that workspace. */
  get workspaceTopic(): string | undefined {
    return this.workspace === undefined ? undefined : userWorkspaceTopic(this.userId, this.workspace);
  }
  /** Same as `onMessage`. */
  onIncomingMessage(handler: MessageHandler): Unsubscribe {
    return this.onMessage(handler);
  }
}
