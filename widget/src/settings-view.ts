/** Microphone, speaker and volume. Native controls: they know every keyboard, screen reader and phone. */

import type { Device, Devices } from "./devices.ts";
import { element, setAttribute, setText, toggle } from "./dom.ts";
import type { Texts } from "./texts.ts";

export interface SettingsHandlers {
  onMicrophone(id: string): void;
  onSpeaker(id: string): void;
  /** @param volume 0 to 1. */
  onVolume(volume: number): void;
}

class Picker {
  readonly #name = element("span");
  readonly select = element("select");
  readonly root = element("label", { class: "field" }, this.#name, this.select);
  #key = "";

  render(name: string, systemDefault: string, devices: readonly Device[], chosen: string): void {
    toggle(this.root, devices.length > 0);
    setText(this.#name, name);
    const all = [{ id: "", name: systemDefault }, ...devices];
    const key = JSON.stringify(all);
    if (key !== this.#key) {
      this.#key = key;
      this.select.replaceChildren(...all.map((device) => element("option", { value: device.id }, device.name)));
    }
    if (this.select.value !== chosen) this.select.value = chosen;
  }
}

export class SettingsView {
  readonly root: HTMLElement;
  readonly #microphone = new Picker();
  readonly #speaker = new Picker();
  readonly #volumeName = element("span");
  readonly #volume = element("input", { type: "range", min: "0", max: "100", step: "5" });
  readonly #volumeField = element("label", { class: "field" }, this.#volumeName, this.#volume);

  constructor(handlers: SettingsHandlers) {
    this.root = element("div", { class: "settings", part: "settings", role: "group", id: "va-settings" }, this.#microphone.root, this.#speaker.root, this.#volumeField);
    this.#microphone.select.addEventListener("change", () => {
      handlers.onMicrophone(this.#microphone.select.value);
    });
    this.#speaker.select.addEventListener("change", () => {
      handlers.onSpeaker(this.#speaker.select.value);
    });
    this.#volume.addEventListener("input", () => {
      handlers.onVolume(Number(this.#volume.value) / 100);
    });
  }

  render(devices: Devices, texts: Texts): void {
    setAttribute(this.root, "aria-label", texts.settings);
    this.#microphone.render(texts.microphone, texts.systemDefault, devices.microphones, devices.microphone);
    this.#speaker.render(texts.speaker, texts.systemDefault, devices.speakers, devices.speaker);
    setText(this.#volumeName, texts.volume);
    toggle(this.#volumeField, devices.volume !== null);
    const volume = String(Math.round((devices.volume ?? 1) * 100));
    if (this.#volume.value !== volume) this.#volume.value = volume;
  }
}
