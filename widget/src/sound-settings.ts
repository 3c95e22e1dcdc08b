/** The devices the visitor chose, and the list of them while it is looked at. */

import type { Call } from "./call.ts";
import { NO_DEVICES, listDevices, type Devices } from "./devices.ts";

export class SoundSettings {
  readonly #audio: HTMLAudioElement;
  readonly #call: () => Call | null;
  readonly #onChange: () => void;
  #devices = NO_DEVICES;
  #shown = false;

  constructor(audio: HTMLAudioElement, call: () => Call | null, onChange: () => void) {
    this.#audio = audio;
    this.#call = call;
    this.#onChange = onChange;
  }

  get devices(): Devices {
    return this.#devices;
  }

  get shown(): boolean {
    return this.#shown;
  }

  show(shown: boolean): void {
    if (shown === this.#shown) return;
    this.#shown = shown;
    // Undefined outside secure contexts, whatever the DOM types say.
    const media = navigator.mediaDevices as MediaDevices | undefined;
    if (shown) media?.addEventListener("devicechange", this.#onDeviceChange);
    else media?.removeEventListener("devicechange", this.#onDeviceChange);
    if (shown) void this.#refresh();
  }

  async useMicrophone(id: string): Promise<void> {
    const call = this.#call();
    if (call === null || (await call.useMicrophone(id))) this.#devices = { ...this.#devices, microphone: id };
    this.#onChange();
  }

  async useSpeaker(id: string): Promise<void> {
    try {
      await this.#audio.setSinkId(id);
      this.#devices = { ...this.#devices, speaker: id };
    } catch {
      // Gone since the list was made: the sound stays where it is.
    }
    await this.#refresh();
  }

  setVolume(volume: number): void {
    this.#audio.volume = volume;
  }

  async #refresh(): Promise<void> {
    this.#devices = await listDevices(this.#audio, this.#devices);
    this.#onChange();
  }

  readonly #onDeviceChange = (): void => {
    void this.#refresh();
  };
}
