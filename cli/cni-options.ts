/** The command line of `linkpoint cni`: options, and the variables that cnitool has, which they come before. */

import { createHash } from 'node:crypto';
import { resolve } from 'node:path';

import { parseCommand, UsageError } from './usage.ts';

/** What a command on a network is told. */
export interface CniCommandLine {
  readonly network: string;
  /** Path of the namespace; null where the command was given none. */
  readonly netns: string | null;
  readonly path: readonly string[];
  readonly confDir: string | null;
  readonly cacheDir: string | null;
  readonly ifName: string;
  /** Derived from the namespace's path unless it is given; empty without both. */
  readonly containerId: string;
  /** Absent where nobody gave any. */
  readonly args?: readonly (readonly [key: string, value: string])[];
  readonly capabilityArgs?: Readonly<Record<string, unknown>>;
  /** Attachments that gc leaves. */
  readonly keep: readonly { readonly containerId: string; readonly ifName: string }[];
}

const DEFAULT_PATH = '/opt/cni/bin';
const DEFAULT_IF_NAME = 'eth0';
const NETNS_FOLDER = '/run/netns';
/** Bytes of the hash in cnitool's container ids. */
const ID_BYTES = 10;

/** Reads the words behind `linkpoint cni COMMAND`. @throws UsageError */
export function parseCniCommand(words: readonly string[], env: NodeJS.ProcessEnv = process.env): CniCommandLine {
  const { values, positionals } = parseCommand(words, {
    path: { type: 'string' },
    'conf-dir': { type: 'string' },
    'cache-dir': { type: 'string' },
    ifname: { type: 'string' },
    'container-id': { type: 'string' },
    args: { type: 'string', multiple: true },
    'cap-args': { type: 'string' },
    keep: { type: 'string', multiple: true },
  });
  const [network, netnsText, ...others] = positionals;
  if (network === undefined) throw new UsageError('the name of a network is expected');
  if (others.length > 0) throw new UsageError(`"${others[0]}" is one word too many`);
  const netns = netnsText === undefined ? null : netnsPath(netnsText);
  return {
    network,
    netns,
    path: (values.path ?? variable(env, 'CNI_PATH') ?? DEFAULT_PATH).split(':').filter((folder) => folder !== ''),
    confDir: values['conf-dir'] ?? variable(env, 'NETCONFPATH') ?? null,
    cacheDir: values['cache-dir'] ?? null,
    ifName: values.ifname ?? variable(env, 'CNI_IFNAME') ?? DEFAULT_IF_NAME,
    containerId: values['container-id'] ?? (netns === null ? '' : derivedId(netns)),
    ...argsOf(values.args, variable(env, 'CNI_ARGS')),
    ...capabilityArgsOf(values['cap-args'], variable(env, 'CAP_ARGS')),
    keep: (values.keep ?? []).map(parseKept),
  };
}

/** A variable; an empty one is none. */
const variable = (env: NodeJS.ProcessEnv, name: string): string | undefined => env[name] || undefined;

/** As ip-netns(8) has it: a name is that of a file in /run/netns. */
const netnsPath = (text: string): string => (text.includes('/') ? resolve(text) : `${NETNS_FOLDER}/${text}`);

/** The id that cnitool gives, so that one can delete what the other has added. */
const derivedId = (netns: string): string =>
  `cnitool-${createHash('sha512').update(netns).digest('hex').slice(0, 2 * ID_BYTES)}`;

function argsOf(option: string[] | undefined, fromEnv: string | undefined): Pick<CniCommandLine, 'args'> {
  if (option !== undefined) return { args: option.map((pair) => parsePair('--args', pair)) };
  return fromEnv === undefined ? {} : { args: fromEnv.split(';').map((pair) => parsePair('CNI_ARGS', pair)) };
}

function parsePair(where: string, text: string): [string, string] {
  const [key = '', value = '', ...more] = text.split('=');
  if (key !== '' && value !== '' && more.length === 0 && !text.includes(';')) return [key, value];
  throw new UsageError(`${where} has "${text}": KEY=VALUE is expected`);
}

function capabilityArgsOf(
  option: string | undefined,
  fromEnv: string | undefined,
): Pick<CniCommandLine, 'capabilityArgs'> {
  const text = option ?? fromEnv;
  if (text === undefined) return {};
  const where = option === undefined ? 'CAP_ARGS' : '--cap-args';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${where} is no JSON: ${(error as Error).message}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return { capabilityArgs: value as Readonly<Record<string, unknown>> };
  }
  throw new UsageError(`${where} is ${text}: a JSON object is expected`);
}

function parseKept(text: string): CniCommandLine['keep'][number] {
  const [containerId = '', ifName = DEFAULT_IF_NAME, ...more] = text.split('/');
  if (containerId !== '' && ifName !== '' && more.length === 0) return { containerId, ifName };
  throw new UsageError(`--keep is "${text}": CONTAINER or CONTAINER/INTERFACE is expected`);
}
