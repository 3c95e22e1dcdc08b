/** How loud each side is, in five bands of the voice: 0 (silence) to 1. From the real audio. */

/** Edges (Hz) between which a voice has its energy, from its pitch to its consonants. */
const BAND_EDGES_HZ = [90, 250, 500, 1_000, 2_000, 4_500] as const;
export const BANDS = BAND_EDGES_HZ.length - 1;
export const SILENCE: readonly number[] = Array.from({ length: BANDS }, () => 0);

/** Frequencies of 47 Hz at a sample rate of 48 kHz, in 21 ms. */
const FFT_SIZE = 1_024;
/** Speech in a WebRTC track: a room's noise lies below, the loudest vowels reach the top. */
const MIN_DECIBELS = -75;
const MAX_DECIBELS = -25;

interface Input {
  readonly source: MediaStreamAudioSourceNode;
  readonly node: AnalyserNode;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export class LevelMeter {
  #context: AudioContext | null = null;
  readonly #inputs = new Map<string, Input>();
  readonly #waiting = new Map<string, MediaStreamTrack>();

  /** Measures `track` under a name; replaces the name's earlier track. */
  add(name: string, track: MediaStreamTrack): void {
    this.#waiting.set(name, track);
  }

  /** The bands of the named track now. */
  read(name: string): readonly number[] {
    const waiting = this.#waiting.get(name);
    // Before a gesture, a browser refuses an AudioContext and says so in the page's console.
    if (waiting !== undefined && navigator.userActivation.hasBeenActive) this.#connect(name, waiting);
    const input = this.#inputs.get(name);
    if (input === undefined || this.#context === null) return SILENCE;
    input.node.getByteFrequencyData(input.bytes);
    return bands(input.bytes, this.#context.sampleRate);
  }

  close(): void {
    for (const { source } of this.#inputs.values()) source.disconnect();
    this.#inputs.clear();
    this.#waiting.clear();
    this.#context?.close().catch(() => undefined);
    this.#context = null;
  }

  #connect(name: string, track: MediaStreamTrack): void {
    this.#waiting.delete(name);
    try {
      this.#context ??= new AudioContext();
      this.#inputs.get(name)?.source.disconnect();
      const source = this.#context.createMediaStreamSource(new MediaStream([track]));
      const node = this.#context.createAnalyser();
      node.fftSize = FFT_SIZE;
      node.minDecibels = MIN_DECIBELS;
      node.maxDecibels = MAX_DECIBELS;
      node.smoothingTimeConstant = 0.6;
      source.connect(node);
      this.#inputs.set(name, { source, node, bytes: new Uint8Array(node.frequencyBinCount) });
      void this.#context.resume();
    } catch {
      // A decoration only: a browser without Web Audio shows a still picture.
    }
  }
}

/**
 * The level of each band, 0 to 1.
 *
 * @param spectrum an analyser's bytes: 255 at full scale, evenly spaced up to half the sample rate.
 */
export function bands(spectrum: Uint8Array, sampleRateHz: number): number[] {
  const binHz = sampleRateHz / 2 / spectrum.length;
  return Array.from({ length: BANDS }, (_, band) => {
    const from = Math.round((BAND_EDGES_HZ[band] ?? 0) / binHz);
    const to = Math.max(from + 1, Math.round((BAND_EDGES_HZ[band + 1] ?? 0) / binHz));
    const bins = spectrum.subarray(from, to);
    return bins.length === 0 ? 0 : bins.reduce((sum, byte) => sum + byte, 0) / bins.length / 255;
  });
}

/** One number for all bands: the loudest counts most, as it does to an ear. */
export function loudness(levels: readonly number[]): number {
  return Math.max(0, ...levels);
}
