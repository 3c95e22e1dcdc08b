/** A page of a developer who uses `@pipecat-ai/client-react` with our transport, driven by tests/e2e. */

import { PipecatClient, RTVIEvent } from "@pipecat-ai/client-js";
import {
  PipecatClientAudio,
  PipecatClientProvider,
  usePipecatClient,
  usePipecatClientMediaDevices,
  usePipecatClientMicControl,
  usePipecatClientTransportState,
  useRTVIClientEvent,
} from "@pipecat-ai/client-react";
import { createElement, useCallback, useState, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { LiveKitTransport } from "voice-assistant/transport";

const endpoint = new URLSearchParams(location.search).get("door") ?? "";
const client = new PipecatClient({ transport: new LiveKitTransport() });

function Panel(): ReactNode {
  const state = usePipecatClientTransportState();
  const { enableMic, isMicEnabled } = usePipecatClientMicControl();
  const { availableMics, selectedMic } = usePipecatClientMediaDevices();
  const pipecat = usePipecatClient();
  const [said, setSaid] = useState("");
  useRTVIClientEvent(
    RTVIEvent.BotOutput,
    useCallback(({ text }: { text: string }) => {
      setSaid((before) => `${before} ${text}`);
    }, []),
  );
  const button = (name: string, run: () => void): ReactNode => createElement("button", { onClick: run }, name);
  return createElement(
    "main",
    null,
    createElement("output", { "aria-label": "state" }, state),
    createElement("output", { "aria-label": "mic" }, isMicEnabled ? "on" : "off"),
    createElement("output", { "aria-label": "mics" }, `${availableMics.length} ${selectedMic.label}`),
    createElement("p", { role: "log" }, said),
    button("Connect", () => void pipecat?.startBotAndConnect({ endpoint, requestData: {} })),
    button("Mute", () => {
      enableMic(!isMicEnabled);
    }),
    button("Ask", () => void pipecat?.sendText("What does an account cost?")),
    button("Leave", () => void pipecat?.disconnect()),
  );
}

const root = document.body.appendChild(document.createElement("div"));
createRoot(root).render(
  createElement(PipecatClientProvider, { client }, createElement(Panel), createElement(PipecatClientAudio)),
);
