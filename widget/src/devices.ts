/** The microphones and speakers there are, and which of them the call uses. Kept for the page only. */

export interface Device {
  readonly id: string;
  readonly name: string;
}

export interface Devices {
  readonly microphones: readonly Device[];
  /** Empty where the browser cannot choose (no setSinkId). */
  readonly speakers: readonly Device[];
  /** The chosen ids; "" is the system's default. */
  readonly microphone: string;
  readonly speaker: string;
  /** 0 to 1; null where only the device's own keys set it (iOS). */
  readonly volume: number | null;
}

export const NO_DEVICES: Devices = { microphones: [], speakers: [], microphone: "", speaker: "", volume: 1 };

/** Chrome lists the defaults twice, under these ids. */
const ALIASES = ["default", "communications", ""];

/** The devices of one kind with a name to show; without permission they have none. */
export function named(list: readonly Pick<MediaDeviceInfo, "kind" | "deviceId" | "label">[], kind: MediaDeviceKind): Device[] {
  return list
    .filter((device) => device.kind === kind && device.label !== "" && !ALIASES.includes(device.deviceId))
    .map(({ deviceId, label }) => ({ id: deviceId, name: label }));
}

/** The devices as they are now; a chosen one that is gone falls back to the default. */
export async function listDevices(audio: HTMLAudioElement, chosen: Devices): Promise<Devices> {
  // Undefined outside secure contexts, whatever the DOM types say.
  const media = navigator.mediaDevices as MediaDevices | undefined;
  const list = await media?.enumerateDevices().catch(() => []);
  const microphones = named(list ?? [], "audioinput");
  const speakers = "setSinkId" in audio ? named(list ?? [], "audiooutput") : [];
  const keep = (devices: readonly Device[], id: string) => (devices.some((device) => device.id === id) ? id : "");
  return {
    microphones,
    speakers,
    microphone: keep(microphones, chosen.microphone),
    speaker: keep(speakers, chosen.speaker),
    volume: canSetVolume() ? audio.volume : null,
  };
}

function canSetVolume(): boolean {
  const probe = document.createElement("audio");
  probe.volume = 0.5;
  return probe.volume === 0.5;
}
