#!/usr/bin/env node
/**
 * Starts the server's other colour, waits until it listens at the same port, and has the one that ran
 * until now drain: it takes no new calls and goes when its last one has ended.
 *
 *   node deploy/pm2-release.mjs      # also for the first start
 *
 * PM2's own `reload` would stop the one before it starts the other. Linux only (/proc).
 */

import { execFile } from "node:child_process";
import { readFileSync, readlinkSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const CONFIG = path.join(path.dirname(fileURLToPath(import.meta.url)), "pm2.config.cjs");
const PREFIX = "voice-assistant-";
const START_MS = 60_000;
const LOOK_EVERY_MS = 200;
/** State of a listening socket in /proc/net/tcp. */
const LISTEN = "0A";

const run = promisify(execFile);
const pm2 = async (...args) => (await run("pm2", args, { maxBuffer: 2 ** 26 })).stdout;
/** What PM2 runs of ours; its first command also says that it starts its daemon. */
async function list() {
  const line = (await pm2("jlist")).split("\n").findLast((one) => /^\[(\{|\])/.test(one));
  return JSON.parse(line ?? "[]").filter((app) => app.name.startsWith(PREFIX));
}

const isOnline = (app) => app.pm2_env.status === "online";

/** Whether a process has a socket that listens for TCP connections. */
function listens(pid) {
  const inodes = new Set();
  for (const table of ["tcp", "tcp6"]) {
    for (const line of readFileSync(`/proc/${pid}/net/${table}`, "utf8").split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[3] === LISTEN) inodes.add(`socket:[${fields[9]}]`);
    }
  }
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).some((fd) => {
    try {
      return inodes.has(readlinkSync(path.join(folder, fd)));
    } catch {
      return false;
    }
  });
}

async function waitUntilItListens(name) {
  const until = Date.now() + START_MS;
  while (Date.now() < until) {
    const app = (await list()).find((one) => one.name === name);
    if (app === undefined || app.pm2_env.status === "errored") break;
    try {
      if (isOnline(app) && listens(app.pid)) return;
    } catch {
      // The process has gone between two looks; PM2 starts it again.
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  await pm2("stop", name);
  throw new Error(`${name} does not listen; the one before it goes on. See: pm2 logs ${name}`);
}

const running = (await list()).filter(isOnline).map((app) => app.name);
if (running.length > 1) throw new Error(`both are online: stop one of ${running.join(", ")}, or wait until it has drained`);
const next = `${PREFIX}${running[0] === `${PREFIX}blue` ? "green" : "blue"}`;
await pm2("start", CONFIG, "--only", next, "--update-env");
await waitUntilItListens(next);
console.log(`${next} takes the calls`);
if (running.length === 1) {
  console.log(`${running[0]} drains`);
  await pm2("stop", running[0]);
  console.log(`${running[0]} has ended`);
}
await pm2("save");
