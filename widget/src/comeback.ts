/**
 * The way back into a call whose connection is lost.
 *
 * LiveKit's client knocks at the same room for a minute, ever more slowly, and is turned away for good
 * when the server has forgotten the room. The door knows better: it is asked for the call again, as
 * after a reload, until it has it or says that it is over.
 */

/** What heals by itself does so within this. */
const HEALS_MS = 3_000;
/** A call whose room is lost goes on in another one, and then there is nothing here that could heal. */
const LOOK_MS = 1_000;
const AGAIN_MS = 1_500;
/** The bot waits no longer (RECONNECT_GRACE_SECS), give or take a join. */
const GIVE_UP_MS = 28_000;

export class Comeback {
  readonly #look: () => void;
  readonly #attempt: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sinceMs: number | null = null;

  /**
   * @param look asks the door where the call is by now.
   * @param attempt asks the door for the call, and joins it.
   */
  constructor(look: () => void, attempt: () => void) {
    this.#look = look;
    this.#attempt = attempt;
  }

  /** Whether the call is being looked for. */
  get isUnderWay(): boolean {
    return this.#sinceMs !== null;
  }

  /** The connection is lost; it may heal. */
  lost(): void {
    this.#sinceMs ??= Date.now();
    if (this.#timer !== undefined) return;
    this.#later(LOOK_MS, () => {
      this.#later(HEALS_MS - LOOK_MS);
      this.#look();
    });
  }

  /** The call was found elsewhere, and is being joined. */
  found(): void {
    this.#cancel();
  }

  /**
   * The connection is gone, or an attempt has failed; says whether there will be another one.
   *
   * @param waitMs what the door wants to be left alone for.
   */
  failed(waitMs: number = AGAIN_MS): boolean {
    this.#cancel();
    const firstTime = this.#sinceMs === null;
    this.#sinceMs ??= Date.now();
    if (Date.now() + waitMs - this.#sinceMs > GIVE_UP_MS) {
      this.stop();
      return false;
    }
    this.#later(firstTime ? 0 : waitMs);
    return true;
  }

  /** The call is there again, or over. */
  stop(): void {
    this.#cancel();
    this.#sinceMs = null;
  }

  #later(delayMs: number, run: () => void = this.#attempt): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      run();
    }, delayMs);
  }

  #cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
