// An address moves to another station, which announces that: the cache of a neighbor's kernel before and after.
// Rights: root, or `unshare -Urn`. Uses ip.

import { spawnSync } from 'node:child_process';
import { announce, createVeth, parseIpv4 } from 'linkpoint';
import { addIpv4Address, closeFd, createNetworkNamespace } from 'linkpoint/native';
import { runInNamespace, setInterfaceLinkAddress, setInterfaceUp } from 'linkpoint/native';

const here = createNetworkNamespace();
const neighbor = createNetworkNamespace();
createVeth({ name: 'eth0', peerName: 'eth0', namespace: here, peerNamespaceFd: neighbor });

const ip = (...args: string[]): string =>
  runInNamespace(neighbor, () => spawnSync('ip', args, { encoding: 'utf8' })).stdout.trim();

runInNamespace(neighbor, () => {
  addIpv4Address('eth0', parseIpv4('192.0.2.2'), 24);
  setInterfaceUp('eth0', true);
});
runInNamespace(here, () => {
  setInterfaceLinkAddress('eth0', 0x0200_0000_0001);
  setInterfaceUp('eth0', true);
});
ip('neigh', 'add', '192.0.2.1', 'lladdr', '02:00:00:00:00:99', 'dev', 'eth0', 'nud', 'stale');

console.log('before:', ip('neigh', 'show', '192.0.2.1'));
await announce('eth0', ['192.0.2.1'], { namespace: here });
console.log('after: ', ip('neigh', 'show', '192.0.2.1'));

for (const namespace of [here, neighbor]) closeFd(namespace);
