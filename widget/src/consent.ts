/** Remembers that this visitor agreed to this text, when the visitor wants it remembered. */

const KEY = "voice-assistant-consent:";

export class ConsentStore {
  readonly #server: string;
  /** For the page's life; nothing is stored for that. */
  #agreed: string | null = null;

  constructor(server: string) {
    this.#server = server;
  }

  /** Whether the visitor agreed to this very text. */
  has(text: string): boolean {
    if (this.#agreed === text) return true;
    try {
      return localStorage.getItem(KEY + this.#server) === fingerprint(text);
    } catch {
      return false;
    }
  }

  agree(text: string, remember: boolean): void {
    this.#agreed = text;
    if (!remember) return;
    try {
      localStorage.setItem(KEY + this.#server, fingerprint(text));
    } catch {
      // A page without storage asks again next time.
    }
  }
}

/** FNV-1a, 32 bit: tells one version of a text from the next. */
export function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return (hash >>> 0).toString(36);
}
