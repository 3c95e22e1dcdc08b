/** The microphone, and the lists of devices, behind `LiveKitTransport`. */

import { DeviceError, type DeviceErrorType } from "@pipecat-ai/client-js";
import { TrackEvent, createLocalAudioTrack, type AudioCaptureOptions, type LocalAudioTrack } from "livekit-client";

export type Device = MediaDeviceInfo | Record<string, never>;

export interface DeviceHandlers {
  onMics(mics: MediaDeviceInfo[]): void;
  onSpeakers(speakers: MediaDeviceInfo[]): void;
  onMic(mic: MediaDeviceInfo): void;
  onTrackStarted(track: MediaStreamTrack): void;
  onTrackStopped(track: MediaStreamTrack): void;
  onError(error: DeviceError): void;
}

export class Devices {
  /** The open microphone; undefined while there is none. */
  mic: LocalAudioTrack | undefined;
  selectedMic: Device = {};
  selectedSpeaker: Device = {};
  private _track: MediaStreamTrack | undefined;
  private _micId: string | undefined;
  private _watching = false;

  constructor(
    private readonly _handlers: DeviceHandlers,
    private readonly _capture: AudioCaptureOptions,
  ) {}

  /** Reports the devices there are, now and whenever they change. */
  async watch(): Promise<void> {
    if (!this._watching) {
      this._watching = true;
      mediaDevices()?.addEventListener("devicechange", this._onDeviceChange);
    }
    await this._report();
  }

  /** Devices of a kind; without permission for it their names are empty. */
  async list(kind: MediaDeviceKind): Promise<MediaDeviceInfo[]> {
    const devices = (await mediaDevices()?.enumerateDevices()) ?? [];
    return devices.filter((device) => device.kind === kind && device.deviceId !== "");
  }

  /** Opens the microphone, unless it is open. What went wrong is reported and yields undefined. */
  async open(): Promise<LocalAudioTrack | undefined> {
    if (this.mic !== undefined) return this.mic;
    try {
      if (mediaDevices() === undefined) throw new DeviceError(["mic"], "undefined-mediadevices");
      const mic = await createLocalAudioTrack({ ...this._capture, ...(this._micId === undefined ? {} : { deviceId: this._micId }) });
      this.mic = mic;
      mic.on(TrackEvent.Ended, () => {
        if (this.mic !== mic) return;
        this.close();
        this._handlers.onError(new DeviceError(["mic"], "not-found", "The microphone is gone"));
      });
      await this._opened(mic);
      return mic;
    } catch (error) {
      this._handlers.onError(asDeviceError(error));
      return undefined;
    }
  }

  /** Takes another microphone: at once when one is open, else with the next opening. */
  async select(deviceId: string): Promise<void> {
    this._micId = deviceId;
    const { mic } = this;
    try {
      if (mic !== undefined) {
        await mic.setDeviceId({ exact: deviceId });
        await this._opened(mic);
        return;
      }
    } catch (error) {
      this._handlers.onError(asDeviceError(error));
      return;
    }
    const chosen = (await this.list("audioinput")).find((device) => device.deviceId === deviceId);
    if (chosen !== undefined) this._handlers.onMic((this.selectedMic = chosen));
  }

  /** Closes the microphone; the browser's sign for it goes out. */
  close(): void {
    this.mic?.stop();
    this.mic = undefined;
    this._stopped();
  }

  /** Stops watching, too. */
  release(): void {
    this.close();
    this._watching = false;
    mediaDevices()?.removeEventListener("devicechange", this._onDeviceChange);
  }

  private async _opened(mic: LocalAudioTrack): Promise<void> {
    const track = mic.mediaStreamTrack;
    if (track !== this._track) {
      this._stopped();
      this._track = track;
      this._handlers.onTrackStarted(track);
    }
    // The names of the devices are known from now on.
    const mics = await this._report();
    const { deviceId } = track.getSettings();
    const used = mics.find((device) => device.deviceId === deviceId) ?? mics[0];
    if (used !== undefined && this.mic === mic) this._handlers.onMic((this.selectedMic = used));
  }

  private _stopped(): void {
    const track = this._track;
    this._track = undefined;
    if (track !== undefined) this._handlers.onTrackStopped(track);
  }

  private async _report(): Promise<MediaDeviceInfo[]> {
    const mics = await this.list("audioinput");
    this._handlers.onMics(mics);
    this._handlers.onSpeakers(await this.list("audiooutput"));
    return mics;
  }

  private readonly _onDeviceChange = (): void => {
    void this._report();
  };
}

/** Undefined outside secure contexts, whatever the DOM's types say. */
function mediaDevices(): MediaDevices | undefined {
  return (navigator as Partial<Navigator>).mediaDevices;
}

const ERROR_TYPES: Readonly<Record<string, DeviceErrorType>> = {
  NotAllowedError: "permissions",
  SecurityError: "permissions",
  NotFoundError: "not-found",
  NotReadableError: "in-use",
  AbortError: "in-use",
  OverconstrainedError: "constraints",
};

function asDeviceError(error: unknown): DeviceError {
  if (error instanceof DeviceError) return error;
  const { name = "", message } = error as { readonly name?: string; readonly message?: string };
  return new DeviceError(["mic"], ERROR_TYPES[name] ?? "unknown", message);
}
