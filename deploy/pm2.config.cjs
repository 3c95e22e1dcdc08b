// The server under PM2. Two names take turns, so that a release cuts no call: see
// docs/deploy/pm2.md and pm2-release.mjs. Settings come from .env in the project's folder.

const path = require("node:path");

const drainSecs = Number(process.env.DRAIN_SECS ?? 1800);

const assistant = (colour) => ({
  name: `voice-assistant-${colour}`,
  cwd: path.join(__dirname, ".."),
  script: path.join(__dirname, "..", ".venv", "bin", "python"),
  args: "-m server",
  interpreter: "none",
  exec_mode: "fork",
  env: { DRAIN_SECS: String(drainSecs) },
  // Calls may go on for DRAIN_SECS after a stop; then the last words take a few seconds.
  kill_timeout: (drainSecs + 20) * 1000,
  // The server ends its session processes itself; a signal to them would cut their calls.
  treekill: false,
  // A server that dies at its start is given up after 16 times, and the release with it.
  min_uptime: "10s",
});

module.exports = { apps: [assistant("blue"), assistant("green")] };
