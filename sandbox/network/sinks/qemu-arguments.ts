/**
 * Arguments of QEMU for one device each, qemu-system(1), "Network options": a back end and the card on it.
 *
 *     TAP         -netdev tap,id=net0,fds=3:4,vhost=off       -device virtio-net-pci,netdev=net0,mac=…,mq=on,vectors=6
 *     vhost-user  -chardev socket,id=char-…,path=…  -netdev vhost-user,id=net1,chardev=char-…   -device …
 *     PCI         -device vfio-pci,host=0000:00:03.0
 *
 * A comma separates options, and a doubled one stands for itself. All else in them is digits, or was checked.
 */

import { InvalidOptionError } from '../../../errors.ts';
import { formatLinkAddress } from '../../../header/address.ts';
import { checkInteger } from '../../../link/device.ts';
import type { SinkPci, SinkTap, SinkVhostUser } from '../device-sink.ts';
import { isPciAddress } from '../pci-device.ts';
import { checkLinkAddress, checkTapFds } from './check.ts';

const VHOST_USER_ID = /^[0-9a-f]{16}$/;
/** sun_path of unix(7), without its terminating zero. */
const SOCKET_PATH_BYTES = 107;
/** What guests assume who are told nothing. */
const USUAL_MTU = 1500;
/** Of IPv4 (RFC 791); and what 16 bits hold. */
const MTU_MIN = 68, MTU_MAX = 65_535;

/** A value as it must be written between QEMU's commas. */
export const escapeValue = (text: string): string => text.replaceAll(',', ',,');

/** Arguments of a TAP whose descriptors, vhost-net's last, are QEMU's from `firstFd` on. @throws InvalidOptionError */
export function tapArguments(id: string, device: SinkTap): (firstFd: number) => string[] {
  const { fds, vhostFds, mtu } = device;
  const action = `Cannot give "${device.name}" to QEMU`;
  checkTapFds(action, device);
  checkInteger(action, 'mtu', mtu, MTU_MIN, MTU_MAX);
  const hostMtu = mtu === USUAL_MTU ? '' : `,host_mtu=${mtu}`;
  const card = cardArguments(action, id, device.linkAddress, fds.length, hostMtu);
  return (firstFd) => {
    const vhost = fdList('vhostfd', firstFd + fds.length, vhostFds.length);
    const queues = fdList('fd', firstFd, fds.length);
    return ['-netdev', `tap,id=${id},${queues},${vhost === '' ? 'vhost=off' : `vhost=on,${vhost}`}`, ...card];
  };
}

/** Arguments of a vhost-user device. QEMU needs guest memory that can be shared, too. @throws InvalidOptionError */
export function vhostUserArguments(id: string, device: SinkVhostUser, queues: number): string[] {
  const { socketPath } = device;
  const action = `Cannot give "${socketPath}" to QEMU`;
  if (socketPath === '' || socketPath.includes('\0') || Buffer.byteLength(socketPath) > SOCKET_PATH_BYTES) {
    throw new InvalidOptionError(`${action}: the path of a socket, of 1 to ${SOCKET_PATH_BYTES} bytes, is required`);
  }
  if (!VHOST_USER_ID.test(device.id)) {
    throw new InvalidOptionError(`${action}: id is "${device.id}"; 16 hexadecimal digits are required`);
  }
  const chardev = `char-${device.id}`;
  return [
    '-chardev', `socket,id=${chardev},path=${escapeValue(socketPath)}`,
    '-netdev', `vhost-user,id=${id},chardev=${chardev},queues=${queues}`,
    ...cardArguments(action, id, device.linkAddress, queues, ''),
  ];
}

/** Arguments of a PCI device that is bound to vfio-pci. @throws InvalidOptionError */
export function pciArguments({ bdf }: SinkPci): string[] {
  if (isPciAddress(bdf)) return ['-device', `vfio-pci,host=${bdf}`];
  throw new InvalidOptionError(`Cannot give "${bdf}" to QEMU: a PCI address, such as 0000:00:03.0, is required`);
}

/** `fd=3`, `fds=3:4` of several, nothing of none. */
function fdList(name: string, first: number, count: number): string {
  if (count === 0) return '';
  if (count === 1) return `${name}=${first}`;
  return `${name}s=${Array.from({ length: count }, (_, index) => first + index).join(':')}`;
}

/** Two vectors of MSI-X for each queue, one for the control queue, one for changes of the configuration. */
function cardArguments(action: string, id: string, linkAddress: string, queues: number, more: string): string[] {
  const mac = formatLinkAddress(checkLinkAddress(action, linkAddress));
  const multiQueue = queues === 1 ? '' : `,mq=on,vectors=${2 * queues + 2}`;
  return ['-device', `virtio-net-pci,netdev=${id},mac=${mac}${multiQueue}${more}`];
}
