/**
 * The two interfaces of a joined endpoint, and what joins them, named after the number of the endpoint.
 *
 *     "eth4", from the scan ══ "br4" ══ "tap4"         02:00:ca:fe:00:04 is what the veth gets: the sandbox has its own
 */

import { randomUUID } from 'node:crypto';

import { InvalidOptionError } from '../../errors.ts';
import { checkInterfaceName } from '../../native/interface-name.ts';
import { type ResolvedModel, resolveInterworkingModel } from './interworking.ts';

/** Largest number of an endpoint: the link address has two bytes for it. */
const INDEX_MAX = 0xffff;

/** One end of a pair. */
export interface PairInterface {
  readonly name: string;
  /** `02:00:00:00:00:01`; empty while it is not known. */
  readonly hardwareAddress: string;
}

/** Two interfaces of the namespace that belong together: Kata's NetworkInterfacePair. */
export interface NetworkPair {
  /** UUID. */
  readonly id: string;
  /** Name of the bridge, where the model has one. */
  readonly name: string;
  /** The interface that was there; its address while it is joined. */
  readonly virtualInterface: PairInterface;
  /** The device; its address is the one the guest uses: what the other interface had before. */
  readonly tapInterface: PairInterface;
  readonly model: ResolvedModel;
}

/** Options of a pair. */
export interface NetworkPairOptions {
  /** Name of the interface that is there. Default `eth` and the number. */
  readonly interfaceName?: string;
  /** `default`, `bridged`, `macvtap`, `tcfilter` or `none`. Default `default`. */
  readonly model?: string;
}

/** Kata's rule for the number of an endpoint. @throws InvalidOptionError `invalid network endpoint index: -1` */
export function checkEndpointIndex(index: number): number {
  if (Number.isInteger(index) && index >= 0 && index <= INDEX_MAX) return index;
  throw new InvalidOptionError(
    `invalid network endpoint index: ${index}; an integer from 0 to ${INDEX_MAX} is required`,
  );
}

/** The name of endpoint `index`'s interface: the one that is given, checked, or `eth` and the number. */
export function endpointInterfaceName(index: number, name?: string): string {
  checkEndpointIndex(index);
  if (name === undefined || name === '') return `eth${index}`;
  checkInterfaceName('Cannot create a network endpoint', name);
  return name;
}

/** Names a pair. @throws InvalidOptionError */
export function createNetworkPair(index: number, options: NetworkPairOptions = {}): NetworkPair {
  const name = endpointInterfaceName(index, options.interfaceName);
  const numbers = [index >> 8, index & 0xff].map((byte) => byte.toString(16).padStart(2, '0'));
  return {
    id: randomUUID(),
    name: `br${index}`,
    virtualInterface: { name, hardwareAddress: `02:00:ca:fe:${numbers.join(':')}` },
    tapInterface: { name: `tap${index}`, hardwareAddress: '' },
    model: resolveInterworkingModel(options.model ?? 'default'),
  };
}
