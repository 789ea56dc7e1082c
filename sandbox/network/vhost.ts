/** vhost-net: the kernel moves frames between a guest's queues and a TAP; one descriptor of its device per queue. */

import { LinkpointError } from '../../errors.ts';
import { O_CLOEXEC, O_RDWR } from '../../native/constants.ts';
import { openEach, openFd } from '../../native/fd.ts';
import type { NetworkScope } from './endpoint.ts';

const DEVICE = '/dev/vhost-net';
const REMEDY =
  'load the module vhost_net (CONFIG_VHOST_NET) and give access to its device, or use vhost "auto" or "off"';

/**
 * Opens the device, once per queue, as the scope's `vhost` says; none, with a warning, where `auto` finds none. The
 * caller closes the descriptors.
 * @throws LinkpointError ERR_NO_VHOST where it is required
 */
export function openVhostFds(scope: NetworkScope): number[] {
  const { vhost, queues, vhostDevice = DEVICE, warn } = scope;
  if (vhost === 'off') return [];
  const action = `Cannot open "${vhostDevice}"`;
  try {
    const right = `read and write access to ${vhostDevice}`;
    return openEach(queues, () => openFd(action, vhostDevice, O_RDWR | O_CLOEXEC, right));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (vhost === 'required') throw new LinkpointError('ERR_NO_VHOST', `${reason}; ${REMEDY}`, { cause: error });
    warn(`vhost-net is not used: ${reason}`);
    return [];
  }
}
