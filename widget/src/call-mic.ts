/** The microphone of one call: opened, published, muted, held, replaced, asked for again. */

import { MicError, isMicGranted, openMic, type MicSettings } from "./mic.ts";
import type { CallRoom } from "./room.ts";
import type { Mic } from "./state.ts";
import { Timers } from "./timers.ts";

/** Push to talk: what a finger cuts off of the last sound when it is lifted. */
const TALK_TAIL_MS = 250;

export interface CallMicOptions {
  readonly mic: MicSettings;
  /** The microphone to use; "" is the system's default. */
  readonly microphoneId: string;
  /** The microphone is silent until `talk(true)`. */
  readonly pushToTalk: boolean;
}

export class CallMic {
  readonly #options: CallMicOptions;
  readonly #room: CallRoom;
  readonly #onState: (mic: Mic) => void;
  readonly #onTrack: (track: MediaStreamTrack) => void;
  readonly #timers = new Timers();
  /** Opened, but not yet the room's to stop. */
  #opened: MediaStreamTrack | null = null;
  #published = false;
  #muted = false;
  #microphoneId: string;
  #over = false;

  /** @param onTrack a live track to draw a level from. */
  constructor(options: CallMicOptions, room: CallRoom, onState: (mic: Mic) => void, onTrack: (track: MediaStreamTrack) => void) {
    this.#options = options;
    this.#room = room;
    this.#onState = onState;
    this.#onTrack = onTrack;
    this.#microphoneId = options.microphoneId;
  }

  /** Whether the room has had one. */
  get published(): boolean {
    return this.#published;
  }

  /** The open microphone; null when there is none, which is reported. */
  async open(): Promise<MediaStreamTrack | null> {
    const { mic, pushToTalk } = this.#options;
    this.#onState("asking");
    try {
      const track = await openMic(mic, this.#microphoneId);
      if (!this.#over) {
        this.#opened = track;
        if (pushToTalk) track.enabled = false;
        this.#onState(pushToTalk ? "muted" : "on");
        return track;
      }
      track.stop();
    } catch (error) {
      this.#onState(error instanceof MicError ? error.problem : "denied");
    }
    return null;
  }

  /** Into the room, which has to be joined. */
  async publish(track: MediaStreamTrack | null): Promise<void> {
    if (track === null || this.#over) return;
    try {
      await this.#room.publish(track);
    } catch {
      this.#letGo();
      this.#onState("lost");
      return;
    }
    this.#opened = null;
    this.#published = true;
    // A microphone in another's place comes with the other's silence.
    await this.#room.setMuted(this.#muted);
    if (this.#options.pushToTalk) this.#room.setTalking(false);
    else this.#onState(this.#muted ? "muted" : "on");
    this.#onTrack(track);
  }

  /** The device is gone: another one takes over, or the visitor is told. */
  async replaceLost(): Promise<void> {
    this.#microphoneId = "";
    const track = (await isMicGranted()) ? await openMic(this.#options.mic).catch(() => null) : null;
    if (this.#over) track?.stop();
    else if (track === null) this.#onState("lost");
    else await this.publish(track);
  }

  /** Goes on with another microphone ("" is the system's default); false when it does not open. */
  async use(id: string, joined: () => boolean): Promise<boolean> {
    const track = await openMic(this.#options.mic, id).catch(() => null);
    if (track === null || !joined() || this.#over) {
      track?.stop();
      return false;
    }
    this.#microphoneId = id;
    await this.publish(track);
    return true;
  }

  /** Asks for the microphone again, during the call. */
  async retry(): Promise<void> {
    await this.publish(await this.open());
  }

  /** Push to talk: opens or silences the microphone. */
  talk(talking: boolean): void {
    if (talking) {
      this.#timers.cancel("talk");
      this.#room.setTalking(true);
      this.#onState("on");
      return;
    }
    this.#timers.later("talk", TALK_TAIL_MS, () => {
      this.#room.setTalking(false);
      this.#onState("muted");
    });
  }

  async mute(muted: boolean): Promise<void> {
    if (this.#options.pushToTalk) return;
    this.#muted = muted;
    await this.#room.setMuted(muted);
    this.#onState(muted ? "muted" : "on");
  }

  stop(): void {
    this.#over = true;
    this.#timers.stop();
    this.#letGo();
  }

  #letGo(): void {
    this.#opened?.stop();
    this.#opened = null;
  }
}
