/** `voice-assistant/transport`: our rooms for `PipecatClient` of `@pipecat-ai/client-js`. */

export { LiveKitTransport } from "./livekit-transport.ts";
export type { LiveKitConnectionParams, LiveKitTransportOptions } from "./livekit-transport.ts";
