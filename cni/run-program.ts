/**
 * Runs a program of the system, nft(8) or iptables(8): no shell, its input on stdin, and what it said when it fails.
 */

import { systemPath } from '../sandbox/system-path.ts';
import { startChild } from './child.ts';

/** A program that takes longer is killed: whoever holds its lock holds up the container. */
const LIMIT_MILLISECONDS = 55_000;

/** A program could not be run (`isMissing`), or did not exit with 0. The message is its last word. */
export class ProgramError extends Error {
  /** The program is not installed. */
  readonly isMissing: boolean;
  /** What it wrote to stderr. */
  readonly stderr: string;

  constructor(message: string, { isMissing, stderr }: { isMissing: boolean; stderr: string }) {
    super(message);
    this.name = 'ProgramError';
    this.isMissing = isMissing;
    this.stderr = stderr;
  }
}

/** Runs a program to its end and gives what it wrote to stdout. @throws ProgramError */
export async function runProgram(program: string, args: readonly string[], input = ''): Promise<string> {
  // Not the option `timeout`: its timer outlives a program that could not be started, and so would this process.
  const signal = AbortSignal.timeout(LIMIT_MILLISECONDS);
  const child = startChild(program, args, { env: { ...process.env, PATH: systemPath() }, signal });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (said[name] += text));
  }
  // A program that fails early reads nothing; what went wrong is its exit status.
  child.stdin.on('error', () => undefined).end(input);
  const outcome = await new Promise<number | string | Error>((resolve) => {
    child.on('error', resolve);
    child.on('close', (status, signal) => resolve(status ?? signal ?? -1));
  });
  if (outcome === 0) return said.stdout;
  throw failure([program, ...args].join(' '), outcome, said);
}

function failure(command: string, outcome: number | string | Error, { stderr }: { stderr: string }): ProgramError {
  if (outcome instanceof Error) {
    const isMissing = (outcome as NodeJS.ErrnoException).code === 'ENOENT';
    const [program = ''] = command.split(' ');
    const reason = isMissing ? 'executable file not found in $PATH' : outcome.message;
    return new ProgramError(`exec: ${JSON.stringify(program)}: ${reason}`, { isMissing, stderr });
  }
  const status = typeof outcome === 'number' ? `exit status ${outcome}` : `signal: ${outcome}`;
  return new ProgramError(`running [${command}]: ${status}: ${stderr.trim()}`, { isMissing: false, stderr });
}
