#!/usr/bin/env node
/** The `linkpoint` command: `linkpoint SUBCOMMAND`, one file each. */

import { readFileSync } from 'node:fs';

import { match, P } from 'ts-pattern';

import { LinkpointError } from '../errors.ts';
import { UsageError, withUsage } from './usage.ts';

const USAGE = `linkpoint: the link layer for sandboxes

  linkpoint demo        the main job on real packets, on whatever this machine allows
  linkpoint bench rx    count what an fd receives
  linkpoint bench tx    write frames to an fd
  linkpoint announce    tell the neighbors of an interface who has its addresses
  linkpoint cni         install CNI plugins; call those of a network, as cnitool does
  linkpoint probe       what this kernel and these rights allow
  linkpoint --version

  linkpoint SUBCOMMAND --help tells the options.`;

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

/** Subcommands are loaded when they are asked for: help and version need no FFI. */
async function run(args: readonly string[]): Promise<number> {
  return match(args)
    .with([P.union('--help', '-h', 'help')], () => print(USAGE))
    .with([P.union('--version', '-v')], () => print(version()))
    .with(['demo', ...P.array()], async ([, ...rest]) => {
      const { DEMO_USAGE, runDemo } = await import('./demo.ts');
      return wantsHelp(rest) ? print(DEMO_USAGE) : withUsage(DEMO_USAGE, () => runDemo(rest));
    })
    .with(['bench', ...P.array()], async ([, ...rest]) => {
      const { BENCH_USAGE, runBench } = await import('./bench.ts');
      return wantsHelp(rest) ? print(BENCH_USAGE) : withUsage(BENCH_USAGE, () => runBench(rest));
    })
    .with(['announce', ...P.array()], async ([, ...rest]) => {
      const { ANNOUNCE_USAGE, runAnnounce } = await import('./announce.ts');
      return wantsHelp(rest) ? print(ANNOUNCE_USAGE) : withUsage(ANNOUNCE_USAGE, () => runAnnounce(rest));
    })
    .with(['cni', ...P.array()], async ([, ...rest]) => {
      const { CNI_USAGE, runCni } = await import('./cni.ts');
      return wantsHelp(rest) ? print(CNI_USAGE) : withUsage(CNI_USAGE, () => runCni(rest));
    })
    .with(['probe', ...P.array()], async ([, ...rest]) => {
      const { PROBE_USAGE, runProbe } = await import('./probe.ts');
      return wantsHelp(rest) ? print(PROBE_USAGE) : withUsage(PROBE_USAGE, () => runProbe(rest));
    })
    .with([], () => {
      throw new UsageError('a subcommand is expected');
    })
    .otherwise(([command]) => {
      throw new UsageError(`"${command}" is no subcommand`);
    });
}

const wantsHelp = (args: readonly string[]): boolean => args.includes('--help') || args.includes('-h');

function print(text: string): number {
  console.log(text);
  return 0;
}

function version(): string {
  const path = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

/** One line for what we foresaw, with its code; a stack for what we did not. */
function report(error: unknown): number {
  if (error instanceof UsageError) {
    console.error(`linkpoint: ${error.message}\n\n${error.usage ?? USAGE}`);
    return EXIT_USAGE;
  }
  console.error(error instanceof LinkpointError ? `linkpoint: ${error.message} (${error.code})` : error);
  return EXIT_FAILURE;
}

process.exitCode = await run(process.argv.slice(2)).catch(report);
