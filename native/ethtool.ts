/**
 * ethtool(8) by ioctl: who drives an interface.
 *
 *     struct ethtool_drvinfo: | cmd 4 | driver 32 | version 32 | fw_version 32 | bus_info 32 | … 196 |
 *
 * @packageDocumentation
 */

import { ETHTOOL_GDRVINFO, SIOCETHTOOL } from './constants.ts';
import { missingRight, systemError } from './errno.ts';
import { checkInterfaceName, fillRequest, request } from './interface-name.ts';
import * as layout from './layout.ts';
import * as libc from './libc.ts';
import { allocatePinned } from './memory.ts';

const DRVINFO_BYTES = 196;
const TEXT_BYTES = 32;
const DRIVER = 4;
const VERSION = 36;
const FIRMWARE_VERSION = 68;
const BUS_INFO = 100;

const information = allocatePinned(DRVINFO_BYTES);

/** What the driver of an interface says of itself; texts that it leaves out are empty. */
export interface DriverInfo {
  /** Such as `virtio_net`, `veth`, `bridge`. */
  readonly driver: string;
  readonly version: string;
  readonly firmwareVersion: string;
  /** Where the device is: `0000:00:03.0` for PCI; `N/A` or empty for a virtual one. */
  readonly busInfo: string;
}

/**
 * ETHTOOL_GDRVINFO of an interface in the namespace that `socketFd`, any socket, was made in.
 * @throws SystemError ENODEV, EOPNOTSUPP for an interface whose driver says nothing
 */
export function driverInfo(socketFd: number, name: string): DriverInfo {
  const action = `Cannot read the driver of "${name}"`;
  checkInterfaceName(action, name);
  fillRequest(name);
  request.view.setBigUint64(layout.IFREQ_VALUE, BigInt(information.address), true);
  information.bytes.fill(0);
  information.view.setUint32(0, ETHTOOL_GDRVINFO, true);
  if (libc.ioctl(socketFd, SIOCETHTOOL, request.address) < 0) {
    const errno = libc.errno();
    throw systemError(action, 'ioctl(ETHTOOL_GDRVINFO)', errno, missingRight(errno, 'CAP_NET_ADMIN'));
  }
  return {
    driver: textAt(DRIVER),
    version: textAt(VERSION),
    firmwareVersion: textAt(FIRMWARE_VERSION),
    busInfo: textAt(BUS_INFO),
  };
}

function textAt(offset: number): string {
  const bytes = information.bytes.slice(offset, offset + TEXT_BYTES);
  const end = bytes.indexOf(0);
  return Buffer.from(bytes.subarray(0, end < 0 ? TEXT_BYTES : end)).toString('utf8');
}
