/**
 * The table nat of iptables(8) and ip6tables(8), of whichever kind is installed: one process to list it, and one
 * iptables-restore(8) for a change, all of it or nothing, behind the lock of xtables where there is one.
 */

import { runProgram } from './run-program.ts';

const TABLE = 'nat';

/** A family's programs. */
export interface IptablesFamily {
  readonly program: 'iptables' | 'ip6tables';
  /** All groups of the family. */
  readonly multicast: string;
}

/** IPv4. */
export const IPTABLES: IptablesFamily = { program: 'iptables', multicast: '224.0.0.0/4' };
/** IPv6. */
export const IP6TABLES: IptablesFamily = { program: 'ip6tables', multicast: 'ff00::/8' };

/** The table as `-S` prints it: `-N CHAIN` and `-A CHAIN rule`, a line each. @throws ProgramError */
export async function listNat({ program }: IptablesFamily): Promise<readonly string[]> {
  return (await runProgram(program, ['-t', TABLE, '-w', '-S'])).split('\n').filter((line) => line !== '');
}

/** Applies lines of iptables-restore(8), `-A CHAIN rule`; the rest of the table stays. @throws ProgramError */
export async function changeNat({ program }: IptablesFamily, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  await runProgram(`${program}-restore`, ['--noflush', '-w'], [`*${TABLE}`, ...lines, 'COMMIT', ''].join('\n'));
}

/**
 * A word of such a line, quoted as `-S` prints it. What would end the line is refused: names come from configuration.
 * @throws Error
 */
export function iptablesWord(text: string): string {
  if (!/[\u0000-\u001f\u007f]/.test(text)) return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
  throw new Error(`failed to build iptables rules: ${JSON.stringify(text)} has a control character`);
}

/** What `iptablesWord` has quoted, or the word as it is. */
export const readIptablesWord = (word: string): string =>
  word.startsWith('"') ? word.slice(1, -1).replaceAll(/\\(.)/g, '$1') : word;
