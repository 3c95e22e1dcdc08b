/** Where the panel stands, how large it is, and how it bends to the visitor's screen and settings. */

export const LAYOUT_CSS = /* css */ `
.panel {
  --_width: 384px;
  --_height: 600px;
  --_gap: calc(var(--_size) + 16px);
  position: absolute;
  bottom: var(--_gap);
  width: min(var(--_width), calc(100vw - var(--_left) - var(--_right)));
  height: min(var(--_height), calc(100vh - var(--_top) - var(--_bottom) - var(--_gap)));
  height: min(var(--_height), calc(100dvh - var(--_top) - var(--_bottom) - var(--_gap)));
}
.panel[data-edge="top"] { top: var(--_gap); bottom: auto; animation-name: sink; }
.panel[data-side="left"] { left: 0; }
.panel[data-side="right"] { right: 0; }
.panel[data-side="center"] { left: 50%; translate: -50%; }

/* Compact: as high as what is said, up to a few lines. */
:host([size="compact"]) .panel { --_width: 300px; --_height: 420px; height: auto; max-height: min(var(--_height), calc(100dvh - var(--_top) - var(--_bottom) - var(--_gap))); font-size: 14px; }
:host([size="compact"]) .scroll { flex: 0 1 auto; min-height: 88px; max-height: 168px; padding: 12px; }
:host([size="compact"]) .header { padding-block: 8px; }
:host([size="compact"]) .orb { width: 36px; height: 36px; }
:host([size="compact"]) .panel.is-empty .notice { padding: 16px; }
:host([size="compact"]) .panel.is-empty .notices { padding: 12px; }

/* Full: a column of the page's height, over the bubble. */
:host([size="full"]) .panel {
  position: fixed;
  --_width: 480px;
  top: var(--_top);
  bottom: var(--_bottom);
  height: auto;
}
:host([size="full"]) .panel[data-side="left"] { left: var(--_left); }
:host([size="full"]) .panel[data-side="right"] { right: var(--_right); }
:host([size="full"]) .bubble[data-open="true"] { visibility: hidden; }

/* Phones: a sheet from the bottom edge, whatever the placement. */
@media (max-width: 480px) {
  :host .panel.panel.panel {
    position: fixed;
    inset: auto 0 var(--_keyboard, 0px);
    translate: none;
    width: auto;
    height: min(640px, 88vh);
    height: min(640px, 88dvh, 100dvh - var(--_keyboard, 0px));
    max-height: none;
    border-width: 1px 0 0;
    border-radius: var(--_radius) var(--_radius) 0 0;
    padding-bottom: env(safe-area-inset-bottom, 0px);
    box-shadow: 0 -8px 48px #00000047;
    animation-name: rise;
  }
  :host([size="compact"]) .panel.panel.panel { height: auto; max-height: min(88dvh, 100dvh - var(--_keyboard, 0px)); }
  :host([size="full"]) .panel.panel.panel { height: calc(100dvh - var(--_keyboard, 0px)); border-radius: 0; border: 0; padding-top: env(safe-area-inset-top, 0px); }
  .bubble[data-open="true"] { visibility: hidden; }
}
/* A low window (a page zoomed to 200 %, a phone on its side): all of its height. */
@media (max-height: 520px) {
  :host .panel.panel.panel {
    position: fixed;
    top: calc(8px + env(safe-area-inset-top, 0px));
    bottom: calc(8px + max(env(safe-area-inset-bottom, 0px), var(--_keyboard, 0px)));
    height: auto;
    max-height: none;
    border-radius: var(--_radius);
    border-width: 1px;
  }
  .panel.panel[data-side="left"] { left: max(8px, env(safe-area-inset-left, 0px)); }
  .panel.panel[data-side="right"] { right: max(8px, env(safe-area-inset-right, 0px)); }
  .bubble[data-open="true"] { visibility: hidden; }
  .header.header { padding-block: 6px; }
  .panel.is-empty .notices.notices { padding-block: 8px; }
}
@media (prefers-reduced-motion: reduce) {
  *, .bubble i { animation: none !important; transition: none !important; }
}
@media (forced-colors: active) {
  .panel, .notice, .words, .input, .icon, .action, .talk { border: 1px solid; }
  .panel button.talk[aria-pressed="true"], .panel .icon[aria-pressed="true"] { forced-color-adjust: none; color: HighlightText; background: Highlight; }
  .orb { border: 1px solid; }
  .orb i { background: CanvasText; }
  .star.is-lit { color: Highlight; }
  .panel button:disabled { opacity: 1; color: GrayText; }
}
@keyframes sink { from { opacity: 0; transform: translateY(-10px); } }
`;
