/** Finds the links in a bot's text that a site allows. Pure; everything else stays text. */

export interface Piece {
  readonly text: string;
  /** Set for a link. */
  readonly href: string | null;
}

const ADDRESS = /https?:\/\/[^\s<>"'`{}|\\^\u0000-\u001f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+/gi;
/** What closes a sentence or a bracket around an address is not part of it. */
const TAIL = /[.,;:!?)\]}»”’…。、！？]+$/u;

/** Parts a text into plain text and links to the allowed origins. Joined, the pieces are the text. */
export function findLinks(text: string, origins: readonly string[]): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  if (origins.length > 0) {
    for (const match of text.matchAll(ADDRESS)) {
      const address = match[0].replace(TAIL, "");
      const href = allowed(address, origins);
      if (href === null) continue;
      if (match.index > from) pieces.push({ text: text.slice(from, match.index), href: null });
      pieces.push({ text: address, href });
      from = match.index + address.length;
    }
  }
  if (from < text.length) pieces.push({ text: text.slice(from), href: null });
  return pieces;
}

function allowed(address: string, origins: readonly string[]): string | null {
  try {
    const url = new URL(address);
    // "https://shop.example@evil.example" reads like the shop.
    if (url.username !== "" || url.password !== "") return null;
    return origins.includes(url.origin) ? url.href : null;
  } catch {
    return null;
  }
}
