/**
 * A program of an ordinary user that makes a rootless namespace, works in it, and prints what came of it as JSON. With
 * the argument `wait` it then waits to be killed.
 */

import { readlinkSync } from 'node:fs';

import { asError } from '../../errors.ts';
import { createNetNamespace, RootlessNamespace } from '../../sandbox/index.ts';

const namespace = await createNetNamespace();
const rtnl = await namespace.rtnl();
const changes = rtnl.watch({ objects: ['link'] });
await changes.opened;
rtnl.links.add({ kind: 'veth', name: 'eth0', peer: { name: 'eth1' }, up: true });
rtnl.addresses.add('eth0', { address: '192.0.2.1/24' });
const change = (await Promise.all([changes.next()]))[0]!.value;
changes.close();
const made = await namespace.openDevice({ queues: 2 });
const tap = await namespace.openTap().then((device) => device.close(), (error: unknown) => asError(error).message);
const missing = await namespace.openPacketSocket({ interfaceName: 'nope' }).catch((error: unknown) => error);

function tryToEnter(): string {
  try {
    return namespace.runSync(() => readlinkSync('/proc/thread-self/ns/net'));
  } catch (error) {
    return asError(error).message;
  }
}

console.log(
  JSON.stringify({
    uid: process.getuid?.(),
    isRootless: namespace.isRootless,
    pid: namespace instanceof RootlessNamespace ? namespace.pid : undefined,
    inode: namespace.inode,
    links: rtnl.links.list().map(({ name }) => name).sort(),
    addresses: rtnl.addresses.list({ family: 'inet' }).map(({ address }) => address),
    change: change?.event,
    device: { kind: made.kind, name: made.name, refused: made.refused, fds: made.device.fds.length },
    tap: tap ?? null,
    missing: { ...(missing as object), message: asError(missing).message },
    enter: tryToEnter(),
  }),
);
made.device.close();
rtnl.close();
if (process.argv[2] === 'wait') setInterval(() => undefined, 1000);
else await namespace.delete();
