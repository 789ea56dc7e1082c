/** The VLANs of a port: an access VLAN (frames without a tag), a trunk (frames with one), or both. */

import type { Link } from '../../sandbox/netlink/link.ts';
import type { BridgePorts } from '../../sandbox/netlink/bridge-ports.ts';
import { during } from '../failure.ts';
import type { BridgeConfig } from './config.ts';

/** The VLAN of frames without a tag on a trunk that has no access VLAN, as it was before ports could have both. */
const NATIVE_VLAN = 1;

/** The options of a network that are about VLANs. */
export type VlanOptions = Pick<BridgeConfig, 'vlan' | 'vlanTrunk' | 'preserveDefaultVlan'>;

/**
 * Gives a port its VLANs; without any in the options it keeps what the bridge gave it.
 * @param ports bridge ports of the host
 * @param defaultVlan the one that the bridge has given the port, 0 for none
 * @throws CniError EOPNOTSUPP in words where the kernel has no VLAN filtering
 */
export function setVlans(
  ports: Pick<BridgePorts, 'addVlan' | 'deleteVlan'>,
  { name, index }: Pick<Link, 'name' | 'index'>,
  defaultVlan: number,
  { vlan, vlanTrunk = [], preserveDefaultVlan }: VlanOptions,
): void {
  if (vlan === 0 && vlanTrunk.length === 0) return;
  const quoted = JSON.stringify(name);
  if (!preserveDefaultVlan && defaultVlan !== 0) {
    const message = `failed to remove default vlan on interface ${quoted}`;
    during(message, () => ports.deleteVlan(index, { id: defaultVlan }));
  }
  during(`failed to setup vlan tag on interface ${quoted}`, () => {
    if (vlan !== 0) ports.addVlan(index, { id: vlan, pvid: true, untagged: true });
    for (const id of vlanTrunk) ports.addVlan(index, { id });
  });
  if (vlan !== 0) return;
  const message = `failed to setup default native vlan tag on interface ${quoted}`;
  during(message, () => ports.addVlan(index, { id: NATIVE_VLAN, pvid: true, untagged: true }));
}
