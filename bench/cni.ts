/**
 * The suite cni: what a runtime waits for when it adds a container to a network and takes it away again, with our
 * plugins and with Debian's, call by call in turns.
 *
 *     round: contestant A: ADD · DEL · ADD · DEL · …  contestant B: ADD · DEL · …     sample: the median of its pairs
 *
 * The dots are pauses, which nobody is charged for. The kernel goes on working when an ADD has ended, and a DEL that
 * comes at once finds less to do: Debian's then takes 19 ms instead of 27, and only a fast plugin can come at once.
 * The containers of a runtime live longer; one row is without pauses all the same.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { type CallCost, CniSite, DEBIAN_FOLDER, type PluginFolder, timed } from './cni-site.ts';
import type { ContestantInfo, Sample } from './results.ts';
import { runRounds } from './rounds.ts';
import { median } from './statistics.ts';
import { infoOf, joinResults, NO_RESULTS, type RunOptions, type SuiteResults, wanted } from './suite.ts';

/** Pairs of calls that make a sample. */
const PAIRS = 5;
/** Milliseconds between two calls, for the kernel to come to rest. */
const PAUSE = 40;

interface CniContestant extends ContestantInfo {
  /** Whose plugin is called, and whose it finds; null for Node with nothing to do. */
  readonly folders: readonly [plugin: PluginFolder, path: PluginFolder] | null;
}

interface CniRow {
  readonly name: string;
  readonly plugin: string;
  readonly commands: readonly string[];
  readonly config: object;
  /** Milliseconds between two calls. Default PAUSE. */
  readonly pause?: number;
  readonly contestants: readonly CniContestant[];
}

const contestant = (
  id: string,
  label: string,
  family: ContestantInfo['family'],
  folders: CniContestant['folders'],
): CniContestant => ({ id, label, family, work: 'cni', folders });

const DEBIAN = contestant('debian-cni', "Debian's", 'go', ['debian', 'debian']);
const OURS = contestant('lp-cni', 'linkpoint', 'linkpoint', ['ours', 'ours']);
const UNCOMPILED = contestant('lp-cni-no-cache', 'linkpoint, no code cache', 'linkpoint', ['uncompiled', 'uncompiled']);
const OUR_BRIDGE = contestant('lp-cni-bridge', "linkpoint, Debian's IPAM", 'linkpoint', ['ours', 'debian']);
const OUR_IPAM = contestant('lp-cni-ipam', "Debian's, IPAM of linkpoint", 'linkpoint', ['debian', 'ours']);
const FLOOR = contestant('node-floor', 'node -e 0, each call', 'bare', null);

const PAIR = ['ADD', 'DEL'];
const IPAM = { type: 'host-local', dataDir: 'DATA', ranges: [[{ subnet: '198.51.100.0/24' }]] };
const LAYER2 = { cniVersion: '1.0.0', name: 'bench', type: 'bridge', bridge: 'cni0' };
const GATEWAY = { ...LAYER2, isGateway: true, ipam: IPAM };

const ROWS: readonly CniRow[] = [
  {
    ...{ name: 'ADD and DEL, bridge as gateway, host-local', plugin: 'bridge', commands: PAIR, config: GATEWAY },
    contestants: [DEBIAN, OURS, UNCOMPILED, OUR_BRIDGE, OUR_IPAM, FLOOR],
  },
  {
    ...{ name: 'ADD and DEL, the same back to back', plugin: 'bridge', commands: PAIR, config: GATEWAY, pause: 0 },
    contestants: [DEBIAN, OURS, FLOOR],
  },
  {
    ...{ name: 'ADD and DEL, the same with ipMasq by iptables', plugin: 'bridge', commands: PAIR },
    config: { ...GATEWAY, ipMasq: true },
    contestants: [DEBIAN, OURS],
  },
  {
    ...{ name: 'ADD and DEL, bridge of layer 2', plugin: 'bridge', commands: PAIR, config: LAYER2 },
    contestants: [DEBIAN, OURS],
  },
  {
    ...{ name: 'ADD and DEL, host-local alone', plugin: 'host-local', commands: PAIR, config: GATEWAY },
    contestants: [DEBIAN, OURS, FLOOR],
  },
  {
    ...{ name: 'VERSION of bridge', plugin: 'bridge', commands: ['VERSION'], config: {} },
    contestants: [DEBIAN, OURS, FLOOR],
  },
];

/** Runs the suite. */
export async function runCni(options: RunOptions): Promise<SuiteResults> {
  if (!options.hasNamespace) return { ...NO_RESULTS, notes: ['cni: left out, plugins make links; run as root'] };
  using site = new CniSite();
  const isThere = ({ folders }: CniContestant): boolean => (folders ?? []).every((folder) => site.has(folder));
  const missing = `cni: Debian's plugins are missing in ${DEBIAN_FOLDER}; install containernetworking-plugins`;
  let results: SuiteResults = { ...NO_RESULTS, notes: isThere(DEBIAN) ? [] : [missing] };
  for (const row of wanted(ROWS, options)) {
    options.say(`cni  ${row.name}`);
    const contestants = row.contestants.filter(isThere);
    const run = await runRounds(row.name, contestants, options.rounds, options.limit, (one, round) =>
      measure(site, row, one, round),
    );
    results = joinResults(results, { ...NO_RESULTS, ...run, contestants: contestants.map(infoOf) });
  }
  return results;
}

async function measure(
  site: CniSite,
  row: CniRow,
  { id, folders }: CniContestant,
  round: number,
): Promise<{ sample: Sample } | { failure: string }> {
  const { plugin, config, commands, pause = PAUSE } = row;
  const call = (command: string): CallCost => {
    if (folders === null) return timed([process.execPath, '-e', '0'], {}, '');
    const [folder, path] = folders;
    return site.call({ plugin, folder, path, command, config });
  };
  try {
    const pairs: CallCost[][] = [];
    while (pairs.length < PAIRS) {
      const pair: CallCost[] = [];
      for (const command of commands) {
        await sleep(pause);
        pair.push(call(command));
      }
      pairs.push(pair);
    }
    return { sample: sampleOf(row, id, round, pairs) };
  } catch (error) {
    if (folders !== null && commands.includes('DEL')) tryToDelete(() => call('DEL'));
    return { failure: (error as Error).message };
  }
}

/** An ADD whose DEL was not reached would be in the others' way. */
function tryToDelete(call: () => unknown): void {
  try {
    call();
  } catch {
    // What has failed is reported already.
  }
}

/** The milliseconds are what counts; the fields of throughput stay 0. */
function sampleOf(
  { name: row, commands }: CniRow,
  id: string,
  round: number,
  pairs: readonly (readonly CallCost[])[],
): Sample {
  const sum = (pair: readonly CallCost[], of: keyof CallCost): number => pair.reduce((all, one) => all + one[of], 0);
  const each = commands.map((command, index) => [
    `${command.toLowerCase()}Ms`,
    median(pairs.map((pair) => pair[index]?.wallMs ?? 0)),
  ]);
  const extra: Record<string, number> = {
    wallMs: median(pairs.map((pair) => sum(pair, 'wallMs'))),
    cpuMs: median(pairs.map((pair) => sum(pair, 'cpuMs'))),
    ...(Object.fromEntries(each) as Record<string, number>),
  };
  const nothing = { frameBytes: 0, seconds: 0, cpuNsPerPacket: 0, userNsPerPacket: 0, systemNsPerPacket: 0 };
  const still = { packetsPerSecond: 0, gigabitsPerSecond: 0, busy: 1, packetsPerCall: 0, lost: null };
  return { suite: 'cni', row, contestant: id, round, packets: PAIRS, ...nothing, ...still, extra };
}
