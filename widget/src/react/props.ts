/** What the React component takes: the element's attributes, properties and events, typed. */

import type { HTMLAttributes, Ref } from "react";
import type { VoiceAssistantEventMap } from "../events.ts";
import type { VoiceAssistantElement } from "../voice-assistant-element.ts";

/** `onva-state`, `onva-error`, … as React 19 spells listeners of custom elements. */
export type VoiceAssistantHandlers = {
  [Name in keyof VoiceAssistantEventMap as `on${Name}`]?: ((event: VoiceAssistantEventMap[Name]) => void) | undefined;
};

/** What `element.name = value` takes, besides what attributes can say; all other keys are attributes. */
export type VoiceAssistantOptions = Partial<Pick<VoiceAssistantElement, "texts" | "microphone" | "pageContext" | "actions">>;

/** Attributes, in their HTML spelling. */
export interface VoiceAssistantAttributes {
  /** Origin (and path prefix) of the server; the page's own origin when missing. */
  server?: string | undefined;
  /** Where an invitation is asked for; `<server>/connect` when missing. */
  "connect-url"?: string | undefined;
  /** Title of the panel and name of the bubble. */
  label?: string | undefined;
  /** The visitor's preference when missing. */
  theme?: "light" | "dark" | undefined;
  /** The bottom corner where lines end when missing. */
  placement?: "bottom-left" | "bottom-center" | "bottom-right" | "top-left" | "top-center" | "top-right" | undefined;
  /** `regular` when missing. */
  size?: "compact" | "regular" | "full" | undefined;
  /** `text`: the microphone is never asked for, and answers are read. */
  mode?: "text" | undefined;
  /** The microphone is open only while a button, Space or Enter is held. */
  "push-to-talk"?: boolean | undefined;
  /** Origins that the bot's text may link to, parted by spaces. */
  links?: string | undefined;
  /** Names of the page's actions that the bot may call, parted by spaces. */
  "allow-actions"?: string | undefined;
  /** What a visitor has to agree to before anything starts. */
  consent?: string | undefined;
  /** Has the conversation kept where the server does so, once the visitor agreed to `consent`; nothing without that text. */
  record?: boolean | undefined;
  /** Asks for a rating after the call. */
  rating?: boolean | undefined;
}

type PageAttributes = Pick<HTMLAttributes<VoiceAssistantElement>, "children" | "className" | "dir" | "hidden" | "id" | "lang" | "style">;

export interface VoiceAssistantProps extends PageAttributes, VoiceAssistantAttributes, VoiceAssistantOptions, VoiceAssistantHandlers {
  ref?: Ref<VoiceAssistantElement> | undefined;
  /** Attributes of the element that are not listed here. */
  [attribute: `data-${string}` | `aria-${string}`]: unknown;
}
