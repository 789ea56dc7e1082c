/**
 * The option `macspoofchk`: frames of a container that have another source address than its own are dropped.
 *
 *     table bridge nat
 *       chain PREROUTING                          iifname "veth…" jump cni-br-iface-ID-IFNAME
 *       chain cni-br-iface-ID-IFNAME              jump cni-br-iface-ID-IFNAME-mac
 *       chain cni-br-iface-ID-IFNAME-mac          ether saddr 02:00:5e:00:53:01 return, drop
 *
 * The rules are the reference's, with its comment `macspoofchk-ID-IFNAME`. Table and PREROUTING survive.
 */

import { failure } from './failure.ts';
import type { JsonObject } from './json.ts';
import { applyNftJson, listNftTable, type NftRule, type NftTable } from './nft.ts';
import type { CniAttachment } from './types.ts';

const FAMILY = 'bridge';
const TABLE = 'nat';
const HOOK_CHAIN = 'PREROUTING';
const CHAIN_PREFIX = 'cni-br-iface-';
const COMMENT_PREFIX = 'macspoofchk-';
const IN_TABLE = { family: FAMILY, table: TABLE } as const;

/** Lets only frames with this source address in by a port. @throws CniError */
export async function setUpSpoofCheck(port: string, mac: string, owner: CniAttachment): Promise<void> {
  const { id, chain, macChain } = namesOf(owner);
  const comment = COMMENT_PREFIX + id;
  const rule = (inChain: string, ...expr: readonly JsonObject[]): JsonObject => ({
    add: { rule: { ...IN_TABLE, chain: inChain, expr, comment } },
  });
  const hook = { type: 'filter', hook: 'prerouting', prio: -300, policy: 'accept' };
  const sourceAddress = { payload: { protocol: 'ether', field: 'saddr' } };
  try {
    await applyNftJson([
      { add: { table: { family: FAMILY, name: TABLE } } },
      { add: { chain: { ...IN_TABLE, name: HOOK_CHAIN, ...hook } } },
      ...[chain, macChain].map((name) => ({ add: { chain: { ...IN_TABLE, name } } })),
      ...[chain, macChain].map((name) => ({ flush: { chain: { ...IN_TABLE, name } } })),
      rule(HOOK_CHAIN, match({ meta: { key: 'iifname' } }, port), { jump: { target: chain } }),
      rule(chain, { jump: { target: macChain } }),
      rule(macChain, match(sourceAddress, mac), { return: null }),
      rule(macChain, { drop: null }),
    ]);
  } catch (error) {
    throw failure('failed to setup spoof-check', error);
  }
}

/** Removes the rules of an attachment, whichever of them are there. @throws CniError */
export async function tearDownSpoofCheck(owner: CniAttachment): Promise<void> {
  await remove((rule) => rule.comment === COMMENT_PREFIX + namesOf(owner).id, [namesOf(owner)]);
}

/**
 * Removes the rules whose port is gone. Nothing in them says which network they are of, so the attachments that are
 * left cannot decide; a port goes with its container, and its random name does not come again.
 * @param isPort whether there is a link of that name
 * @throws CniError
 */
export async function collectSpoofChecks(isPort: (name: string) => boolean): Promise<void> {
  const isStale = ({ chain, comment, inputInterface }: NftRule): boolean =>
    chain === HOOK_CHAIN &&
    comment.startsWith(COMMENT_PREFIX) &&
    inputInterface !== undefined &&
    !isPort(inputInterface);
  const table = await list();
  const ids = (table?.rules ?? []).filter(isStale).map(({ comment }) => comment.slice(COMMENT_PREFIX.length));
  if (ids.length > 0) await remove(isStale, ids.map(chainsOf), table);
}

const match = (left: JsonObject, right: string): JsonObject => ({ match: { op: '==', left, right } });

interface Names {
  readonly id: string;
  readonly chain: string;
  readonly macChain: string;
}

const namesOf = ({ containerId, ifName }: CniAttachment): Names => chainsOf(`${containerId}-${ifName}`);

const chainsOf = (id: string): Names => ({ id, chain: CHAIN_PREFIX + id, macChain: `${CHAIN_PREFIX}${id}-mac` });

/** One transaction: jumps first, then the chains that jump, then those jumped to. */
async function remove(
  isOurs: (rule: NftRule) => boolean,
  names: readonly Names[],
  listed?: NftTable,
): Promise<void> {
  try {
    const table = listed ?? (await list());
    if (table === undefined) return;
    const jumps = table.rules.filter((rule) => rule.chain === HOOK_CHAIN && isOurs(rule));
    const all = names.flatMap(({ chain, macChain }) => [chain, macChain]);
    const chains = all.filter((name) => table.chains.includes(name));
    const commands = [
      ...jumps.map(({ handle }) => ({ delete: { rule: { ...IN_TABLE, chain: HOOK_CHAIN, handle } } })),
      ...chains.map((name) => ({ delete: { chain: { ...IN_TABLE, name } } })),
    ];
    if (commands.length > 0) await applyNftJson(commands);
  } catch (error) {
    throw failure('failed to teardown spoof-check', error);
  }
}

const list = (): Promise<NftTable | undefined> => listNftTable(FAMILY, TABLE);
