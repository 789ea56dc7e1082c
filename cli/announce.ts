/** `linkpoint announce`: gratuitous ARP and unsolicited neighbour advertisements from a shell. */

import { LinkpointError } from '../errors.ts';
import { announce, type AnnounceOptions } from '../sandbox/announce.ts';
import { choiceOption, integerOption, parseCommand, UsageError } from './usage.ts';

/** How to call it. */
export const ANNOUNCE_USAGE = `linkpoint announce INTERFACE ADDRESS... [OPTIONS]

  Tells the neighbors of INTERFACE that it has these IPv4 and IPv6 addresses: by gratuitous ARP and by unsolicited
  neighbor advertisements, which leave by INTERFACE and no other.

  --namespace NAME|PATH   network namespace of the interface: /run/netns/NAME, or a path with a slash
  --wait-ms N             longest wait for the interface to have a carrier; by default 200
  --arp request|reply     form of the ARP packet; by default request
  --repeat N              how often each address is announced; by default once
  --interval-ms N         time between two rounds; by default 1000

  Exits 0 if every address was announced. Otherwise 1, and stderr has a line for each that was not.`;

const MS_MAX = 3_600_000;
const REPEAT_MAX = 100;
const NETNS_FOLDER = '/run/netns';

/** Announces and prints what failed; the exit code. */
export async function runAnnounce(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, {
    namespace: { type: 'string' },
    'wait-ms': { type: 'string', default: '200' },
    arp: { type: 'string', default: 'request' },
    repeat: { type: 'string', default: '1' },
    'interval-ms': { type: 'string', default: '1000' },
  });
  const [iface, ...addresses] = positionals;
  if (iface === undefined || addresses.length === 0) {
    throw new UsageError('an interface and at least one address are expected');
  }
  const options: AnnounceOptions = {
    ...(values.namespace === undefined ? {} : { namespace: namespacePath(values.namespace) }),
    waitForCarrierMs: integerOption('wait-ms', values['wait-ms'], 0, MS_MAX),
    arp: choiceOption('arp', values.arp, ['request', 'reply']),
    repeat: integerOption('repeat', values.repeat, 1, REPEAT_MAX),
    intervalMs: integerOption('interval-ms', values['interval-ms'], 0, MS_MAX),
  };
  return announceAll(iface, addresses, options);
}

async function announceAll(iface: string, addresses: readonly string[], options: AnnounceOptions): Promise<number> {
  try {
    await announce(iface, addresses, options);
    return 0;
  } catch (error) {
    if (!(error instanceof AggregateError)) throw error;
    for (const cause of error.errors as Error[]) console.error(`linkpoint: ${describe(cause)}`);
    return 1;
  }
}

const describe = (error: Error): string =>
  error instanceof LinkpointError ? `${error.message} (${error.code})` : error.message;

/** As ip-netns(8) has it: a name is that of a file in /run/netns. */
const namespacePath = (text: string): string => (text.includes('/') ? text : `${NETNS_FOLDER}/${text}`);
