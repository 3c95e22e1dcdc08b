/** A page of a developer who uses `PipecatClient` with our transport, driven by tests/e2e. */

import { PipecatClient, RTVIEvent } from "@pipecat-ai/client-js";
import { LiveKitTransport } from "voice-assistant/transport";

const events: string[] = [];
const spoken: string[] = [];
const heard: string[] = [];
const audio = document.body.appendChild(document.createElement("audio"));
audio.autoplay = true;

const client = new PipecatClient({
  transport: new LiveKitTransport({ microphone: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } }),
  enableMic: !location.search.endsWith("text"),
  callbacks: {
    onTransportStateChanged: (state) => events.push(state),
    onBotConnected: (participant) => events.push(`bot-connected ${participant.id.slice(0, 4)}`),
    onBotDisconnected: () => events.push("bot-disconnected"),
    onDisconnected: () => events.push("gone"),
    onError: (message) => events.push(`error ${JSON.stringify(message.data)}`),
    onUserTranscript: ({ text, final }) => {
      if (final) heard.push(text);
    },
    onBotOutput: ({ text }) => spoken.push(text),
    onBotStartedSpeaking: () => events.push("bot-started-speaking"),
    onBotStoppedSpeaking: () => events.push("bot-stopped-speaking"),
    onDeviceError: (error) => events.push(`device ${error.type}`),
    onUnsupportedFeature: (error) => events.push(`unsupported ${error.feature}`),
    onMicUpdated: (mic) => events.push(`mic ${mic.label}`),
    onTrackStarted: (track, participant) => {
      events.push(`track ${participant?.local === true ? "mine" : "bot's"}`);
      if (participant?.local !== true) audio.srcObject = new MediaStream([track]);
    },
    onTrackStopped: (_track, participant) => events.push(`track off ${participant?.local === true ? "mine" : "bot's"}`),
  },
});

let level = 0;
client.on(RTVIEvent.RemoteAudioLevel, (now) => {
  level = Math.max(level, now);
});

Object.assign(window, {
  client,
  events,
  spoken,
  heard,
  level: () => level,
  start: async () => {
    const endpoint = new URLSearchParams(location.search).get("door") ?? "";
    const { version } = await client.startBotAndConnect({ endpoint, requestData: {} });
    return `${client.state} ${version}`;
  },
});
