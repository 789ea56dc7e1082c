/**
 * What this kernel and the rights of this process allow, found out by trying: in a network namespace made for that,
 * which goes afterwards with everything in it.
 */

import { asError } from '../errors.ts';
import { bringLoopbackUp, closeFd, createNetworkNamespace, runInNamespace } from '../native/index.ts';
import type { Check, FeatureName } from './probe-check.ts';
import { DEVICE_CHECKS } from './probe-devices.ts';
import { LINK_CHECKS } from './probe-links.ts';
import { PACKET_CHECKS } from './probe-packet.ts';
import { FIREWALL_CHECKS, PROGRAM_CHECKS } from './probe-programs.ts';

/** One thing that is there, or is not. Plain data. */
export interface Feature {
  /** Stable: match on this. */
  readonly name: FeatureName;
  /** What it is, for people. */
  readonly what: string;
  /** Whether it worked when it was tried. */
  readonly available: boolean;
  /** What went wrong; null when it is available. */
  readonly reason: string | null;
  /** What to do about it; null when it is available. */
  readonly remedy: string | null;
}

/** A namespace to make links in, or why there is none. */
type Scratch = { readonly fd: number } | { readonly refusal: Error };

const CHECKS: readonly Check[] = [
  ...PROGRAM_CHECKS,
  ...DEVICE_CHECKS,
  ...PACKET_CHECKS,
  ...LINK_CHECKS,
  ...FIREWALL_CHECKS,
];

/** What `error.code` is when a right is missing, and not the thing itself. */
const RIGHTS_CODES: readonly unknown[] = ['EPERM', 'EACCES'];

/**
 * Tries every feature, or those named, and answers in a fixed order. Blocks the thread for some tenths of a second.
 *
 * Without the right to make a namespace, links are not tried and count as not available; TAPs and packet sockets are
 * tried in the thread's own namespace, where they vanish with their descriptor.
 *
 * @throws UnsupportedPlatformError elsewhere than on Linux
 */
export function probeKernel(names?: readonly FeatureName[]): Feature[] {
  const scratch = openScratch();
  try {
    return CHECKS.filter(({ name }) => names?.includes(name) ?? true).map((check) => probe(check, scratch));
  } finally {
    if ('fd' in scratch) closeFd(scratch.fd);
  }
}

function openScratch(): Scratch {
  try {
    const fd = createNetworkNamespace();
    runInNamespace(fd, bringLoopbackUp);
    return { fd };
  } catch (error) {
    if (!RIGHTS_CODES.includes((error as { code?: unknown }).code)) throw error;
    return { refusal: asError(error) };
  }
}

function probe(check: Check, scratch: Scratch): Feature {
  const { name, what } = check;
  const error = attempt(check, scratch);
  if (error === null) return { name, what, available: true, reason: null, remedy: null };
  return { name, what, available: false, reason: error.message, remedy: remedyFor(check, error) };
}

/** Null when it works. */
function attempt({ place, run }: Check, scratch: Scratch): Error | null {
  try {
    if ('fd' in scratch) runInNamespace(scratch.fd, run);
    else if (place === 'scratch') return scratch.refusal;
    else run();
    return null;
  } catch (error) {
    return asError(error);
  }
}

const remedyFor = ({ rightRemedy, remedy }: Check, error: Error): string =>
  RIGHTS_CODES.includes((error as { code?: unknown }).code) ? rightRemedy : remedy;
