/** The demo's users. A real dashboard asks its own user store here. Server only. */

import "server-only";
import { scryptSync, timingSafeEqual } from "node:crypto";

export interface User {
  readonly name: string;
  readonly displayName: string;
  readonly role: string;
}

interface Account extends User {
  readonly salt: string;
  /** scrypt of the password, 32 bytes, hex. */
  readonly hash: string;
}

// Passwords of the demo: `cacao` for both.
const ACCOUNTS: readonly Account[] = [
  { name: "ama", displayName: "Ama Mensah", role: "Cooperative", salt: "0975763f81e0983a", hash: "d2ccfdfb5fae7444fc39d3d72901118fad88f9d2dad1eb729a4a3d53001c8f81" },
  { name: "luis", displayName: "Luis Ortega", role: "Buyer", salt: "631dbba4022623b7", hash: "52c3e7ca0f59c1937f5067511986253ebe5e5a0763c76c69add9d8af4995487b" },
];

/** The user with this name and password, or null. */
export function authenticate(name: string, password: string): User | null {
  const account = ACCOUNTS.find((candidate) => candidate.name === name);
  // A stranger costs as much time as a known user.
  const { salt, hash } = account ?? { salt: "-", hash: "00".repeat(32) };
  const matches = timingSafeEqual(scryptSync(password.slice(0, 256), salt, 32), Buffer.from(hash, "hex"));
  return account !== undefined && matches ? asUser(account) : null;
}

/** The user with this name, or null. */
export function findUser(name: string): User | null {
  const account = ACCOUNTS.find((candidate) => candidate.name === name);
  return account === undefined ? null : asUser(account);
}

function asUser({ name, displayName, role }: Account): User {
  return { name, displayName, role };
}
