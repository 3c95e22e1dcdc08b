/**
 * Runs the tests: `node test/run.mjs [unit|browser|quick|states]`, unit and browser by default. `quick`
 * leaves out the long walks through every state, look and way to talk; `states` is the walk through
 * every state alone, which keeps pictures in the folder SCREENSHOTS.
 *
 * They are bundled first, because Node 20 reads no TypeScript.
 */

import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const widget = path.dirname(here);
// Inside the package, to find its dependencies; outside node_modules, where newer Nodes run no tests.
const outdir = path.join(widget, ".cache", "tests");
const wanted = process.argv[2];
const STATES = "access.test.ts";
const suites = wanted === "states" ? ["browser"] : wanted === "unit" || wanted === "browser" ? [wanted] : ["unit", "browser"];
const LONG = new Set(["access.test.ts", "looks.test.ts", "talking.test.ts", "lifecycle.test.ts"]);
const entryPoints = suites.flatMap((suite) =>
  readdirSync(path.join(here, suite))
    .filter((file) => file.endsWith(".test.ts") && !(wanted === "quick" && LONG.has(file)) && !(wanted === "states" && file !== STATES))
    .map((file) => path.join(here, suite, file)),
);

const { buildSession } = await import("../build.mjs");
rmSync(outdir, { recursive: true, force: true });
// The real widget with a room that needs no server.
const fake = path.join(here, "browser", "fake-livekit.ts");
await buildSession({ outdir, entryNames: "fake-session", alias: { "livekit-client": fake } });
const { metafile } = await esbuild.build({
  entryPoints,
  outdir,
  outbase: here,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
  outExtension: { ".js": ".mjs" },
  sourcemap: "inline",
  metafile: true,
  logLevel: "warning",
});

// One file at a time: browser tests measure what a busy machine would blur.
const { status } = spawnSync(
  process.execPath,
  ["--enable-source-maps", "--test", "--test-reporter=spec", "--test-concurrency=1", ...Object.keys(metafile.outputs)],
  { stdio: "inherit", cwd: widget, env: { ...process.env, WIDGET_DIR: widget } },
);
process.exit(status ?? 1);
