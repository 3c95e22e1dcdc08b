/** The LiveKit room: microphone up, the bot's voice down through one audio element, data both ways. */

import {
  DisconnectReason,
  LocalAudioTrack,
  LoggerNames,
  ParticipantKind,
  Room,
  RoomEvent,
  Track,
  getLogger,
  type LocalTrack,
  type Participant,
  type RemoteTrack,
} from "livekit-client";

import { Pulse } from "./pulse.ts";

// A hosted page's console is not ours; LiveKit logs at info by default. Its setLogLevel() would
// write each level into the page's localStorage.
for (const name of Object.values(LoggerNames)) getLogger(name).setDefaultLevel("silent");

/** What livekit-client keeps to itself, and does not let go of. */
interface Internals {
  /** Removes a room's listener to devices when the room is collected, which that listener's own scope prevents. */
  cleanupRegistry: unknown;
  readonly handleDeviceChange: EventListener;
}

// Without it each room listens by a method of its own, which leave() takes away.
(Room as unknown as Pick<Internals, "cleanupRegistry">).cleanupRegistry = false;

export type LeaveReason = "moved" | "closed" | "lost";

export interface RoomHandlers {
  /** Bytes from the bot; those of anybody else are dropped. */
  onData(payload: Uint8Array): void;
  onBot(present: boolean): void;
  onBotTrack(track: MediaStreamTrack): void;
  onReconnecting(): void;
  onReconnected(): void;
  /** The browser holds back the sound until a gesture. */
  onAudioBlocked(blocked: boolean): void;
  /** The microphone's device is gone. */
  onMicLost(): void;
  onLeft(reason: LeaveReason): void;
}

const CONNECT_TIMEOUT_MS = 12_000;

export class CallRoom {
  readonly #room: Room;
  readonly #handlers: RoomHandlers;
  readonly #audio: HTMLAudioElement | null;
  readonly #pulse: Pulse;
  #mic: LocalAudioTrack | null = null;
  /** LiveKit's client has noticed by itself, and says when it is over. */
  #reconnecting = false;
  #left = false;

  /** @param audio plays the bot, null for nobody; attached to the page once, so that iOS keeps its permission. */
  constructor(audio: HTMLAudioElement | null, handlers: RoomHandlers) {
    this.#audio = audio;
    this.#handlers = handlers;
    audio?.addEventListener("playing", this.#onPlaying);
    this.#pulse = new Pulse(
      () => {
        handlers.onReconnecting();
      },
      () => {
        if (!this.#reconnecting) handlers.onReconnected();
      },
    );
    this.#room = new Room({ adaptiveStream: false, dynacast: false, disconnectOnPageLeave: false });
    this.#room
      .on(RoomEvent.DataReceived, (payload, participant) => {
        if (participant !== undefined && isBot(participant)) handlers.onData(payload);
      })
      .on(RoomEvent.ParticipantConnected, (participant) => {
        if (isBot(participant)) handlers.onBot(true);
      })
      .on(RoomEvent.ParticipantDisconnected, (participant) => {
        if (isBot(participant)) handlers.onBot(false);
      })
      .on(RoomEvent.TrackSubscribed, (track, _publication, participant) => {
        if (isBot(participant)) this.#play(track);
      })
      .on(RoomEvent.TrackUnsubscribed, (track) => {
        track.detach();
        this.#pulse.stop();
      })
      .on(RoomEvent.AudioPlaybackStatusChanged, () => {
        // Firefox refuses to play and then plays, once it knows of the visitor's gesture.
        if (!this.#room.canPlaybackAudio && audio?.paused === false) void this.startAudio();
        else handlers.onAudioBlocked(!this.#room.canPlaybackAudio);
      })
      .on(RoomEvent.Reconnecting, this.#onReconnecting)
      .on(RoomEvent.SignalReconnecting, this.#onReconnecting)
      .on(RoomEvent.Reconnected, () => {
        this.#reconnecting = false;
        handlers.onReconnected();
      })
      .on(RoomEvent.Disconnected, (reason) => {
        if (this.#left) return;
        this.#left = true;
        handlers.onLeft(leaveReason(reason));
      });
  }

  get hasBot(): boolean {
    return [...this.#room.remoteParticipants.values()].some(isBot);
  }

  get canPlay(): boolean {
    return this.#room.canPlaybackAudio;
  }

  /** Joins the room. Throws when it cannot; the room is then left. */
  async join(url: string, token: string): Promise<void> {
    await this.#room.connect(url, token, { autoSubscribe: true, maxRetries: 1, websocketTimeout: CONNECT_TIMEOUT_MS });
    if (this.hasBot) this.#handlers.onBot(true);
  }

  /** Publishes the microphone, in place of an earlier one; the room owns the track from here on. */
  async publish(track: MediaStreamTrack): Promise<void> {
    track.addEventListener("ended", () => {
      if (this.#mic?.mediaStreamTrack === track && !this.#left) this.#handlers.onMicLost();
    });
    if (this.#mic !== null) {
      const old = this.#mic.mediaStreamTrack;
      await this.#mic.replaceTrack(track, { userProvidedTrack: true, stopProcessor: true });
      old.stop();
      return;
    }
    const mic = new LocalAudioTrack(track);
    mic.source = Track.Source.Microphone;
    this.#mic = mic;
    // Its types were not written for exactOptionalPropertyTypes.
    await this.#room.localParticipant.publishTrack(mic as LocalTrack, { source: Track.Source.Microphone, dtx: true, red: true });
  }

  async setMuted(muted: boolean): Promise<void> {
    await (muted ? this.#mic?.mute() : this.#mic?.unmute());
  }

  /** Silences the microphone without telling the room: quick enough for push to talk. */
  setTalking(talking: boolean): void {
    if (this.#mic !== null) this.#mic.mediaStreamTrack.enabled = talking;
  }

  /** Lets the sound start; only effective inside a gesture where the browser wants one. */
  async startAudio(): Promise<void> {
    await this.#room.startAudio().catch(() => undefined);
    this.#handlers.onAudioBlocked(!this.#room.canPlaybackAudio);
  }

  async send(payload: Uint8Array): Promise<void> {
    await this.#room.localParticipant.publishData(payload as Uint8Array<ArrayBuffer>, { reliable: true });
  }

  /** Neither hears nor is heard any more; data still goes. */
  hush(): void {
    this.#left = true;
    this.#pulse.stop();
    this.#mic?.stop();
    this.#mic = null;
    for (const participant of this.#room.remoteParticipants.values()) {
      for (const { track } of participant.audioTrackPublications.values()) track?.detach();
    }
  }

  /** Leaves at once. No handler is called any more. */
  async leave(): Promise<void> {
    this.hush();
    this.#audio?.removeEventListener("playing", this.#onPlaying);
    this.#room.removeAllListeners();
    await this.#room.disconnect(true).catch(() => undefined);
    // Undefined outside secure contexts, whatever the DOM types say.
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    devices?.removeEventListener("devicechange", (this.#room as unknown as Internals).handleDeviceChange);
  }

  readonly #onReconnecting = (): void => {
    this.#reconnecting = true;
    this.#handlers.onReconnecting();
  };

  /** Sound that was held back has started by itself, after a gesture elsewhere on the page. */
  readonly #onPlaying = (): void => {
    if (!this.#left && !this.#room.canPlaybackAudio) void this.startAudio();
  };

  #play(track: RemoteTrack): void {
    if (track.kind !== Track.Kind.Audio) return;
    // To attach a track unmutes its element.
    if (this.#audio !== null) track.attach(this.#audio);
    this.#pulse.watch(track);
    this.#handlers.onBotTrack(track.mediaStreamTrack);
  }
}

function isBot(participant: Participant): boolean {
  return participant.kind === ParticipantKind.AGENT || participant.identity.startsWith("bot-");
}

function leaveReason(reason: DisconnectReason | undefined): LeaveReason {
  switch (reason) {
    case DisconnectReason.DUPLICATE_IDENTITY:
      return "moved";
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
    case DisconnectReason.PARTICIPANT_REMOVED:
      return "closed";
    default:
      return "lost";
  }
}
