/**
 * What the page tells the bot of itself, and what the bot may do in the page.
 *
 * A model that was talked into something calls whatever it likes: an action runs only when the page
 * registered it, allows it by name, and the arguments fit its parameters.
 */

/** A parameter of an action. Nested ones are left out: models get them wrong. */
export interface ActionParameter {
  readonly type: "string" | "number" | "integer" | "boolean";
  readonly description?: string;
  readonly enum?: readonly string[];
}

/** Something the bot can do in the page. */
export interface ClientAction {
  /** Tells the model when to call it and what it does. */
  readonly description: string;
  /** A JSON schema with flat properties. */
  readonly parameters?: {
    readonly type: "object";
    readonly properties: Readonly<Record<string, ActionParameter>>;
    readonly required?: readonly string[];
  };
  /**
   * What the visitor is asked before it runs, such as "Reserve this lot?". For everything that changes
   * something: a model can be talked into a call, and only a person into a click.
   */
  readonly confirm?: string;
  /** Does it. What is returned (JSON, up to 1,900 characters) is told to the model; a throw is told as a failure. */
  run(args: Readonly<Record<string, unknown>>): unknown;
}

export type ClientActions = Readonly<Record<string, ClientAction>>;

/** How a call of the bot's went. */
export type ActionOutcome = "done" | "failed" | "refused";

/** The bot waits a little longer. */
const RUN_MS = 15_000;
const MAX_RESULT_CHARS = 1_900;

/** The actions that are both registered and allowed, as the bot is told of them. */
export function announced(actions: ClientActions | undefined, allowed: readonly string[]): object[] {
  return Object.entries(actions ?? {})
    .filter(([name]) => allowed.includes(name))
    .map(([name, { description, parameters }]) => ({ name, description, ...(parameters === undefined ? {} : { parameters }) }));
}

/** Runs one call of the bot's; never throws. */
export async function runAction(
  actions: ClientActions | undefined,
  allowed: readonly string[],
  name: string,
  args: Readonly<Record<string, unknown>>,
  confirm: (question: string) => boolean = (question) => window.confirm(question),
): Promise<{ readonly outcome: ActionOutcome; readonly result: unknown }> {
  const action = Object.hasOwn(actions ?? {}, name) && allowed.includes(name) ? actions?.[name] : undefined;
  if (action === undefined) return { outcome: "refused", result: { error: "not_allowed" } };
  if (!fits(action, args)) return { outcome: "refused", result: { error: "invalid_arguments" } };
  if (action.confirm !== undefined) {
    const askedMs = Date.now();
    // The browser's own dialogue: no page and no model can draw over it, or press its button.
    if (!confirm(question(action.confirm, args))) return { outcome: "refused", result: { error: "declined_by_visitor" } };
    // The bot has been told by then that nothing came of it.
    if (Date.now() - askedMs > RUN_MS) return { outcome: "refused", result: { error: "confirmed_too_late" } };
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error("late"));
      }, RUN_MS);
    });
    const value: unknown = await Promise.race([action.run(args), late]);
    return { outcome: "done", result: { result: asJson(value) } };
  } catch {
    // Its own words may hold what is no business of a language model.
    return { outcome: "failed", result: { error: "action_failed" } };
  } finally {
    clearTimeout(timer);
  }
}

/** What the visitor is asked: the page's words, and what the bot would do it with. */
function question(confirm: string, args: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(args).map(([name, value]) => `${name}: ${String(value).slice(0, 200)}`);
  return [confirm, ...lines].join("\n");
}

/** What a value is as JSON; nothing is "ok". */
function asJson(value: unknown): unknown {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return "ok";
  return text.length > MAX_RESULT_CHARS ? "too long to tell" : (JSON.parse(text) as unknown);
}

/** Whether arguments are what the action's parameters say; exported for its tests. */
export function fits({ parameters }: Pick<ClientAction, "parameters">, args: Readonly<Record<string, unknown>>): boolean {
  const known = parameters?.properties ?? {};
  return (
    (parameters?.required ?? []).every((name) => Object.hasOwn(args, name)) &&
    Object.entries(args).every(([name, value]) => Object.hasOwn(known, name) && isOf(known[name], value))
  );
}

function isOf(parameter: ActionParameter | undefined, value: unknown): boolean {
  if (parameter === undefined) return false;
  const { type, enum: choices } = parameter;
  const typed = type === "integer" ? Number.isInteger(value) : typeof value === type;
  return typed && (choices === undefined || choices.includes(value as string));
}
