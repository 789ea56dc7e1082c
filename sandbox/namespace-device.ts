/** The best device that a namespace allows: a TAP, else a veth pair with packet sockets. */

import { asError, LinkpointError } from '../errors.ts';
import { openPacketSocket } from '../link/open-packet-socket.ts';
import { openTap } from '../link/open-tun.ts';
import type { DeviceOptions, NamespaceDevice } from './net-namespace.ts';
import { Rtnl } from './netlink/rtnl.ts';

/** Bytes of an interface name without its terminating zero. */
const NAME_BYTES_MAX = 15;
const OUTSIDE = '-out';

/** Makes a device in the thread's namespace. @throws LinkpointError ERR_NO_DEVICE with all reasons */
export function openDeviceHere(options: DeviceOptions = {}): NamespaceDevice {
  const refused: { kind: 'tap' | 'veth'; reason: string }[] = [];
  for (const kind of options.kinds ?? ['tap', 'veth']) {
    try {
      return { ...(kind === 'tap' ? openTapDevice(options) : openVethDevice(options)), kind, refused };
    } catch (error) {
      refused.push({ kind, reason: asError(error).message });
    }
  }
  const reasons = refused.map(({ kind, reason }) => `${kind}: ${reason}`).join('; ');
  throw new LinkpointError('ERR_NO_DEVICE', `Cannot make a device in a namespace: ${reasons}`);
}

function openTapDevice({ name = 'tap0', queues = 1, vnetHeader = true }: DeviceOptions): Pick<NamespaceDevice, 'name' | 'device'> {
  const device = openTap({ name, queues, vnetHeaderBytes: vnetHeader ? 12 : 0 });
  return { name: device.name, device };
}

function openVethDevice({ name = 'veth0', queues = 1, vnetHeader = true }: DeviceOptions): Pick<NamespaceDevice, 'name' | 'device'> {
  const outside = `${name.slice(0, NAME_BYTES_MAX - OUTSIDE.length)}${OUTSIDE}`;
  using rtnl = Rtnl.open();
  rtnl.links.add({ kind: 'veth', name, peer: { name: outside } });
  try {
    rtnl.links.set(outside, { up: true });
    return { name, device: openPacketSocket({ interfaceName: outside, queues, vnetHeaderBytes: vnetHeader ? 10 : 0 }) };
  } catch (error) {
    rtnl.links.delete(name);
    throw error;
  }
}
