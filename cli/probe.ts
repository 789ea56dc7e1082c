/** `linkpoint probe`: what this kernel and these rights allow, with a remedy for what they do not. */

import { release } from 'node:os';

import type { FeatureName } from '../sandbox/probe-check.ts';
import { type Feature, probeKernel } from '../sandbox/probe.ts';
import { parseOptions } from './usage.ts';

/** How to call it. */
export const PROBE_USAGE = `linkpoint probe [--json]

  Tries what linkpoint can use: TUN and TAP, packet sockets, kinds of links, nft, namespaces, vhost, KVM.
  Everything is tried in a network namespace of its own if there is a right to make one, and nothing stays.

  --json    print one JSON object: kernel, uid, features

  Exits 0, whatever is missing.`;

/** Probes and prints; the exit code. */
export async function runProbe(args: readonly string[]): Promise<number> {
  const { json } = parseOptions(args, { json: { type: 'boolean', default: false } });
  const features = probeKernel();
  const machine = { kernel: release(), uid: process.getuid?.() ?? null };
  if (json) console.log(JSON.stringify({ ...machine, features }));
  else console.log([`Linux ${machine.kernel}, uid ${machine.uid}`, ...formatFeatures(features)].join('\n'));
  return 0;
}

/** A line per feature; then, for those that are missing, why, and what to do about it: once for all of one reason. */
export function formatFeatures(features: readonly Feature[]): string[] {
  const width = Math.max(...features.map(({ name }) => name.length));
  const lines = features.map(
    ({ name, what, available }) => `${available ? 'yes' : 'no '}  ${name.padEnd(width)}  ${what}`,
  );
  const missing = new Map<string, FeatureName[]>();
  for (const { name, reason, remedy } of features) {
    if (reason === null) continue;
    const why = `  ${reason}\n  remedy: ${remedy}`;
    missing.set(why, [...(missing.get(why) ?? []), name]);
  }
  return [...lines, ...[...missing].map(([why, names]) => `\n${names.join(', ')}:\n${why}`)];
}
