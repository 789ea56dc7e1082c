/**
 * The option `vlanTrunk`: the VLANs that a port carries with their tags, as single ids and as ranges.
 *
 *     [{ "id": 101 }, { "minID": 200, "maxID": 210 }]  ──►  101, 200, 201, … 210
 */

import { refusal } from '../failure.ts';
import { integerAt, type JsonObject } from '../json.ts';

/** The largest VLAN id; 4095 is reserved (IEEE 802.1Q, 9.6). */
export const VLAN_ID_MAX = 4094;

/** The ids of the option, each once, smallest first. @throws CniError 999 with the reference's words; TypeError */
export function readVlanTrunk(items: readonly JsonObject[]): readonly number[] {
  const ids = new Set<number>();
  for (const item of items) {
    for (const id of range(item)) ids.add(id);
    const id = integerAt(item, 'id');
    if (id === undefined) continue;
    if (!isVlanId(id)) throw refusal('incorrect trunk id parameter');
    ids.add(id);
  }
  return [...ids].sort((a, b) => a - b);
}

function range(item: JsonObject): number[] {
  const min = integerAt(item, 'minID');
  const max = integerAt(item, 'maxID');
  if (min === undefined && max === undefined) return [];
  const both = 'minID and maxID should be configured simultaneously';
  if (min === undefined) throw refusal(`${both}, minID is missing`);
  if (max === undefined) throw refusal(`${both}, maxID is missing`);
  if (!isVlanId(min)) throw refusal('incorrect trunk minID parameter');
  if (!isVlanId(max)) throw refusal('incorrect trunk maxID parameter');
  if (max < min) throw refusal('minID is greater than maxID in trunk parameter');
  return Array.from({ length: max - min + 1 }, (_, index) => min + index);
}

const isVlanId = (id: number): boolean => id >= 1 && id <= VLAN_ID_MAX;
