/** The bubble's style; the panel's comes with the session chunk. The build minifies both. */

export const LAUNCHER_CSS = /* css */ `
:host {
  all: initial;
  color-scheme: light dark;
  --_accent: var(--voice-assistant-accent, light-dark(#0b6b4f, #2fb787));
  --_on-accent: var(--voice-assistant-on-accent, light-dark(#fff, #04140e));
  position: fixed;
  z-index: var(--voice-assistant-z-index, 2147483000);
  --_offset: var(--voice-assistant-offset, 20px);
  --_left: calc(var(--_offset) + env(safe-area-inset-left, 0px));
  --_right: calc(var(--_offset) + env(safe-area-inset-right, 0px));
  --_top: calc(var(--_offset) + env(safe-area-inset-top, 0px));
  --_bottom: calc(var(--_offset) + env(safe-area-inset-bottom, 0px));
  --_size: 60px;
  width: var(--_size);
  bottom: var(--_bottom);
  right: var(--_right);
}
:host(:dir(rtl)) { left: var(--_left); right: auto; }
:host([placement^="top"]) { top: var(--_top); bottom: auto; }
:host([placement$="left"]) { left: var(--_left); right: auto; }
:host([placement$="right"]) { left: auto; right: var(--_right); }
:host([placement$="center"]) { left: 0; right: 0; margin: auto; }
:host([size="compact"]) { --_size: 48px; }
:host([hidden]) { display: none; }
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
.bubble {
  all: unset;
  box-sizing: border-box;
  display: flex;
  align-items: center;
  justify-content: center;
  gap: 4px;
  width: var(--_size);
  height: var(--_size);
  border-radius: 50%;
  cursor: pointer;
  color: var(--_on-accent);
  background: var(--_accent);
  box-shadow: 0 1px 2px #0003, 0 8px 24px #0003;
  transition: transform 0.15s, box-shadow 0.15s;
}
.bubble:hover { transform: translateY(-2px); box-shadow: 0 2px 4px #0003, 0 12px 32px #0004; }
.bubble:focus-visible { outline: 3px solid var(--_accent); outline-offset: 3px; box-shadow: 0 0 0 3px light-dark(#fff, #000); }
.bubble i { width: 4px; height: 14px; border-radius: 2px; background: currentColor; }
.bubble i:nth-child(2) { height: 26px; }
.bubble + span {
  position: absolute;
  inset-inline-end: 0;
  bottom: calc(100% + 12px);
  width: 190px;
  padding: 8px 12px;
  border-radius: 12px;
  font: 13px/1.4 system-ui, sans-serif;
  color: light-dark(#14201b, #e9eef0);
  background: light-dark(#fff, #1f252c);
  box-shadow: 0 2px 12px #0004;
}
:host([placement^="top"]) .bubble + span { top: calc(100% + 12px); bottom: auto; }
:host([placement$="left"]) .bubble + span { left: 0; right: auto; }
:host([placement$="right"]) .bubble + span { left: auto; right: 0; }
@media (prefers-reduced-motion: reduce) { .bubble { transition: none; } }
@media (forced-colors: active) { .bubble { border: 2px solid; } .bubble i { background: ButtonText; } }
`;
