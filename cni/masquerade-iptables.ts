/**
 * Masquerade rules of iptables, as the reference writes them: a chain per network and container, whose name is a hash.
 *
 *     POSTROUTING  -s 192.0.2.5                         ──► CNI-01d424cb2a9303e21c6e971c
 *     CNI-…        -d 192.0.2.0/24       ACCEPT             the container's own network
 *                  ! -d 224.0.0.0/4      MASQUERADE         anything else, but for multicast
 *
 * Every rule has the comment `name: "NETWORK" id: "CONTAINER"`. Two interfaces of a container in one network share the
 * chain: it goes with the last of them.
 */

import type { Cidr } from './addresses.ts';
import {
  changeNat,
  IP6TABLES,
  IPTABLES,
  type IptablesFamily,
  iptablesWord,
  listNat,
  readIptablesWord,
} from './iptables.ts';
import { hashName, type MasqueradeOwner } from './masquerade-owner.ts';
import { hostText, isIpv4, networkText } from './prefix.ts';
import { ProgramError } from './run-program.ts';
import type { CniAttachment } from './types.ts';

const HOOK = 'POSTROUTING';
/** XT_EXTENSION_MAXNAMELEN of the kernel, without its zero. */
const CHAIN_LENGTH = 28;

type Container = Pick<MasqueradeOwner, 'network' | 'containerId'>;

/** Whether the program works here. */
export async function isSupported(): Promise<boolean> {
  try {
    await listNat(IPTABLES);
    return true;
  } catch (error) {
    if (error instanceof ProgramError) return false;
    throw error;
  }
}

/** Writes what is missing of the rules; both families at once. */
export async function setUp(addresses: readonly Cidr[], owner: MasqueradeOwner): Promise<void> {
  await eachFamily(addresses, async (family, ofFamily) => {
    const present = await listed(family);
    const chain = chainOf(owner);
    const created = present.includes(`-N ${chain}`) ? [] : [`-N ${chain}`];
    const wanted = rulesOf(family, ofFamily, owner);
    await changeNat(family, [...created, ...wanted.filter((rule) => !present.includes(rule))]);
  });
}

/** Removes the rules of the addresses, or all of the container's where there is none, and the chain with the last. */
export async function tearDown(addresses: readonly Cidr[], owner: MasqueradeOwner): Promise<void> {
  await eachFamily(addresses, async (family, ofFamily) => {
    const present = await listed(family);
    const chain = chainOf(owner);
    if (!present.includes(`-N ${chain}`)) return;
    const jumps = jumpsTo(chain, present);
    const sources = new Set(ofFamily.flatMap((cidr) => [sourceText(cidr), networkText(cidr)]));
    const ours = addresses.length === 0 ? jumps : jumps.filter((rule) => sources.has(sourceOf(rule)));
    await changeNat(family, removal(chain, ours, ours.length === jumps.length));
  });
}

/** Removes the chains of a network's containers of which no attachment is left. */
export async function collect(network: string, valid: readonly CniAttachment[]): Promise<void> {
  const kept = new Set(valid.map(({ containerId }) => containerId));
  await eachFamily([], async (family) => {
    const present = await listed(family);
    const stale = containersOf(network, present).filter((containerId) => !kept.has(containerId));
    const lines = stale.flatMap((containerId) => {
      const chain = chainOf({ network, containerId });
      return removal(chain, jumpsTo(chain, present), present.includes(`-N ${chain}`));
    });
    await changeNat(family, lines);
  });
}

/** Name of the chain. */
export const chainOf = ({ network, containerId }: Container): string =>
  hashName(CHAIN_LENGTH, 'CNI-', network + containerId);

const commentOf = ({ network, containerId }: Container): string =>
  `name: ${JSON.stringify(network)} id: ${JSON.stringify(containerId)}`;

/** The rules, worded as `-S` prints them. */
function rulesOf({ multicast }: IptablesFamily, addresses: readonly Cidr[], owner: Container): string[] {
  const chain = chainOf(owner);
  const comment = `-m comment --comment ${iptablesWord(commentOf(owner))}`;
  const rules = addresses.flatMap((cidr) => [
    `-A ${chain} -d ${networkText(cidr)} ${comment} -j ACCEPT`,
    `-A ${chain} ! -d ${multicast} ${comment} -j MASQUERADE`,
    `-A ${HOOK} -s ${sourceText(cidr)} ${comment} -j ${chain}`,
  ]);
  return [...new Set(rules)];
}

/** Deletes jumps, and the chain where it `isUnused` afterwards. */
const removal = (chain: string, jumps: readonly string[], isUnused: boolean): string[] => [
  ...jumps.map((rule) => rule.replace(/^-A/, '-D')),
  ...(isUnused ? [`-F ${chain}`, `-X ${chain}`] : []),
];

const jumpsTo = (chain: string, present: readonly string[]): string[] =>
  present.filter((rule) => rule.startsWith(`-A ${HOOK} `) && rule.endsWith(` -j ${chain}`));

const sourceOf = (rule: string): string => / -s (\S+)/.exec(rule)?.[1] ?? '';

const sourceText = (cidr: Cidr): string => `${hostText(cidr)}/${isIpv4(cidr) ? 32 : 128}`;

/** Ids of the containers that have rules of the network: what the comments say, where the chain's name agrees. */
function containersOf(network: string, present: readonly string[]): string[] {
  const ids = present.flatMap((rule) => {
    const comment = readIptablesWord(/ --comment ("(?:[^"\\]|\\.)*"|\S+)/.exec(rule)?.[1] ?? '');
    const quoted = /^name: ("(?:[^"\\]|\\.)*") id: ("(?:[^"\\]|\\.)*")$/.exec(comment);
    if (quoted === null || JSON.parse(quoted[1] ?? '') !== network) return [];
    const containerId = String(JSON.parse(quoted[2] ?? ''));
    return rule.includes(chainOf({ network, containerId })) ? [containerId] : [];
  });
  return [...new Set(ids)];
}

/** The table's lines; none where the kernel or the machine knows nothing of the family. */
async function listed(family: IptablesFamily): Promise<readonly string[]> {
  try {
    return await listNat(family);
  } catch (error) {
    if (!(error instanceof ProgramError && error.isMissing)) throw error;
    throw new ProgramError(`failed to locate iptables: ${error.message}`, error);
  }
}

/** Runs `work` for each family that has addresses, or for both where there are none. */
async function eachFamily(
  addresses: readonly Cidr[],
  work: (family: IptablesFamily, addresses: readonly Cidr[]) => Promise<void>,
): Promise<void> {
  const families = ([[IPTABLES, true], [IP6TABLES, false]] as const)
    .map(([family, isV4]) => ({ family, ofFamily: addresses.filter((cidr) => isIpv4(cidr) === isV4) }))
    .filter(({ ofFamily }) => addresses.length === 0 || ofFamily.length > 0);
  await Promise.all(families.map(({ family, ofFamily }) => work(family, ofFamily)));
}
