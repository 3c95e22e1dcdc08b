/** Writes docs/widget/README.md: the pictures that `make screenshots` keeps there, one state a row. */

import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), "..", "docs", "widget");
const LOOKS = ["light-desktop", "dark-desktop", "light-phone", "dark-phone", "light-zoomed"];
const files = new Set(readdirSync(folder).filter((file) => file.endsWith(".jpg")));
const states = [...files].filter((file) => file.endsWith(`-${LOOKS[0]}.jpg`)).map((file) => file.slice(0, -`-${LOOKS[0]}.jpg`.length)).sort();

const picture = (state, look) => {
  const file = `${state}-${look}.jpg`;
  if (!files.has(file)) throw new Error(`no ${file}`);
  return `<img src="${file}" alt="${state.replaceAll("-", " ")}, ${look.replace("-", ", ")}" width="180">`;
};

writeFileSync(
  path.join(folder, "README.md"),
  `# Every state of the widget

Made by \`make screenshots\`: the built widget in Chromium, in a room with a scripted bot; axe-core finds
nothing in any of them. A desktop's picture is the corner of a window of 1440 px, a phone's is 390 px wide, and
\`zoomed\` is a window of 1440 by 900 at 200 %.

| state | ${LOOKS.map((look) => look.replace("-", ", ")).join(" | ")} |
| --- | --- | --- | --- | --- | --- |
${states.map((state) => `| ${state.replaceAll("-", " ")} | ${LOOKS.map((look) => picture(state, look)).join(" | ")} |`).join("\n")}
`,
);
