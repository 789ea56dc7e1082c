/**
 * Interface names, and the struct ifreq that carries them (netdevice(7), layout.ts).
 *
 * @packageDocumentation
 */

import { InvalidOptionError } from '../errors.ts';
import { IFNAMSIZ } from './constants.ts';
import * as layout from './layout.ts';
import { allocatePinned, type PinnedBuffer } from './memory.ts';

/** A struct ifreq of this thread, overwritten by every call that uses it. */
export const request: PinnedBuffer = allocatePinned(layout.IFREQ_BYTES);

/**
 * Throws an InvalidOptionError unless the kernel would take `name` (dev_valid_name in net/core/dev.c): 1 to 15 bytes,
 * no '/', ':' or white space, not '.' or '..'. '%d' is allowed where the kernel numbers names itself.
 */
export function checkInterfaceName(action: string, name: string): void {
  const bytes = Buffer.byteLength(name);
  const isValid =
    bytes >= 1 && bytes < IFNAMSIZ && !/[/:\s\0]/.test(name) && name !== '.' && name !== '..';
  if (isValid) return;
  throw new InvalidOptionError(
    `${action}: the interface name "${name}" has ${bytes} bytes; 1 to ${IFNAMSIZ - 1} without "/", ":" and spaces fit`,
  );
}

/** Makes {@link request} a zeroed struct ifreq for `name`; an empty name leaves the choice to the kernel. */
export function fillRequest(name: string): void {
  request.bytes.fill(0);
  request.bytes.set(Buffer.from(name, 'utf8'), layout.IFREQ_NAME);
}

/** The name that the kernel left in {@link request}. */
export function requestedName(): string {
  const name = request.bytes.slice(layout.IFREQ_NAME, layout.IFREQ_NAME + IFNAMSIZ);
  const end = name.indexOf(0);
  return Buffer.from(name.subarray(0, end < 0 ? IFNAMSIZ : end)).toString('utf8');
}
