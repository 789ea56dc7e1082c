/**
 * nftables by nft(8): one process a transaction, all of it or nothing, and rules read as JSON (libnftables-json(5)).
 *
 * Commands are an argument: `nft -f -` opens /dev/stdin by its name, and Node's pipes, which are sockets, have none.
 */

import { isJsonObject, type JsonObject, objectsAt } from './json.ts';
import { ProgramError, runProgram } from './run-program.ts';

const NFT = 'nft';

/** A rule as nft lists it. */
export interface NftRule {
  readonly chain: string;
  /** By which it is deleted. */
  readonly handle: number;
  readonly comment: string;
  /** Name of the interface that frames come by, where the rule asks for one. */
  readonly inputInterface: string | undefined;
}

/** A table: its chains and rules. */
export interface NftTable {
  readonly chains: readonly string[];
  readonly rules: readonly NftRule[];
}

/** Applies commands in one transaction, a line each. @throws ProgramError */
export async function applyNft(commands: readonly string[]): Promise<void> {
  await runProgram(NFT, [commands.join('\n')]);
}

/** Applies commands of libnftables-json(5) in one transaction: names in them need no quoting. @throws ProgramError */
export async function applyNftJson(commands: readonly JsonObject[]): Promise<void> {
  await runProgram(NFT, ['-j', JSON.stringify({ nftables: commands })]);
}

/**
 * Lists a table, `inet nat`.
 * @returns undefined where there is no such table
 * @throws ProgramError
 */
export async function listNftTable(family: string, table: string): Promise<NftTable | undefined> {
  try {
    return parseTable(await runProgram(NFT, ['-j', 'list', 'table', family, table]));
  } catch (error) {
    if (error instanceof ProgramError && /No such file or directory/.test(error.stderr)) return undefined;
    throw error;
  }
}

/**
 * A string of a command, quoted. nft knows no escape in it, so what would end it or the line is refused: names come
 * from configuration.
 * @throws Error
 */
export function nftString(text: string): string {
  if (!/["\u0000-\u001f\u007f]/.test(text)) return `"${text}"`;
  throw new Error(`failed to build nft rules: ${JSON.stringify(text)} has a quote or a control character`);
}

/** Whether nft is there and may do its work. */
export async function supportsNft(): Promise<boolean> {
  try {
    await runProgram(NFT, ['--check', 'add table inet linkpoint_probe']);
    return true;
  } catch (error) {
    if (error instanceof ProgramError) return false;
    throw error;
  }
}

function parseTable(text: string): NftTable {
  const root: unknown = JSON.parse(text);
  const items = isJsonObject(root) ? objectsAt(root, 'nftables') : [];
  const named = (key: string): JsonObject[] => items.map((item) => item[key]).filter(isJsonObject);
  return {
    chains: named('chain').map((chain) => String(chain['name'])),
    rules: named('rule').map((rule) => ({
      chain: String(rule['chain']),
      handle: Number(rule['handle']),
      comment: typeof rule['comment'] === 'string' ? rule['comment'] : '',
      inputInterface: inputInterface(rule['expr']),
    })),
  };
}

/** `{"match": {"left": {"meta": {"key": "iifname"}}, "right": "veth0"}}` */
function inputInterface(expressions: unknown): string | undefined {
  for (const item of Array.isArray(expressions) ? expressions : []) {
    const match: unknown = isJsonObject(item) ? item['match'] : undefined;
    if (!isJsonObject(match)) continue;
    const { left, right } = match;
    const meta = isJsonObject(left) ? left['meta'] : undefined;
    if (isJsonObject(meta) && meta['key'] === 'iifname' && typeof right === 'string') return right;
  }
  return undefined;
}
