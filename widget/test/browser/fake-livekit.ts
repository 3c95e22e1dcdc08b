/**
 * A LiveKit room without a server, in place of livekit-client in the tests' session chunk.
 *
 * Everything else of the widget is real. `window.fakeRoom` is the test's hand on it: it lets the
 * bot come and go, speak and send, and keeps what the widget published.
 */

type Listener = (...args: unknown[]) => void;

export const RoomEvent = new Proxy({}, { get: (_, name) => String(name) });
export const ParticipantKind = { STANDARD: 0, AGENT: 4 };
export const DisconnectReason = { DUPLICATE_IDENTITY: 2, ROOM_DELETED: 5, PARTICIPANT_REMOVED: 4, ROOM_CLOSED: 10 };
export const Track = { Kind: { Audio: "audio" }, Source: { Microphone: "microphone" } };
export const LoggerNames = {};
export const getLogger = (): void => undefined;

export class LocalAudioTrack {
  isMuted = false;
  source = "";
  constructor(public mediaStreamTrack: MediaStreamTrack) {}
  mute(): Promise<void> {
    this.isMuted = true;
    this.mediaStreamTrack.enabled = false;
    return Promise.resolve();
  }
  unmute(): Promise<void> {
    this.isMuted = false;
    this.mediaStreamTrack.enabled = true;
    return Promise.resolve();
  }
  replaceTrack(track: MediaStreamTrack): Promise<void> {
    this.mediaStreamTrack = track;
    return Promise.resolve();
  }
  stop(): void {
    this.mediaStreamTrack.stop();
  }
}

const BOT = { identity: "bot-1", kind: ParticipantKind.AGENT, audioTrackPublications: new Map() };

export class Room {
  canPlaybackAudio = true;
  readonly remoteParticipants = new Map<string, typeof BOT>();
  readonly published: LocalAudioTrack[] = [];
  readonly sent: { type: string; data?: unknown }[] = [];
  readonly #listeners = new Map<string, Listener[]>();
  readonly localParticipant = {
    publishTrack: (track: LocalAudioTrack) => Promise.resolve(void this.published.push(track)),
    publishData: (payload: Uint8Array) => {
      const message = JSON.parse(new TextDecoder().decode(payload)) as { type: string };
      this.sent.push(message);
      if (message.type === "client-ready") this.bot("bot-ready", { version: "2.2.0" });
      if (message.type === "disconnect-bot") this.emit("ParticipantDisconnected", BOT);
      return Promise.resolve();
    },
  };

  on(name: string, listener: Listener): this {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
    return this;
  }
  emit(name: string, ...args: unknown[]): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(...args);
  }
  removeAllListeners(): void {
    this.#listeners.clear();
  }
  startAudio(): Promise<void> {
    return Promise.resolve();
  }
  connect(): Promise<void> {
    this.remoteParticipants.set(BOT.identity, BOT);
    Object.assign(window, { fakeRoom: this });
    return Promise.resolve();
  }
  disconnect(): Promise<void> {
    return Promise.resolve();
  }
  /** A message of the bot. */
  bot(type: string, data: unknown = {}): void {
    const payload = new TextEncoder().encode(JSON.stringify({ label: "rtvi-ai", type, data }));
    setTimeout(() => {
      this.emit("DataReceived", payload, BOT);
    });
  }
}
