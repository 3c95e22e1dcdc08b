/** The panel and what it says: header, transcript, notices. */

export const PANEL_CSS = /* css */ `
:host {
  --_surface: var(--voice-assistant-surface, light-dark(#fff, #14181d));
  --_raised: var(--voice-assistant-raised, light-dark(#f3f5f4, #1f252c));
  --_text: var(--voice-assistant-text, light-dark(#14201b, #e9eef0));
  --_muted: var(--voice-assistant-muted, light-dark(#5a6661, #9aa7b0));
  --_border: var(--voice-assistant-border, light-dark(#0000001a, #ffffff1f));
  /* Outlines of fields: 3 to 1 against the surface. */
  --_line: light-dark(#848f8a, #67737c);
  --_star: light-dark(#a86400, #f0b23e);
  --_danger: var(--voice-assistant-danger, light-dark(#b3261e, #ff8a80));
  --_radius: var(--voice-assistant-radius, 20px);
  --_font: var(--voice-assistant-font, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif);
}
[hidden] { display: none !important; }
.bubble[data-phase="connecting"], .bubble[data-phase="listening"], .bubble[data-phase="thinking"],
.bubble[data-phase="speaking"], .bubble[data-phase="reconnecting"] {
  box-shadow: 0 0 0 4px color-mix(in srgb, var(--_accent) 30%, transparent), 0 8px 24px #0003;
}
.bubble i { transition: height 0.2s, transform 0.2s, opacity 0.2s; }
/* The arrow's halves are laid out from left to right in every language. */
.bubble { direction: ltr; }
.bubble[data-open="true"] { gap: 0; }
.bubble[data-open="true"] i { height: 3px; width: 13px; }
.bubble[data-open="true"] i:nth-child(1) { transform: translateX(2px) rotate(40deg); }
.bubble[data-open="true"] i:nth-child(2) { display: none; }
.bubble[data-open="true"] i:nth-child(3) { transform: translateX(-2px) rotate(-40deg); }
.bubble[data-phase="speaking"][data-open="false"] i,
.bubble[data-phase="listening"][data-open="false"] i { animation: wave 1.1s ease-in-out infinite alternate; }
.bubble[data-open="false"] i:nth-child(2) { animation-delay: -0.7s; }
.bubble[data-open="false"] i:nth-child(3) { animation-delay: -0.35s; }
.bubble[data-phase="failed"] { box-shadow: 0 0 0 4px color-mix(in srgb, var(--_danger) 55%, transparent), 0 8px 24px #0003; }

.panel {
  box-sizing: border-box;
  display: flex;
  flex-direction: column;
  overflow: hidden;
  color: var(--_text);
  background: var(--_surface);
  border: 1px solid var(--_border);
  border-radius: var(--_radius);
  box-shadow: 0 2px 6px #0000001f, 0 24px 64px #00000038;
  font: 400 15px/1.45 var(--_font);
  text-align: start;
  animation: rise 0.18s ease-out;
}
.panel:focus { outline: none; }
.panel:focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
h2, p { margin: 0; font: inherit; }

.header { display: flex; align-items: center; gap: 4px; padding: 12px; padding-inline-start: 16px; border-bottom: 1px solid var(--_border); }
.heading { flex: 1; min-width: 0; padding-inline: 8px; }
.title { font-size: 15px; font-weight: 600; line-height: 1.3; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.status { color: var(--_muted); font-size: 13px; line-height: 1.35; }
.now { display: flex; flex-wrap: wrap; align-items: baseline; column-gap: 8px; }
.recorded { flex: none; padding-inline: 7px; border-radius: 99px; color: var(--_danger); box-shadow: inset 0 0 0 1px currentColor; font-size: 12px; line-height: 1.4; }
.panel[data-phase="failed"] .status, .panel[data-phase="reconnecting"] .status { color: var(--_danger); }

.orb {
  --user: 0;
  flex: none;
  display: flex;
  align-items: center;
  justify-content: center;
  gap: 2.5px;
  width: 42px;
  height: 42px;
  border-radius: 50%;
  color: var(--_on-accent);
  background: var(--_accent);
  box-shadow: 0 0 0 calc(var(--user) * 7px) color-mix(in srgb, var(--_accent) 26%, transparent);
  transition: background 0.2s, color 0.2s;
}
.orb i { --level: 0; width: 3px; height: calc(5px + var(--level) * 20px); border-radius: 2px; background: currentColor; }
.orb i:nth-child(3) { height: calc(8px + var(--level) * 20px); }
:is([data-phase="connecting"], [data-phase="reconnecting"], [data-phase="thinking"], [data-phase="retrying"]) > .header > .orb i {
  width: 5px; height: 5px; border-radius: 50%; animation: pulse 0.9s ease-in-out infinite alternate;
}
:is([data-phase="connecting"], [data-phase="reconnecting"], [data-phase="thinking"], [data-phase="retrying"]) > .header > .orb i:is(:first-child, :last-child) { display: none; }
.orb i:nth-child(2) { animation-delay: -0.6s; }
.orb i:nth-child(3) { animation-delay: -0.3s; }
.panel:is([data-phase="idle"], [data-phase="ended"], [data-phase="failed"]) .orb { color: var(--_muted); background: var(--_raised); }

.scroll { flex: 1; min-height: 0; overflow-y: auto; overscroll-behavior: contain; padding: 16px; scrollbar-width: thin; scrollbar-color: var(--_border) transparent; }
.scroll:focus-visible { outline: 2px solid var(--_accent); outline-offset: -2px; }
.log { display: flex; flex-direction: column; gap: 10px; min-height: 100%; justify-content: flex-end; }
.scroll:has(.intro:not([hidden])) { display: grid; place-content: center; }
.intro { color: var(--_muted); text-align: center; padding: 0 20px; text-wrap: balance; }
.intro:not([hidden]) + .log { display: none; }
.row { max-width: 86%; overflow-wrap: anywhere; }
.row.user { align-self: flex-end; }
.row.bot { align-self: flex-start; }
.who { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.words { padding: 9px 13px; border-radius: 16px; white-space: pre-wrap; }
.row.user .words { color: var(--_on-accent); background: var(--_accent); border-end-end-radius: 5px; }
.row.bot .words { background: var(--_raised); border-end-start-radius: 5px; }
.pending { color: var(--_muted); }
.row.user .pending { color: inherit; font-style: italic; }
.text a { color: inherit; text-decoration: underline; text-underline-offset: 2px; border-radius: 2px; }
.text a:focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
.cut { color: var(--_muted); font-size: 13px; font-style: italic; }

.notices { display: flex; flex-direction: column; gap: 8px; padding: 0 16px 14px; }
.notice { padding: 12px 14px; border-radius: 14px; background: var(--_raised); font-size: 14px; }
.notice.error { background: color-mix(in srgb, var(--_danger) 9%, var(--_surface)); box-shadow: inset 0 0 0 1px color-mix(in srgb, var(--_danger) 35%, transparent); }
/* Nothing was said: the notice is the panel's content. */
.panel.is-empty .scroll { display: none; }
.panel.is-empty .notices { flex: 1; justify-content: center; padding: 24px; }
.panel.is-empty .notice { padding: 24px 20px; text-align: center; text-wrap: balance; font-size: 15px; }
.panel.is-empty .notice .actions { justify-content: center; }
.detail { color: var(--_muted); font-variant-numeric: tabular-nums; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; }
.actions:not(:empty) { margin-top: 10px; }

@keyframes rise { from { opacity: 0; transform: translateY(10px); } }
@keyframes wave { from { transform: scaleY(0.5); } to { transform: scaleY(1); } }
@keyframes pulse { from { opacity: 0.35; } to { opacity: 1; } }
`;
