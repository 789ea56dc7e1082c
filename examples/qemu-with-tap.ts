// A veth's sandbox is a guest of QEMU, which inherits the queues of a TAP that the model tcfilter joins to it. What its
// firmware (iPXE) asks for first, an address by DHCP, arrives at the veth's other end.
// Rights: root, or `unshare -Urn` with access to /dev/net/tun. Needs qemu-system-x86 and ipxe-qemu.

import { spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { ETHERTYPE_IPV4, openFdBased, type PacketBuffer, packets, PROTOCOL_UDP } from 'linkpoint';
import { ipv4, udp } from 'linkpoint/header';
import { createNetNamespace, qemuSink, SandboxNetwork } from 'linkpoint/sandbox';

await using sandbox = await createNetNamespace();
await using outside = await createNetNamespace();
await using inner = await sandbox.rtnl();
await using outer = await outside.rtnl();
const peer = { name: 'peer0', namespace: outside.fd };
inner.links.add({ kind: 'veth', name: 'eth0', up: true, address: '02:00:00:00:00:07', peer });
inner.addresses.add('eth0', { address: '192.0.2.2/24' }); // for the guest: network.guest tells what there is
outer.links.set('peer0', { up: true });

const sink = qemuSink({ stop: async () => void (qemu.kill('SIGKILL') && (await once(qemu, 'exit'))) });
await using network = await SandboxNetwork.create({ namespace: sandbox, model: 'tcfilter', queues: 2 });
await network.add(sink);
console.log(...sink.argv);
const machine = ['-display', 'none', '-nodefaults', '-m', '64', '-boot', 'n'];
const options = { stdio: ['ignore', 'ignore', 'inherit', ...sink.fds] } satisfies SpawnOptions;
const qemu = spawn('qemu-system-x86_64', [...machine, ...sink.argv], options);
process.once('exit', () => qemu.kill('SIGKILL')); // also when something below throws

const isDiscover = ({ view, networkOffset: at, end, egress }: PacketBuffer): boolean =>
  egress.protocol === ETHERTYPE_IPV4 && ipv4.isValid(view, at, end) && ipv4.protocol(view, at) === PROTOCOL_UDP &&
  udp.destinationPort(view, ipv4.payloadAt(view, at)) === 67;

using socket = await outside.openPacketSocket({ interfaceName: 'peer0' });
await using endpoint = await openFdBased({ fds: socket.fds });
for await (const batch of packets(endpoint, { signal: AbortSignal.timeout(60_000) })) {
  const discover = batch.find(isDiscover);
  if (discover === undefined) continue;
  console.log(`${discover}`);
  break;
}
