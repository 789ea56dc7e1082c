/** Command lines: strict parsing, and what a user is told who mistyped. */

import { parseArgs, type ParseArgsConfig } from 'node:util';

/** The command line is wrong: usage on stderr, exit 2. */
export class UsageError extends Error {
  /** What to print behind the message; null for the usage of the whole command. */
  usage: string | null = null;

  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** Runs a subcommand, whose usage a UsageError of it gets. */
export async function withUsage(usage: string, run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof UsageError) error.usage = usage;
    throw error;
  }
}

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<T extends Options> = ReturnType<typeof parseArgs<{ args: string[]; options: T; strict: true }>>['values'];

/** `parseArgs` of node:util without positionals, whose complaints are UsageErrors. */
export function parseOptions<const T extends Options>(args: readonly string[], options: T): Values<T> {
  const parse = (): { values: Values<T> } => parseArgs({ args: [...args], options, strict: true });
  return complainingOfUsage(parse).values;
}

/** Options and positionals, which may stand in any order; complaints are UsageErrors. */
export function parseCommand<const T extends Options>(
  args: readonly string[],
  options: T,
): { values: Values<T>; positionals: readonly string[] } {
  return complainingOfUsage(() => parseArgs({ args: [...args], options, strict: true, allowPositionals: true }));
}

function complainingOfUsage<R>(parse: () => R): R {
  try {
    return parse();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** An integer option from `least` to `most`. */
export function integerOption(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`--${name} is "${text}": an integer from ${least} to ${most} is expected`);
}

/** One of a few words. */
export function choiceOption<const T extends string>(name: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw new UsageError(`--${name} is "${text}": ${choices.join(', ')} are the choices`);
}
