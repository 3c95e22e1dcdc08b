/** The licences of what others wrote and the session chunk contains: they ask to be passed on. */

import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";

/** Returns the text for the packages among a bundle's inputs; throws for one without a licence. */
export function licensesOf(folder, metafile) {
  const names = Object.keys(metafile.inputs).map((file) => /(?:^|.*\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]);
  return [...new Set(names)]
    .filter((name) => name !== undefined)
    .sort()
    .map((name) => {
      const directory = path.join(folder, "node_modules", name);
      const { version, license } = JSON.parse(readFileSync(path.join(directory, "package.json"), "utf8"));
      const texts = readdirSync(directory).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
      if (texts.length === 0 && license === undefined) throw new Error(`${name} names no licence`);
      const body = texts.map((file) => readFileSync(path.join(directory, file), "utf8").trim()).join("\n\n");
      return `${name} ${version} (${license})\n\n${body}\n`;
    })
    .join(`\n${"-".repeat(80)}\n\n`);
}
