/** `voice-assistant/react`: the element as a React 19 component. Server rendering yields the bare tag. */

import { createElement, useImperativeHandle, useLayoutEffect, useRef, useState, type ReactElement } from "react";
import { defineVoiceAssistant } from "../index.ts";
import type { VoiceAssistantElement } from "../voice-assistant-element.ts";
import type { VoiceAssistantProps } from "./props.ts";

export type { VoiceAssistantAttributes, VoiceAssistantHandlers, VoiceAssistantOptions, VoiceAssistantProps } from "./props.ts";
export type { ClientAction, ClientActions } from "../actions.ts";
export type { VoiceAssistantElement } from "../voice-assistant-element.ts";

type Values = Record<string, unknown>;

/** Objects that are not for the element. */
const REACTS_OWN: ReadonlySet<string> = new Set(["children", "style"]);

/**
 * Strings and booleans are attributes. Objects are properties and functions listeners; React sets
 * neither on an element that a server rendered, so this does.
 */
export function VoiceAssistant({ ref, ...props }: VoiceAssistantProps): ReactElement {
  useState(defineVoiceAssistant);
  // React fills it before any effect runs.
  const own = useRef(null as unknown as VoiceAssistantElement);
  const given = useRef<Values>({});
  const attributes: Values = { ref: own };
  const properties: Values = {};
  const listeners: [string, EventListener][] = [];
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function" && name.startsWith("onva-")) listeners.push([name.slice(2), value as EventListener]);
    else if (typeof value === "function" || (typeof value === "object" && !REACTS_OWN.has(name))) properties[name] = value;
    else attributes[name] = value;
  }

  useImperativeHandle(ref, () => own.current, []);
  useLayoutEffect(() => {
    const element = own.current;
    for (const name of Object.keys({ ...given.current, ...properties })) {
      if (given.current[name] !== properties[name]) (element as unknown as Values)[name] = properties[name];
    }
    given.current = properties;
    for (const [type, listener] of listeners) element.addEventListener(type, listener);
    return () => {
      for (const [type, listener] of listeners) element.removeEventListener(type, listener);
    };
  });
  return createElement("voice-assistant", attributes);
}
