/** The panel's style sheets, added to the shadow root when the session chunk arrives. */

import { CONTROLS_CSS } from "./controls-styles.ts";
import { LAYOUT_CSS } from "./layout-styles.ts";
import { PANEL_CSS } from "./panel-styles.ts";

export function createSheets(): CSSStyleSheet[] {
  return [PANEL_CSS, CONTROLS_CSS, LAYOUT_CSS].map((css) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    return sheet;
  });
}

export function adopt(root: ShadowRoot | null, sheets: readonly CSSStyleSheet[]): void {
  if (root !== null) root.adoptedStyleSheets = [...root.adoptedStyleSheets, ...sheets];
}

export function drop(root: ShadowRoot | null, sheets: readonly CSSStyleSheet[]): void {
  if (root !== null) root.adoptedStyleSheets = root.adoptedStyleSheets.filter((sheet) => !sheets.includes(sheet));
}
