/**
 * RTVI over a LiveKit room, for `PipecatClient` of `@pipecat-ai/client-js` 1.x.
 *
 * Audio only. As with other transports the page plays the bot's track (`PipecatClientAudio`, or an
 * audio element fed by `trackStarted`). Members are private by convention: client-js hands the
 * transport out behind a proxy, through which `#private` ones cannot be reached.
 */

import {
  InvalidTransportParamsError,
  RTVIMessage,
  Transport,
  TransportStartError,
  UnsupportedFeatureError,
  type Participant as ClientParticipant,
  type PipecatClientOptions,
  type Tracks,
  type TransportState,
} from "@pipecat-ai/client-js";
import {
  ConnectionState,
  DisconnectReason,
  Room,
  RoomEvent,
  Track,
  type AudioCaptureOptions,
  type LocalTrack,
  type Participant,
  type RemoteParticipant,
  type RemoteTrack,
  type RoomOptions,
} from "livekit-client";
import { BotWatch } from "./bot-watch.ts";
import { Devices, type Device } from "./devices.ts";
import { Handshake } from "./handshake.ts";
import { isBotReady, isFarewell, parseMessage } from "./messages.ts";

/** What `connect()` takes: the answer of POST /connect, or any LiveKit address and token. */
export interface LiveKitConnectionParams {
  readonly url: string;
  readonly token: string;
}

export interface LiveKitTransportOptions {
  readonly room?: RoomOptions;
  /** How the microphone is captured; livekit-client's defaults where nothing is said. */
  readonly microphone?: AudioCaptureOptions;
  /** Who of the others is the bot: by default agents, and identities that begin with `bot-`. */
  readonly isBot?: (participant: RemoteParticipant) => boolean;
}

/** Our server reads no larger packet (docs/protocol.md). */
const MAX_MESSAGE_BYTES = 15_000;

export class LiveKitTransport extends Transport {
  private readonly _roomOptions: RoomOptions;
  private readonly _isBot: (participant: RemoteParticipant) => boolean;
  private readonly _devices: Devices;
  private _room: Room | undefined;
  private _bot: BotWatch;
  private _micEnabled = true;
  private _handshake: Handshake | undefined;
  private _leaving: Promise<void> | undefined;

  constructor({ room = {}, microphone = {}, isBot = isAgent }: LiveKitTransportOptions = {}) {
    super();
    this._roomOptions = room;
    this._isBot = isBot;
    this._bot = this._watch();
    this._maxMessageSize = MAX_MESSAGE_BYTES;
    this._devices = new Devices(
      {
        onMics: (mics) => this._callbacks.onAvailableMicsUpdated?.(mics),
        onSpeakers: (speakers) => this._callbacks.onAvailableSpeakersUpdated?.(speakers),
        onMic: (mic) => this._callbacks.onMicUpdated?.(mic),
        onTrackStarted: (track) => this._callbacks.onTrackStarted?.(track, this._self),
        onTrackStopped: (track) => this._callbacks.onTrackStopped?.(track, this._self),
        onError: (error) => {
          this._micEnabled = false;
          this._callbacks.onDeviceError?.(error);
        },
      },
      microphone,
    );
  }

  override initialize(options: PipecatClientOptions, messageHandler: (message: RTVIMessage) => void): void {
    this._options = options;
    this._callbacks = options.callbacks ?? {};
    this._onMessage = messageHandler;
    this._micEnabled = options.enableMic ?? true;
    if (options.enableCam === true) this._unsupported("enableCam");
    if (options.enableScreenShare === true) this._unsupported("enableScreenShare");
    this.state = "disconnected";
  }

  /** Asks for the microphone unless `enableMic` is false. A refusal is reported; text still goes. */
  override async initDevices(): Promise<void> {
    const during = this._room !== undefined;
    if (!during) this.state = "initializing";
    await this._devices.watch();
    this._micEnabled = this._options.enableMic ?? true;
    if (this._micEnabled) await this._applyMic();
    if (!during) this.state = "initialized";
  }

  override _validateConnectionParams(params?: unknown): LiveKitConnectionParams {
    const { url, token } = (params ?? {}) as Partial<Record<string, unknown>>;
    if (typeof url !== "string" || typeof token !== "string" || url === "" || token === "") {
      throw new InvalidTransportParamsError("url and token of a LiveKit room are needed");
    }
    return { url, token };
  }

  override async _connect(params?: unknown): Promise<void> {
    const { url, token } = this._validateConnectionParams(params);
    const signal = this._abortController?.signal;
    this.state = "connecting";
    this._bot = this._watch();
    const room = (this._room = this._listen(new Room(this._roomOptions)));
    try {
      await this._devices.watch();
      await room.connect(url, token);
      if (this._micEnabled) await this._publish();
    } catch (error) {
      throw new TransportStartError(error instanceof Error ? error.message : undefined);
    }
    if (signal?.aborted === true || this._room !== room) throw new TransportStartError("The connection was given up");
    this.state = "connected";
    this._callbacks.onConnected?.();
    for (const participant of room.remoteParticipants.values()) this._joined(participant);
  }

  /** Ends the call for the bot, too. */
  override _disconnect(): Promise<void> {
    if (this._state === "disconnected") return Promise.resolve();
    return (this._leaving ??= this._leave().finally(() => (this._leaving = undefined)));
  }

  /** Tells the bot that the page is ready, until it says so too; rejects when it never does. */
  // eslint-disable-next-line @typescript-eslint/no-misused-promises -- PipecatClient awaits it
  override sendReadyMessage(): Promise<void> {
    const handshake = (this._handshake = new Handshake(
      () => {
        if (this._room?.state === ConnectionState.Connected) this.sendMessage(RTVIMessage.clientReady());
      },
      (message) => new TransportStartError(message),
    ));
    if (this._bot.participant !== undefined) handshake.ask();
    return handshake.done;
  }

  override get state(): TransportState {
    return this._state;
  }

  override set state(state: TransportState) {
    if (state === this._state) return;
    this._state = state;
    this._callbacks.onTransportStateChanged?.(state);
  }

  override sendMessage(message: RTVIMessage): void {
    const room = this._room;
    if (room?.state !== ConnectionState.Connected) throw new Error("There is no connection to send a message on");
    room.localParticipant.publishData(new TextEncoder().encode(JSON.stringify(message)), { reliable: true }).catch((error: unknown) => {
      this._callbacks.onError?.(RTVIMessage.error(error instanceof Error ? error.message : "The message was not sent"));
    });
  }

  override tracks(): Tracks {
    const mic = this._devices.mic?.mediaStreamTrack;
    return {
      local: mic === undefined ? {} : { audio: mic },
      ...(this._bot.participant === undefined ? {} : { bot: this._bot.audio === undefined ? {} : { audio: this._bot.audio } }),
    };
  }

  override getAllMics(): Promise<MediaDeviceInfo[]> {
    return this._devices.list("audioinput");
  }

  override getAllSpeakers(): Promise<MediaDeviceInfo[]> {
    return this._devices.list("audiooutput");
  }

  override getAllCams(): Promise<MediaDeviceInfo[]> {
    return Promise.resolve([]);
  }

  override updateMic(micId: string): void {
    void this._devices.select(micId);
  }

  /** The page plays the bot, so the page switches its element, on `speakerUpdated`. */
  override updateSpeaker(speakerId: string): void {
    void this.getAllSpeakers().then((speakers) => {
      const speaker = speakers.find(({ deviceId }) => deviceId === speakerId);
      if (speaker !== undefined) this._callbacks.onSpeakerUpdated?.((this._devices.selectedSpeaker = speaker));
    });
  }

  override updateCam(): void {
    this._unsupported("updateCam");
  }

  override get selectedMic(): Device {
    return this._devices.selectedMic;
  }

  override get selectedSpeaker(): Device {
    return this._devices.selectedSpeaker;
  }

  override get selectedCam(): Device {
    return {};
  }

  override enableMic(enable: boolean): void {
    this._micEnabled = enable;
    void this._applyMic();
  }

  override enableCam(enable: boolean): void {
    if (enable) this._unsupported("enableCam");
  }

  override enableScreenShare(enable: boolean): void {
    if (enable) this._unsupported("enableScreenShare");
  }

  override get isMicEnabled(): boolean {
    return this._micEnabled;
  }

  override get isCamEnabled(): boolean {
    return false;
  }

  override get isSharingScreen(): boolean {
    return false;
  }

  private get _self(): ClientParticipant {
    const local = this._room?.localParticipant;
    return { id: local?.identity ?? "", name: local?.name ?? "", local: true };
  }

  private _unsupported(feature: string): void {
    this._callbacks.onUnsupportedFeature?.(new UnsupportedFeatureError(feature, "LiveKitTransport", "it is for voice"));
  }

  private async _applyMic(): Promise<void> {
    if (!this._micEnabled) await this._devices.mic?.mute();
    else if (this._room?.state === ConnectionState.Connected) await this._publish();
    else await this._devices.open();
    if (this._micEnabled) await this._devices.mic?.unmute();
  }

  private async _publish(): Promise<void> {
    const room = this._room;
    const mic = await this._devices.open();
    if (room === undefined || mic === undefined || room.localParticipant.getTrackPublication(Track.Source.Microphone)?.track === mic) return;
    // Its types were not written for exactOptionalPropertyTypes.
    await room.localParticipant.publishTrack(mic as LocalTrack, { source: Track.Source.Microphone });
  }

  private _listen(room: Room): Room {
    return room
      .on(RoomEvent.ParticipantConnected, (participant) => {
        // Those in the room before us are told after `connected`.
        if (this._state === "connected" || this._state === "ready") this._joined(participant);
      })
      .on(RoomEvent.ParticipantDisconnected, (participant) => {
        this._left(participant);
      })
      .on(RoomEvent.DataReceived, (payload, participant) => {
        if (participant !== undefined && this._isBot(participant)) this._receive(payload);
      })
      .on(RoomEvent.TrackSubscribed, (track, _publication, participant) => {
        if (track.kind !== Track.Kind.Audio || !this._isBot(participant)) return;
        this._bot.audio = track.mediaStreamTrack;
        this._callbacks.onTrackStarted?.(track.mediaStreamTrack, asParticipant(participant));
      })
      .on(RoomEvent.TrackUnsubscribed, (track: RemoteTrack, _publication, participant) => {
        if (track.mediaStreamTrack !== this._bot.audio) return;
        this._bot.audio = undefined;
        this._callbacks.onTrackStopped?.(track.mediaStreamTrack, asParticipant(participant));
      })
      .on(RoomEvent.ActiveSpeakersChanged, () => {
        this._callbacks.onLocalAudioLevel?.(room.localParticipant.audioLevel);
        const bot = this._bot.participant;
        if (bot !== undefined) this._callbacks.onRemoteAudioLevel?.(bot.audioLevel, asParticipant(bot));
      })
      .on(RoomEvent.Disconnected, (reason) => {
        if (this._room === room && this._leaving === undefined) this._closed(reason);
      });
  }

  private _joined(participant: RemoteParticipant): void {
    if (!this._isBot(participant)) {
      this._callbacks.onParticipantJoined?.(asParticipant(participant));
      return;
    }
    const which = this._bot.joined(participant);
    // It knows the conversation, and waits to be told that somebody listens.
    if (which === "another") this.sendReadyMessage().catch(() => undefined);
    if (which !== "first") return;
    this._callbacks.onParticipantJoined?.(asParticipant(participant));
    this._callbacks.onBotConnected?.(asParticipant(participant));
    this._handshake?.ask();
  }

  private _left(participant: RemoteParticipant): void {
    if (this._isBot(participant)) this._bot.away();
    else this._callbacks.onParticipantLeft?.(asParticipant(participant));
  }

  private _watch(): BotWatch {
    return new BotWatch((bot) => {
      this._handshake?.fail("The bot left");
      this._callbacks.onParticipantLeft?.(asParticipant(bot));
      this._callbacks.onBotDisconnected?.(asParticipant(bot));
    });
  }

  private _receive(payload: Uint8Array): void {
    const message = parseMessage(payload);
    if (message === undefined) return;
    if (isBotReady(message) && this._handshake !== undefined) {
      this.state = "ready";
      this._handshake.succeed();
      this._handshake = undefined;
    }
    if (isFarewell(message)) this._bot.farewell = true;
    this._onMessage(message);
  }

  /** The room is gone without our doing. */
  private _closed(reason: DisconnectReason | undefined): void {
    const over = reason === DisconnectReason.ROOM_DELETED || reason === DisconnectReason.PARTICIPANT_REMOVED;
    if (!over) this._callbacks.onError?.(RTVIMessage.error("The connection was lost", true));
    this._bot.left();
    void this._disconnect();
  }

  private async _leave(): Promise<void> {
    this.state = "disconnecting";
    const { _room: room, _bot: bot } = this;
    const { participant } = bot;
    bot.stop();
    this._handshake?.fail("The connection was given up");
    this._handshake = undefined;
    this._devices.release();
    if (room?.state === ConnectionState.Connected && participant !== undefined) {
      this.sendMessage(RTVIMessage.disconnectBot());
      await bot.goodbye();
    }
    const { audio } = bot;
    bot.stop();
    this._room = undefined;
    this._bot = this._watch();
    room?.removeAllListeners();
    await room?.disconnect(true);
    if (audio !== undefined) this._callbacks.onTrackStopped?.(audio, participant && asParticipant(participant));
    this.state = "disconnected";
    if (room !== undefined) this._callbacks.onDisconnected?.();
  }
}

function isAgent(participant: RemoteParticipant): boolean {
  return participant.isAgent || participant.identity.startsWith("bot-");
}

function asParticipant({ identity, name = "", isLocal }: Participant): ClientParticipant {
  return { id: identity, name, local: isLocal };
}
