/** What sinks check of a device before they take it: its values become options, names and arguments. */

import { InvalidOptionError } from '../../../errors.ts';
import { isLinkUnicastValid, type LinkAddress, parseLinkAddress } from '../../../header/address.ts';
import type { SinkTap } from '../device-sink.ts';

/** A link address that one station can have. @throws InvalidOptionError */
export function checkLinkAddress(action: string, text: string): LinkAddress {
  const address = parse(text);
  if (isLinkUnicastValid(address)) return address;
  throw new InvalidOptionError(`${action}: linkAddress is "${text}"; that of a single station is required`);
}

/** One descriptor per queue, and as many of vhost-net or none. @throws InvalidOptionError */
export function checkTapFds(action: string, { fds, vhostFds }: Pick<SinkTap, 'fds' | 'vhostFds'>): void {
  const all = [...fds, ...vhostFds];
  const areValid = all.every((fd) => Number.isSafeInteger(fd) && fd >= 0) && new Set(all).size === all.length;
  if (fds.length === 0 || !areValid) {
    throw new InvalidOptionError(`${action}: fds are "${all.join(',')}"; open descriptors, each once, are required`);
  }
  if (vhostFds.length === 0 || vhostFds.length === fds.length) return;
  const state = `there are ${vhostFds.length} vhostFds for ${fds.length} queues`;
  throw new InvalidOptionError(`${action}: ${state}; one each is required`);
}

function parse(text: string): LinkAddress {
  try {
    return parseLinkAddress(text);
  } catch {
    return 0; // which is nobody's
  }
}
