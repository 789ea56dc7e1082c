/**
 * What the tests of sandbox networks share: an interface with everything that can be lost, a sink that remembers, and
 * what the kernel says of a namespace.
 *
 *     | namespace of the sandbox                 |      | namespace of the others |
 *     |  eth0, addresses, routes, a neighbour ═══╪══════╪═══ peer0                |
 */

import { spawnSync } from 'node:child_process';
import { readdirSync, readSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import type { ExecutionContext } from 'ava';

import { runInNamespace } from '../../native/index.ts';
import { createNetNamespace, type NetNamespace, Rtnl } from '../../sandbox/index.ts';
import type { DeviceSink, SinkTap } from '../../sandbox/network/device-sink.ts';
import type { Endpoint, NetworkScope } from '../../sandbox/network/endpoint.ts';
import { fdCount, until } from '../native/_support.ts';
import { iproute, type Json } from './sandbox-support.ts';

/** The address that eth0 has at first. */
export const VETH_ADDRESS = '02:00:00:00:00:01';

/** A sandbox's namespace with eth0 in it, and the namespace of its other end, peer0. */
export interface Place {
  readonly namespace: NetNamespace;
  readonly rtnl: Rtnl;
  readonly peer: NetNamespace;
}

/** Makes two namespaces and a veth pair between them; everything goes with the test. */
export async function makePlace(t: ExecutionContext, { up = true }: { up?: boolean } = {}): Promise<Place> {
  const namespace = await createNetNamespace();
  t.teardown(() => namespace.delete());
  const peer = await createNetNamespace();
  t.teardown(() => peer.delete());
  const rtnl = await namespace.rtnl();
  t.teardown(() => rtnl.close());
  namespace.runSync(() => writeFileSync('/proc/sys/net/ipv6/conf/default/accept_dad', '0'));
  rtnl.links.add({ kind: 'veth', name: 'eth0', address: VETH_ADDRESS, peer: { name: 'peer0', namespace: peer.fd } });
  using other = await peer.rtnl();
  other.links.set('peer0', { up: true });
  upAndDown(rtnl, 'eth0');
  await addAddressing(rtnl, up);
  return { namespace, rtnl, peer };
}

/** The first time up gives a link its queueing discipline, which stays when it goes down again. */
export function upAndDown({ links }: Rtnl, name: string): void {
  links.set(name, { up: true });
  links.set(name, { up: false });
}

/** What a CNI plugin gives an interface, and more. */
async function addAddressing({ links, addresses, routes, neighbours }: Rtnl, up: boolean): Promise<void> {
  addresses.add('eth0', { address: '192.0.2.2/24', broadcast: '192.0.2.255' });
  addresses.add('eth0', { address: '192.0.2.3/24', label: 'eth0:1' });
  addresses.add('eth0', { address: '198.51.100.2/32' });
  addresses.add('eth0', { address: '2001:db8::2/64' });
  addresses.add('eth0', { address: '2001:db8::3/64', flags: ['noprefixroute'] });
  if (!up) return;
  links.set('eth0', { up: true });
  const isUsable = (): boolean => !addresses.list({ link: 'eth0' }).some(({ flags }) => flags.includes('tentative'));
  await until(isUsable, 'the addresses of eth0 are usable');
  routes.add({ destination: '203.0.113.0/24', gateway: '192.0.2.1', link: 'eth0', metric: 7, metrics: { mtu: 1400 } });
  routes.add({ destination: 'default', gateway: '203.0.113.1', link: 'eth0', onlink: true });
  const other = { preferredSource: '198.51.100.2', table: 100, protocol: 'static' };
  routes.add({ destination: '198.18.0.0/15', link: 'eth0', ...other });
  routes.add({ destination: 'default', gateway: '2001:db8::1', link: 'eth0' });
  routes.add({ destination: '2001:db8:1::/48', link: 'eth0', preferredSource: '2001:db8::2' });
  neighbours.add('eth0', { address: '192.0.2.9', linkAddress: '02:00:00:00:00:09' });
}

/** A scope with two queues that fails on any warning but about vhost-net. */
export function scopeOf({ namespace }: Pick<Place, 'namespace'>, options: Partial<NetworkScope> = {}): NetworkScope {
  const base = { queues: 2, vhost: 'off', sysfs: '/sys', onStep: () => undefined } as const;
  const warn = (message: string): never => {
    throw new Error(`There was a warning: ${message}`);
  };
  return { namespace, ...base, warn, ...options };
}

/** A sink that remembers. */
export class RecordingSink implements DeviceSink {
  readonly taps: SinkTap[] = [];
  released = 0;
  /** What `addTap` is to fail with. */
  failure: Error | undefined;

  async addTap(device: SinkTap): Promise<() => Promise<void>> {
    if (this.failure !== undefined) throw this.failure;
    this.taps.push(device);
    return async () => void this.released++;
  }

  addVhostUser(): Promise<never> {
    return Promise.reject(new Error('This sink takes no vhost-user devices'));
  }

  addPci(): Promise<never> {
    return Promise.reject(new Error('This sink takes no PCI devices'));
  }
}

/** Attaches to a sink that remembers; detached with the test. */
export async function attached(t: ExecutionContext, endpoint: Endpoint): Promise<RecordingSink> {
  const sink = new RecordingSink();
  await endpoint.attach(sink);
  t.teardown(() => endpoint.detach());
  return sink;
}

/** A frame from the queues, without its virtio-net header, that `is` accepts; undefined when there is none. */
export function readFrame(fds: readonly number[], is: (frame: Buffer) => boolean): Buffer | undefined {
  const bytes = Buffer.alloc(2048);
  for (const fd of fds) {
    try {
      for (;;) {
        const frame = bytes.subarray(12, readSync(fd, bytes));
        if (is(frame)) return frame;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
  return undefined;
}

/** Its EtherType is ARP's. */
export const isArp = (frame: Buffer): boolean => frame.readUInt16BE(12) === 0x0806;

/** Everything that the kernel says of a namespace and of this process's descriptors. */
export interface Snapshot {
  readonly links: Json[];
  readonly addresses: Json[];
  /** Who made each address: iproute2 says it from 6.3 on only. */
  readonly makers: string[];
  readonly routes: Json[];
  readonly neighbours: Json[];
  readonly qdiscs: Json[];
  readonly filters: Json[];
  readonly sysClassNet: string;
  readonly nodes: string[];
  readonly descriptors: number;
}

/** Takes a snapshot. Links and addresses come with their indexes: those that stay must keep them. */
export function snapshot(namespace: number): Snapshot {
  const byText = (a: Json, b: Json): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  const links = iproute(namespace, 'ip', 'link show');
  return {
    links,
    addresses: iproute(namespace, 'ip', 'address show'),
    makers: addressMakers(namespace),
    routes: ['-4', '-6'].flatMap((family) => iproute(namespace, 'ip', `${family} route show table all`)).sort(byText),
    neighbours: iproute(namespace, 'ip', 'neighbour show nud permanent'),
    qdiscs: iproute(namespace, 'tc', 'qdisc show'),
    filters: links.flatMap(({ ifname }) => iproute(namespace, 'tc', `filter show dev ${String(ifname)} ingress`)),
    sysClassNet: sysClassNet(namespace),
    nodes: readdirSync('/dev').filter((name) => name.startsWith('linkpoint-')),
    descriptors: fdCount(),
  };
}

function addressMakers(namespace: number): string[] {
  using rtnl = Rtnl.open(namespace);
  return rtnl.addresses.list().map(({ address, protocol }) => `${address} by ${protocol}`);
}

/** /sys/class/net, in a sysfs of the namespace. */
function sysClassNet(namespace: number): string {
  const script = 'mount -t sysfs sysfs /sys && ls /sys/class/net';
  return runInNamespace(namespace, () => spawnSync('unshare', ['-m', 'sh', '-c', script], { encoding: 'utf8' })).stdout;
}

/** Compares with an earlier snapshot. The kernel settles the operational state of links in its own time. */
export async function sameAs(t: ExecutionContext, namespace: number, before: Snapshot, what: string): Promise<void> {
  let now = snapshot(namespace);
  for (let tries = 0; tries < 20 && !isDeepStrictEqual(now, before); tries++) {
    await delay(50);
    now = snapshot(namespace);
  }
  t.deepEqual(now, before, what);
}
