/** The microphone's permission, device and errors, in the widget's words. */

import type { MicProblem } from "./state.ts";

/** Capture settings; all on by default. Turn them off only to measure audio. */
export interface MicSettings {
  echoCancellation: boolean;
  noiseSuppression: boolean;
  autoGainControl: boolean;
}

export const DEFAULT_MIC: MicSettings = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

export class MicError extends Error {
  override readonly name = "MicError";
  constructor(readonly problem: MicProblem) {
    super(problem);
  }
}

interface PolicyDocument {
  readonly featurePolicy?: { allowsFeature(feature: string): boolean };
}

/**
 * Opens the microphone, asking the visitor when the browser has to.
 *
 * @param deviceId the one to open; "" is the system's default.
 * @throws MicError saying why there is none.
 */
export async function openMic(settings: MicSettings, deviceId = ""): Promise<MediaStreamTrack> {
  // Undefined outside secure contexts, whatever the DOM types say.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices?.getUserMedia === undefined) throw new MicError(isSecureContext ? "missing" : "insecure");
  if ((document as PolicyDocument).featurePolicy?.allowsFeature("microphone") === false) throw new MicError("blocked");
  try {
    const stream = await devices.getUserMedia({
      audio: { ...settings, channelCount: 1, ...(deviceId === "" ? {} : { deviceId: { exact: deviceId } }) },
    });
    const track = stream.getAudioTracks()[0];
    if (track === undefined) throw new MicError("missing");
    return track;
  } catch (error) {
    throw error instanceof MicError ? error : new MicError(problemOf(error));
  }
}

/** Whether the microphone opens without a question to the visitor. */
export async function isMicGranted(): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: "microphone" })).state === "granted";
  } catch {
    return false;
  }
}

/** The problem behind what getUserMedia threw; exported for its tests. */
export function problemOf(error: unknown): MicProblem {
  switch ((error as { name?: unknown } | null)?.name) {
    case "NotFoundError":
    case "OverconstrainedError":
      return "missing";
    case "NotReadableError":
    case "AbortError":
      return "in_use";
    default:
      return "denied";
  }
}
