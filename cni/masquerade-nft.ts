/**
 * Masquerade rules of nftables, as the reference writes them.
 *
 *     table inet cni_plugins_masquerade
 *       chain postrouting   nat, flushed and refilled each time: multicast returns, the rest goes to masq_checks
 *       chain masq_checks   ip saddr == 192.0.2.5 ip daddr != 192.0.2.0/24 masquerade comment "HASH-HASH, net: …"
 *
 * The comment begins with the hash of the network, then that of interface and container, and ends with their names.
 */

import type { Cidr } from './addresses.ts';
import { hashName, type MasqueradeOwner } from './masquerade-owner.ts';
import { applyNft, listNftTable, type NftRule, nftString } from './nft.ts';
import { hostText, isIpv4, networkText } from './prefix.ts';
import type { CniAttachment } from './types.ts';

const FAMILY = 'inet';
const TABLE = 'cni_plugins_masquerade';
const CHAIN = 'masq_checks';
const TABLE_COMMENT = 'Masquerading for plugins from github.com/containernetworking/plugins';
const CHAIN_COMMENT = 'Masquerade traffic from certain IPs to any (non-multicast) IP outside their subnet';
/** Longest comment that the kernel's tools keep: NFTNL_UDATA_COMMENT_MAXLEN of libnftnl. */
const COMMENT_MAX = 128;
const HASH_LENGTH = 16;

/** Writes the rules of an attachment, and removes those that it had before, in one transaction. */
export async function setUp(addresses: readonly Cidr[], owner: MasqueradeOwner): Promise<void> {
  const comment = nftString(commentOf(owner));
  const stale = await find(instanceHash(owner));
  const rules = addresses.map((cidr) => {
    const ip = isIpv4(cidr) ? 'ip' : 'ip6';
    const match = `${ip} saddr == ${hostText(cidr)} ${ip} daddr != ${networkText(cidr)}`;
    return `add rule ${FAMILY} ${TABLE} ${CHAIN} ${match} masquerade comment ${comment}`;
  });
  await applyNft([...TABLE_COMMANDS, ...stale.map(deletion), ...rules]);
}

/** Removes the rules of an attachment, by the hash in their comment. */
export async function tearDown(owner: MasqueradeOwner): Promise<void> {
  const rules = await find(instanceHash(owner));
  if (rules.length > 0) await applyNft(rules.map(deletion));
}

/** Removes the rules of a network's attachments that are not among those given. */
export async function collect(network: string, valid: readonly CniAttachment[]): Promise<void> {
  const kept = new Set(valid.map((attachment) => commentOf({ ...attachment, network })));
  const stale = (await find(`${networkHash(network)}-`)).filter(({ comment }) => !kept.has(comment));
  if (stale.length > 0) await applyNft(stale.map(deletion));
}

const TABLE_COMMANDS: readonly string[] = [
  `add table ${FAMILY} ${TABLE} { comment "${TABLE_COMMENT}" ; }`,
  `add chain ${FAMILY} ${TABLE} ${CHAIN} { comment "${CHAIN_COMMENT}" ; }`,
  `add chain ${FAMILY} ${TABLE} postrouting { type nat hook postrouting priority 100 ; }`,
  `flush chain ${FAMILY} ${TABLE} postrouting`,
  `add rule ${FAMILY} ${TABLE} postrouting ip daddr == 224.0.0.0/4 return`,
  `add rule ${FAMILY} ${TABLE} postrouting ip6 daddr == ff00::/8 return`,
  `add rule ${FAMILY} ${TABLE} postrouting goto ${CHAIN}`,
];

const deletion = ({ handle }: NftRule): string => `delete rule ${FAMILY} ${TABLE} ${CHAIN} handle ${handle}`;

async function find(prefix: string): Promise<readonly NftRule[]> {
  const table = await listNftTable(FAMILY, TABLE);
  return (table?.rules ?? []).filter(({ chain, comment }) => chain === CHAIN && comment.startsWith(prefix));
}

const networkHash = (network: string): string => hashName(HASH_LENGTH, '', network);

const instanceHash = ({ network, ifName, containerId }: MasqueradeOwner): string =>
  `${networkHash(network)}-${hashName(HASH_LENGTH, '', `${ifName}:${containerId}`)}`;

/** Exported for the tests of its length. */
export function commentOf(owner: MasqueradeOwner): string {
  const { network, ifName, containerId } = owner;
  const names = `net: ${network}, if: ${ifName}, id: ${containerId}`.replaceAll('"', '');
  return `${instanceHash(owner)}, ${names}`.slice(0, COMMENT_MAX);
}
