/**
 * What the tests of announcements share: two interfaces that are up, and who hears what they say.
 *
 *     | namespace `near`                 | namespace `far`       |
 *     |   net0  02:00:00:00:00:10  ══════╪══════  far0  heard by |
 *     |   net1  02:00:00:00:00:11  ══════╪══════  far1  us       |
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

import test, { type ExecutionContext } from 'ava';

import { ETHERTYPE_ARP, ETHERTYPE_IPV6 } from '../../header/ethernet.ts';
import * as ethernet from '../../header/ethernet.ts';
import * as ipv6 from '../../header/ipv6.ts';
import { PROTOCOL_ICMPV6 } from '../../header/protocol.ts';
import { TYPE_NEIGHBOR_ADVERTISEMENT } from '../../header/icmpv6.ts';
import { openPacketSocket } from '../../link/open-packet-socket.ts';
import { allocatePinned, disableDad, freePinned, read, runInNamespace } from '../../native/index.ts';
import { setInterfaceLinkAddress, setInterfaceUp } from '../../native/index.ts';
import { testWith } from '../_examples.ts';
import { makeNamespace, sleep, waitUntilRunning } from './native-support.ts';

/** Link addresses of net0 and net1. */
export const MACS = ['02:00:00:00:00:10', '02:00:00:00:00:11'] as const;
/** IFA_F_TENTATIVE, <linux/if_addr.h>. */
const TENTATIVE = 0x40;

/** One interface in `near`, and its other end. */
export interface TestNic {
  readonly name: string;
  readonly farName: string;
  readonly mac: string;
  /** The announcements that came out since the last call: ARP, and neighbour advertisements. */
  heard(): Uint8Array[];
}

/** Both namespaces and both interfaces. */
export interface TwoNics {
  readonly near: number;
  readonly far: number;
  readonly nics: readonly [TestNic, TestNic];
}

/** Makes the topology; it goes with the test. */
export function makeTwoNics(t: ExecutionContext): TwoNics {
  const near = makeNamespace(t);
  const far = makeNamespace(t);
  const nic = (index: 0 | 1): TestNic => {
    const [name, farName, mac] = [`net${index}`, `far${index}`, MACS[index]];
    const peer = ['peer', 'name', farName, 'netns', `/proc/${process.pid}/fd/${far}`];
    command(near, 'ip', 'link', 'add', name, 'type', 'veth', ...peer);
    runInNamespace(near, () => setInterfaceLinkAddress(name, Number.parseInt(mac.replaceAll(':', ''), 16)));
    bringUp(far, farName);
    bringUp(near, name);
    runInNamespace(near, () => waitUntilRunning(name));
    waitForLinkLocal(near, name);
    waitForLinkLocal(far, farName);
    return { name, farName, mac, heard: listen(t, far, farName) };
  };
  return { near, far, nics: [nic(0), nic(1)] };
}

function bringUp(namespace: number, name: string): void {
  runInNamespace(namespace, () => {
    disableDad(name);
    setInterfaceUp(name, true);
  });
}

/** Advertisements are sent from the link-local address, which the kernel makes in its own time. */
function waitForLinkLocal(namespace: number, name: string): void {
  for (let tries = 0; !hasLinkLocal(namespace, name); tries++) {
    if (tries === 1_000) throw new Error(`Timed out waiting for a link-local address of ${name}`);
    sleep(3);
  }
}

function hasLinkLocal(namespace: number, name: string): boolean {
  const table = runInNamespace(namespace, () => readFileSync('/proc/thread-self/net/if_inet6', 'utf8'));
  return table.split('\n').some((line) => {
    const [address = '', , , , flags = '', owner] = line.split(/\s+/);
    return owner === name && address.startsWith('fe80') && (Number.parseInt(flags, 16) & TENTATIVE) === 0;
  });
}

function listen(t: ExecutionContext, namespace: number, interfaceName: string): () => Uint8Array[] {
  const socket = openPacketSocket({ interfaceName, namespace });
  const memory = allocatePinned(2048);
  t.teardown(() => {
    socket.close();
    freePinned(memory);
  });
  return () => {
    const frames: Uint8Array[] = [];
    for (;;) {
      const length = read(socket.fd, memory.address, memory.bytes.byteLength);
      if (length < 0) return frames.filter(isAnnouncement);
      frames.push(memory.bytes.slice(0, length));
    }
  };
}

/** Interfaces that came up say other things, too. */
function isAnnouncement(frame: Uint8Array): boolean {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const type = ethernet.etherType(view, 0);
  if (type === ETHERTYPE_ARP) return true;
  const at = ethernet.HEADER_BYTES;
  if (type !== ETHERTYPE_IPV6 || ipv6.nextHeader(view, at) !== PROTOCOL_ICMPV6) return false;
  return view.getUint8(at + ipv6.HEADER_BYTES) === TYPE_NEIGHBOR_ADVERTISEMENT;
}

/** Runs a program in the namespace to its end: what it printed. Throws when it fails. */
export function command(namespace: number, program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = runInNamespace(namespace, () =>
    spawnSync(program, args, { encoding: 'utf8', timeout: 20_000 }),
  );
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}`, { cause: error });
  return stdout;
}

/**
 * `test`, or `test.skip` where tcpdump is missing or cannot become the user that it runs as: as root it insists on
 * that, and the groups of a user namespace without help from outside cannot be changed.
 */
export const testWithTcpdump: ReturnType<typeof testWith> =
  readFileSync('/proc/self/setgroups', 'utf8').trim() === 'allow'
    ? testWith('tcpdump')
    : (title, run) => test.skip(`${title} (tcpdump cannot drop its rights in this user namespace: run as root)`, run);

/** A tcpdump that listens on an interface. */
export interface Dump {
  /** Resolves when it has printed `count` packets, to what it printed. */
  printed(count: number): Promise<string>;
  /** Ends it: what it printed. */
  end(): Promise<string>;
}

/** Starts tcpdump for announcements that go out of an interface; resolves when it listens. */
export async function startTcpdump(t: ExecutionContext, namespace: number, name: string): Promise<Dump> {
  const filter = 'arp or (icmp6 and ip6[40] == 136)';
  const args = ['-i', name, '-Q', 'out', '-n', '-e', '-vv', '-t', '-l', '--immediate-mode', filter];
  const child = runInNamespace(namespace, () => spawn('tcpdump', args, { stdio: ['ignore', 'pipe', 'pipe'] }));
  t.teardown(() => child.kill('SIGKILL'));
  const closed = once(child, 'close');
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const until = async (isThere: () => boolean): Promise<void> => {
    for (let tries = 0; !isThere(); tries++) {
      if (tries === 1_000) throw new Error(`tcpdump on ${name}: "${errors}", "${output}"`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await until(() => errors.includes('listening on'));
  return {
    printed: async (count) => {
      await until(() => packetsIn(output) >= count);
      return output;
    },
    end: async () => {
      child.kill('SIGINT');
      await closed;
      return output;
    },
  };
}

/** With -e every packet begins with its link addresses; further lines of -vv are indented. */
const packetsIn = (output: string): number => [...output.matchAll(/^[0-9a-f:]{17} > .*\n/gm)].length;
