/** widget.js: the classic script. Defines the tag and loads the session chunk next to itself. */

import type { SessionModule } from "./voice-assistant-element.ts";
import { define } from "./voice-assistant-define.ts";

/** The session chunk's file name, put in by the build. */
declare const SESSION_FILE: string;

// A relative import() of a cross-origin classic script has no base, so the script's own address
// is kept. It is only known while the script runs.
const here = (document.currentScript as HTMLScriptElement | null)?.src ?? document.baseURI;

let failures = 0;

/** Another address is another module, which a page never lets go: it only changes when loading failed. */
const load = (): Promise<SessionModule> =>
  import(new URL(`${SESSION_FILE}#${failures}`, here).href).catch((error: unknown) => {
    // A browser remembers that a module failed to load; another fragment asks again.
    failures++;
    throw error;
  }) as Promise<SessionModule>;

define({
  loadSession: load,
  defaultServer: new URL(".", here).href,
});
