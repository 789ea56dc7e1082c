/**
 * Telling the neighbours of an interface who has its addresses, so that their caches and the switches between learn of
 * a move before they have to ask: gratuitous ARP (RFC 5227 section 3) and unsolicited neighbour advertisements
 * (RFC 4861 section 7.2.6).
 */

import type { IpAddress } from '../header/address.ts';
import { checkInteger, type Namespace, openIn } from '../link/device.ts';
import { asError, InvalidOptionError } from '../errors.ts';
import { announcedAddress, type GratuitousArpForm } from './announce-message.ts';
import { type Announcer, findAnnouncer, sendGratuitousArp, sendUnsolicitedAdvertisement } from './announce-send.ts';
import { waitForCarrier } from './carrier.ts';
import { sleep } from './sleep.ts';

/** Long enough for a virtual function that was just brought up. */
const WAIT_FOR_CARRIER_MS = 200;
/** RetransTimer of RFC 4861 section 10: the least time between two advertisements. */
const INTERVAL_MS = 1000;
/** Bounds of options: an hour, and a hundred rounds. */
const MS_MAX = 3_600_000;
const REPEAT_MAX = 100;

/** Options of `announce`. */
export interface AnnounceOptions {
  /** Network namespace of the interface: descriptor or path. Default: the thread's. */
  readonly namespace?: Namespace;
  /** Longest wait in milliseconds for the interface to be up with a carrier. Then it is tried anyway. Default 200. */
  readonly waitForCarrierMs?: number;
  /** Form of the ARP packet. Default `request`. */
  readonly arp?: GratuitousArpForm;
  /** How often each address is announced, 1 to 100: a neighbour may miss one. Default 1. */
  readonly repeat?: number;
  /** Milliseconds between two rounds. Default 1000. */
  readonly intervalMs?: number;
  /** Ends the waits: the promise rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** What became of an address so far: null once it was announced in some round. */
type Outcome = Error | null;

/**
 * Announces `addresses`, of both families and mixed, on the Ethernet interface `iface`, and on no other. That the
 * interface has them is not checked. Every address is tried, whatever became of the ones before.
 *
 * An IPv6 address is announced from another address of the interface, mostly its link-local one, which can be used
 * about a second after the interface came up: `repeat` gets over that.
 *
 * @param addresses text such as `192.0.2.1` or `2001:db8::1/64` (the prefix length does not matter), numbers, bytes
 * @throws AggregateError with one error per address that could not be announced in any round
 * @throws SystemError when there is no such interface or the namespace cannot be entered: nothing was sent
 * @throws LinkpointError `ERR_NO_LINK_ADDRESS` when the interface has no link address
 */
export async function announce(
  iface: string,
  addresses: readonly (IpAddress | string)[],
  options: AnnounceOptions = {},
): Promise<void> {
  const { namespace, signal } = options;
  const { arp, repeat, intervalMs, waitForCarrierMs } = checkOptions(iface, options);
  const place = namespace === undefined ? {} : { namespace };
  await waitForCarrier(iface, { ...place, timeoutMs: waitForCarrierMs, signal });
  const outcomes: Outcome[] = [];
  for (let round = 0; round < repeat; round++) {
    if (round > 0) await sleep(intervalMs, signal);
    openIn(namespace, () => announceOnce(iface, addresses, arp, outcomes));
  }
  const causes = outcomes.filter((outcome) => outcome !== null);
  if (causes.length === 0) return;
  const action = `Cannot announce ${causes.length} of ${addresses.length} addresses on "${iface}"`;
  throw new AggregateError(causes, `${action}: ${causes.map(({ message }) => message).join('; ')}`);
}

/** One round: stops at no failure. */
function announceOnce(
  iface: string,
  addresses: readonly (IpAddress | string)[],
  arp: GratuitousArpForm,
  outcomes: Outcome[],
): void {
  const announcer = findAnnouncer(iface);
  for (const [index, value] of addresses.entries()) {
    try {
      announceAddress(announcer, announcedAddress(value), arp);
      outcomes[index] = null;
    } catch (error) {
      if (outcomes[index] !== null) outcomes[index] = asError(error);
    }
  }
}

function announceAddress(announcer: Announcer, address: IpAddress, arp: GratuitousArpForm): void {
  if (typeof address === 'number') sendGratuitousArp(announcer, address, arp);
  else sendUnsolicitedAdvertisement(announcer, address);
}

type CheckedOptions = Required<Omit<AnnounceOptions, 'namespace' | 'signal'>>;

function checkOptions(iface: string, options: AnnounceOptions): CheckedOptions {
  const { waitForCarrierMs = WAIT_FOR_CARRIER_MS, arp = 'request', repeat = 1, intervalMs = INTERVAL_MS } = options;
  const action = `Cannot announce on "${iface}"`;
  if (arp !== 'request' && arp !== 'reply') {
    throw new InvalidOptionError(`${action}: arp is "${String(arp)}"; "request" or "reply" is required`);
  }
  checkInteger(action, 'repeat', repeat, 1, REPEAT_MAX);
  checkInteger(action, 'waitForCarrierMs', waitForCarrierMs, 0, MS_MAX);
  checkInteger(action, 'intervalMs', intervalMs, 0, MS_MAX);
  return { waitForCarrierMs, arp, repeat, intervalMs };
}
