/** Where a run was measured, and with what. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { type Machine, ROOT } from './results.ts';

/** The machine, as the kernel tells it. */
export function describeMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    os: /PRETTY_NAME="(.*)"/.exec(readText('/etc/os-release'))?.[1] ?? 'unknown',
    loadBefore: loadavg()[0] ?? 0,
  };
}

/** Versions of all that takes part; what is not there is left out. */
export function describeVersions(): Record<string, string> {
  const entries: [string, string][] = [
    ['linkpoint', packageVersion(ROOT)],
    ['node', process.version],
    ['koffi', packageVersion(join(ROOT, 'node_modules', 'koffi'))],
    ['gcc', firstLine('gcc', ['-dumpfullversion'])],
    ['go', firstLine('go', ['version']).replace(/^go version /, '')],
    ['gvisor', firstLine('dpkg-query', ['-W', '-f=${Version}', 'golang-gvisor-gvisor-dev'])],
    ['containernetworking-plugins', firstLine('dpkg-query', ['-W', '-f=${Version}', 'containernetworking-plugins'])],
    ['cap', packageVersion(join(ROOT, 'bench', 'peers', 'node', 'node_modules', 'cap'))],
    ['raw-socket', packageVersion(join(ROOT, 'bench', 'peers', 'node', 'node_modules', 'raw-socket'))],
  ];
  return Object.fromEntries(entries.filter(([, version]) => version !== ''));
}

function packageVersion(folder: string): string {
  const path = join(folder, 'package.json');
  return existsSync(path) ? (JSON.parse(readText(path)) as { version: string }).version : '';
}

function firstLine(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0] ?? '';
  } catch {
    return '';
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
