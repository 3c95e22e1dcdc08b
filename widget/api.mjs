/**
 * Writes docs/widget/api.md from the sources: `node api.mjs`, or `node api.mjs --check` to compare only.
 *
 * What a page can use is read from the syntax trees and the style sheets; the words are the comments there.
 */

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";

const here = process.env.WIDGET_DIR ?? path.dirname(fileURLToPath(import.meta.url));
const source = path.join(here, "src");
export const PAGE = path.join(here, "..", "docs", "widget", "api.md");

const read = (file) => readFileSync(path.join(source, file), "utf8");
const parse = (file) => ts.createSourceFile(file, read(file), ts.ScriptTarget.ES2022, true);
const oneLine = (text) => text.replace(/\s+/g, " ").trim();
const cell = (text) => oneLine(text).replaceAll("|", "\\|");
const code = (text) => `\`${cell(text)}\``;

/** The comment of a node, without its asterisks and tags; the build fails where a public name has none. */
function words(node, name) {
  const [doc] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const text = oneLine(ts.getTextOfJSDocComment(doc?.comment) ?? "");
  if (text === "") throw new Error(`${name} has no comment`);
  return text;
}

function declaration(file, name) {
  const found = parse(file).statements.find((node) => node.name?.text === name);
  if (found === undefined) throw new Error(`${file}: no ${name}`);
  return found;
}

const typeOf = (node) => oneLine(node.type?.getText() ?? "unknown").replace(/ \| undefined$/, "").replace(/readonly /g, "");

function attributes() {
  return declaration("react/props.ts", "VoiceAssistantAttributes").members.map((member) => {
    const name = member.name.text ?? member.name.getText();
    return [code(name), code(typeOf(member)), words(member, name)];
  });
}

function isPublic(member) {
  const hidden = ts.getCombinedModifierFlags(member) & (ts.ModifierFlags.Static | ts.ModifierFlags.Private | ts.ModifierFlags.Override);
  return member.name !== undefined && !ts.isPrivateIdentifier(member.name) && hidden === 0 && !/Callback$/.test(member.name.getText());
}

function members() {
  const { members: all } = declaration("voice-assistant-element.ts", "VoiceAssistantElement");
  const seen = all.filter(isPublic);
  const setters = new Set(seen.filter(ts.isSetAccessor).map((member) => member.name.getText()));
  const properties = seen
    .filter((member) => ts.isPropertyDeclaration(member) || ts.isGetAccessor(member))
    .map((member) => {
      const name = member.name.getText();
      const fixed = ts.isGetAccessor(member) && !setters.has(name);
      return [code(name), code(typeOf(member)), `${words(member, name)}${fixed ? " Read only." : ""}`];
    });
  const methods = seen.filter(ts.isMethodDeclaration).map((member) => {
    const name = member.name.getText();
    return [code(`${name}(${member.parameters.map((one) => one.getText()).join(", ")})`), words(member, name)];
  });
  return { properties, methods };
}

function events() {
  return declaration("events.ts", "VoiceAssistantEventMap").members.map((member) => {
    const detail = member.type.typeArguments[0];
    return [code(member.name.text), code(detail.getText().replace(/readonly /g, "").replace(/;(\s*})/g, "$1")), words(member, member.name.text)];
  });
}

function types() {
  const wanted = { "state.ts": ["Phase", "Mic", "MicProblem", "Problem", "EndReason"], "connect.ts": ["ConnectErrorCode"], "rtvi.ts": ["SpokenStatus"], "actions.ts": ["ActionOutcome", "ClientActions", "ClientAction", "ActionParameter"], "mic.ts": ["MicSettings"] };
  return Object.entries(wanted).flatMap(([file, names]) => names.map((name) => declaration(file, name).getText().replace(/^export /, "")));
}

const sheets = () => readdirSync(source).filter((file) => file.endsWith("-styles.ts")).map(read).join("\n");

/** Names and defaults of the CSS variables; a default may hold brackets of its own. */
function variables() {
  const css = sheets();
  const found = new Map();
  for (const { index, 0: start, 1: name } of css.matchAll(/var\((--voice-assistant-[a-z-]+),\s*/g)) {
    let end = index + start.length;
    for (let depth = 1; depth > 0; end += 1) depth += { "(": 1, ")": -1 }[css[end]] ?? 0;
    found.set(name, css.slice(index + start.length, end - 1));
  }
  return [...found].sort().map(([name, value]) => [code(name), code(value)]);
}

/** The names of `::part()`, as the sources write them. */
function parts() {
  const text = readdirSync(source).filter((file) => file.endsWith(".ts")).map(read).join("\n");
  const written = [...text.matchAll(/\bpart: "([^"]+)"|"part", "([^"]+)"|iconButton\("[^"]+", "([^"]+)"/g)].flatMap(([, a, b, c]) => (a ?? b ?? c).split(" "));
  const messages = /part: `message message-\$\{who\}`/.test(text) ? ["message", "message-user", "message-bot"] : [];
  return [...new Set([...written, ...messages])].sort().map(code).join(", ");
}

const table = (head, rows) => [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

/** The whole page. */
export function generate() {
  const { properties, methods } = members();
  return `# The widget's API

Made from \`widget/src\` by \`npm run api\` (a test fails while it is not up to date). How the widget behaves is in
[widget/README.md](../../widget/README.md).

## Attributes of \`<voice-assistant>\`
\`lang\`, \`dir\` and \`hidden\` mean what they mean on every element: language and direction of the texts (else the
page's), and whether the widget is there at all.

${table(["attribute", "values", "meaning"], attributes())}

## Properties
${table(["property", "type", "meaning"], properties)}

## Methods
All return a promise that is fulfilled when the step is taken; none rejects.

${table(["method", "what it does"], methods)}

## Events
\`CustomEvent\`s that bubble and cross shadow roots. The names are RTVI's with \`va-\` before them; in React \`onva-…\` props.

${table(["event", "`detail`", "when"], events())}

## Types
\`\`\`ts
${types().join("\n\n")}
\`\`\`

## CSS variables
Set on the element.

${table(["variable", "default"], variables())}

## Parts
For \`::part()\`: ${parts()}.
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const page = generate();
  if (!process.argv.includes("--check")) writeFileSync(PAGE, page);
  else if (readFileSync(PAGE, "utf8") !== page) {
    process.stderr.write("docs/widget/api.md is not up to date: npm run api\n");
    process.exitCode = 1;
  }
}
