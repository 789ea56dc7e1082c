/**
 * The kernel, as far as this package needs it: the only folder that knows koffi, addresses, C layouts and system calls.
 *
 * Functions on the packet path answer a count or -errno (`io`, `vectors`, `poll`); everything else throws a
 * {@link SystemError}. On other platforms than Linux the folder can be imported, and every function throws
 * `ERR_UNSUPPORTED_PLATFORM`.
 *
 * @example
 * ```ts
 * import { openTunFd, closeFd } from 'linkpoint/native';
 *
 * const { fd, name } = openTunFd({ mode: 'tap', vnetHeaderBytes: 12 });
 * console.log(`opened ${name}`);
 * closeFd(fd);
 * ```
 *
 * @packageDocumentation
 */

export * from './affinity.ts';
export * from './ancillary.ts';
export * as constants from './constants.ts';
export { ERRNO, errnoName, systemError } from './errno.ts';
export * from './ethtool.ts';
export * from './fd.ts';
export * from './file-hold.ts';
export * from './file-lock.ts';
export * from './inet-address.ts';
export * from './interface.ts';
export * from './io.ts';
export * as layout from './layout.ts';
export * from './mapping.ts';
export { allocatePinned, freePinned, pin, pinnedCount, unpin, withPinned, type PinnedBuffer } from './memory.ts';
export * from './mount.ts';
export * from './namespace.ts';
export * as netlinkMessage from './netlink-message.ts';
export * as netlinkSocket from './netlink-socket.ts';
export * from './packet-socket.ts';
export * from './poll.ts';
export * from './readiness.ts';
export * from './socket.ts';
export * from './tun.ts';
export * from './vectors.ts';
