/** The addresses of an interface whose frames are the guest's: the guest has them, so the kernel must not. */

import { NetlinkError } from '../../errors.ts';
import { listByAge } from './addressing.ts';
import type { EthernetLink, Wiring } from './wiring.ts';

/** Gives the interface another address: its own becomes the guest's. */
export function moveAddress(wiring: Wiring, veth: EthernetLink, address: string): void {
  const step = `set MAC address ${address} for veth interface ${veth.name}`;
  wiring.set(step, veth.name, { address }, { address: veth.address });
}

/**
 * Removes the IP addresses of an interface whose state was saved, a step each, last first: those that are left after a
 * failure stay the first.
 */
export function removeAddresses(wiring: Wiring, link: string): void {
  const { addresses } = wiring.rtnl;
  for (const { address, prefixLength, peer } of listByAge(wiring.rtnl, link).reverse()) {
    const prefix = `${address}/${prefixLength}`;
    const one = peer === undefined ? { address: prefix } : { address: prefix, peer };
    wiring.step(`remove address ${prefix} of ${link}`, () => unlessGone(() => addresses.delete(link, one)));
  }
}

/** The kernel removes the further addresses of a prefix with its first. */
function unlessGone(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (!(error instanceof NetlinkError && error.code === 'EADDRNOTAVAIL')) throw error;
  }
}
