/** Everything one can press, choose or type in. */

export const CONTROLS_CSS = /* css */ `
.panel button { all: unset; box-sizing: border-box; cursor: pointer; }
.panel button:disabled { cursor: default; opacity: 0.5; }
:is(.panel button, .panel input, .panel select, .panel textarea, .consent-text):focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
.panel .action { padding: 8px 14px; border-radius: 10px; font-size: 14px; font-weight: 600; line-height: 1.3; border: 1px solid var(--_border); }
.panel .action.primary { color: var(--_on-accent); background: var(--_accent); border-color: transparent; }
.panel .icon { flex: none; display: grid; place-items: center; width: 40px; height: 40px; border-radius: 50%; color: var(--_muted); transition: background 0.15s; }
.panel .icon:hover { background: var(--_raised); }
.icon svg { width: 22px; height: 22px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.panel .icon[aria-pressed="false"] { color: var(--_text); }
.panel .icon[aria-pressed="true"] { color: var(--_danger); background: color-mix(in srgb, var(--_danger) 14%, transparent); }
.panel .icon.end { color: #fff; background: #c62828; }
.icon.end svg { fill: currentColor; stroke: none; }
[data-mode="text"] .icon.end.end { color: var(--_muted); background: none; }
[data-mode="text"] .icon.end svg { fill: none; stroke: currentColor; }
.form { display: flex; align-items: center; gap: 6px; padding: 10px 12px; border-top: 1px solid var(--_border); }
.input {
  all: unset;
  flex: 1;
  min-width: 0;
  box-sizing: border-box;
  height: 40px;
  padding: 0 14px;
  border-radius: 20px;
  background: var(--_raised);
  font: 400 16px/40px var(--_font);
  color: var(--_text);
}
.input::placeholder { color: var(--_muted); opacity: 1; }
.panel .input:placeholder-shown + .send { display: none; }

.panel button.talk {
  display: flex;
  align-items: center;
  justify-content: center;
  gap: 8px;
  margin: 10px 12px 0;
  min-height: 48px;
  border-radius: 24px;
  font-weight: 600;
  color: var(--_text);
  background: var(--_raised);
  touch-action: none;
  user-select: none;
  -webkit-user-select: none;
}
.talk svg { width: 22px; height: 22px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.panel button.talk[aria-pressed="true"] { color: var(--_on-accent); background: var(--_accent); }
.talk:not([hidden]) + .form { border-top: 0; }
[dir="rtl"] .send svg { transform: scaleX(-1); }

.settings { display: grid; gap: 10px; padding: 12px 16px; border-bottom: 1px solid var(--_border); background: var(--_raised); }
.field { display: grid; grid-template-columns: minmax(84px, auto) 1fr; align-items: center; gap: 12px; font-size: 14px; }
.field select {
  min-width: 0;
  height: 36px;
  padding: 0 8px;
  border: 1px solid var(--_line);
  border-radius: 10px;
  font: inherit;
  color: var(--_text);
  background: var(--_surface);
  text-overflow: ellipsis;
}
.field input { width: 100%; margin: 0; height: 24px; accent-color: var(--_accent); }

.consent, .rating { padding: 20px; overflow-y: auto; }
.panel.is-empty :is(.consent, .rating) { flex: 1; display: flex; flex-direction: column; justify-content: center; }
.consent-text { max-height: 240px; overflow-y: auto; margin-bottom: 16px; border-radius: 4px; white-space: pre-line; overflow-wrap: anywhere; }
.check { display: flex; align-items: center; gap: 10px; font-size: 14px; color: var(--_muted); cursor: pointer; }
.check input { flex: none; width: 20px; height: 20px; margin: 0; accent-color: var(--_accent); }
.consent .actions { margin-top: 16px; }

.rating { border-top: 1px solid var(--_border); padding: 14px 16px 16px; text-align: center; }
.panel.is-empty .rating { flex: none; }
fieldset { all: unset; display: block; min-width: 0; }
legend { padding: 0; margin: 0 auto 6px; font-size: 14px; color: var(--_muted); }
.stars { display: flex; justify-content: center; gap: 2px; }
.star { position: relative; display: grid; place-items: center; width: 40px; height: 40px; border-radius: 10px; cursor: pointer; color: var(--_muted); }
.star input { position: absolute; inset: 0; margin: 0; opacity: 0; cursor: pointer; }
.star svg { width: 26px; height: 26px; fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linejoin: round; }
.star.is-lit { color: var(--_star); }
.star.is-lit svg { fill: currentColor; }
.star:focus-within { outline: 2px solid var(--_accent); outline-offset: -2px; }
.comment {
  display: block;
  box-sizing: border-box;
  width: 100%;
  margin: 8px 0 10px;
  padding: 8px 12px;
  border: 1px solid var(--_line);
  border-radius: 12px;
  font: 400 16px/1.4 var(--_font);
  color: var(--_text);
  background: var(--_surface);
  resize: none;
}
.comment::placeholder { color: var(--_muted); opacity: 1; }
.rating .action { display: inline-block; }
.thanks { font-size: 14px; color: var(--_muted); }
.thanks:empty { display: none; }
`;
