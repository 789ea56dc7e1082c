/**
 * The installed bridge runs the installed host-local in its own process: everything else is as if it were a program.
 *
 *     bridge ─► "host-local" with our mark, #!/bin/false          in this process: as a program it would fail
 *     bridge ─► "host-local", a script that notes it was run ─► the real one, moved away
 */

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import test from 'ava';

import { hostLocal, network } from './cni-cases.ts';
import { type Config, printed, Site } from './cni-site.ts';
import { mask, stateOf } from './cni-state.ts';

const SUBNET = { subnet: '198.51.100.0/24' };
const RANGE = { ...SUBNET, rangeStart: '198.51.100.7', rangeEnd: '198.51.100.7' };

interface Case {
  readonly ipam: Config;
  readonly env?: Readonly<Record<string, string>>;
  /** Before the calls. */
  readonly prepare?: (site: Site) => void;
}

const CASES: Readonly<Record<string, Case>> = {
  'two ranges, routes': {
    ipam: hostLocal([SUBNET], { ranges: [[SUBNET], [{ subnet: '2001:db8::/64' }]], routes: [{ dst: '192.0.2.0/24' }] }),
  },
  'a requested address': { ipam: hostLocal([SUBNET]), env: { CNI_ARGS: 'IgnoreUnknown=1;IP=198.51.100.44' } },
  'an exhausted range': {
    ipam: hostLocal([RANGE]),
    prepare: ({ dataDir }) => {
      mkdirSync(join(dataDir, 'net1'), { recursive: true });
      writeFileSync(join(dataDir, 'net1', '198.51.100.7'), 'other\r\neth0');
    },
  },
  'no ranges': { ipam: hostLocal([]) },
  'a subnet that is none': { ipam: hostLocal([{ subnet: '198.51.100.1/24' }]) },
  'a requested address out of range': { ipam: hostLocal([SUBNET]), env: { CNI_ARGS: 'IgnoreUnknown=1;IP=203.0.113.1' } },
  'a folder of leases that is a file': {
    ipam: hostLocal([SUBNET]),
    prepare: ({ dataDir }) => {
      mkdirSync(dataDir);
      writeFileSync(join(dataDir, 'net1'), '');
    },
  },
};

/** Makes our host-local impossible to run as a program. */
function keepInProcess({ bin }: Site): void {
  const file = join(bin, 'host-local');
  const mark = readFileSync(file, 'utf8').split('\n')[1] ?? '';
  writeFileSync(file, `#!/bin/false\n${mark}\n`);
}

/** Puts a script in the place of host-local. @returns how often it was run */
function runAsProgram(site: Site): () => number {
  const { bin } = site;
  const log = join(bin, 'runs');
  const real = join(bin, 'real-host-local');
  renameSync(join(bin, 'host-local'), real);
  site.replacePlugin('host-local', `echo >> "${log}"\nexec "${real}"`);
  return () => (existsSync(log) ? readFileSync(log, 'utf8').length : 0);
}

/** What ADD, STATUS, CHECK and DEL said, and what there was after each. */
function record(site: Site, { ipam, env = {}, prepare }: Case): unknown {
  prepare?.(site);
  const container = site.container('cont1');
  const config = { ...network({ isGateway: true, ipam }), cniVersion: '1.1.0' };
  let prevResult: Config = {};
  const commands = ['ADD', 'STATUS', 'CHECK', 'DEL'] as const;
  const steps = commands.map((command) => {
    const outcome = site.call({ command, config: { ...config, ...prevResult }, container, env });
    if (command === 'ADD' && outcome.status === 0) prevResult = { prevResult: printed(outcome) };
    return { command, outcome, state: stateOf(site, [container]) };
  });
  return mask(steps, { [container.path]: 'NETNS', [dirname(site.dataDir)]: 'FOLDER' });
}

for (const [name, one] of Object.entries(CASES)) {
  test.serial(`host-local in bridge's process is host-local as a program: ${name}`, (t) => {
    const inside = new Site(t, 'installed');
    keepInProcess(inside);
    const outside = new Site(t, 'installed');
    const runs = runAsProgram(outside);
    t.deepEqual(record(inside, one), record(outside, one));
    t.true(runs() >= 3, 'the other one was run as a program');
  });
}
