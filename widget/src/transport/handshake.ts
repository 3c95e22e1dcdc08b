/** client-ready until bot-ready: sent when the bot is in the room, repeated, given up on. */

/** How long the bot may take to enter a room the visitor is in. */
const BOT_JOIN_MS = 12_000;
/** client-ready is lost when the bot's data channel is not open yet; it is repeated after this, for 12 s. */
const RETRY_MS = 500;
const ATTEMPTS = 24;

export class Handshake {
  /** Resolves with bot-ready; rejects when it does not come. */
  readonly done: Promise<void>;
  private _resolve: () => void = () => undefined;
  private _reject: (error: Error) => void = () => undefined;
  private _timer: ReturnType<typeof setTimeout>;
  private _attempts = 0;

  /**
   * @param _send sends client-ready.
   * @param _asError makes what `done` rejects with.
   */
  constructor(
    private readonly _send: () => void,
    private readonly _asError: (message: string) => Error,
  ) {
    this.done = new Promise((resolve, reject) => {
      this._resolve = resolve;
      this._reject = reject;
    });
    this._timer = setTimeout(() => {
      this.fail("No bot came into the room");
    }, BOT_JOIN_MS);
  }

  /** The bot is in the room: from now on it is asked. */
  ask(): void {
    clearTimeout(this._timer);
    if (this._attempts === ATTEMPTS) {
      this.fail("The bot did not answer");
      return;
    }
    this._attempts += 1;
    this._timer = setTimeout(() => {
      this.ask();
    }, RETRY_MS);
    this._send();
  }

  succeed(): void {
    clearTimeout(this._timer);
    this._resolve();
  }

  fail(message: string): void {
    clearTimeout(this._timer);
    this._reject(this._asError(message));
  }
}
