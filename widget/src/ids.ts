/** Ids of messages, also on pages without https, where browsers offer no `crypto.randomUUID`. */

/** 128 random bits as hexadecimal digits. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
