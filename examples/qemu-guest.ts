// A guest of QEMU on a link of ours: the firmware of its network card (iPXE) boots from the network, and what it asks
// for first, an address by DHCP, is printed. Without KVM that takes a few seconds.
// Rights: none. Needs qemu-system-x86 and ipxe-qemu.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ETHERTYPE_IPV4, listenQemuStream, type PacketBuffer, packets, PROTOCOL_UDP } from 'linkpoint';
import { ipv4, udp } from 'linkpoint/header';

const DHCP_SERVER_PORT = 67;
const folder = mkdtempSync(join(tmpdir(), 'qemu-guest-'));
const path = join(folder, 'link.sock');
const server = await listenQemuStream({ path });

const machine = ['-display', 'none', '-nodefaults', '-m', '64', '-boot', 'n'];
const network = ['-netdev', `stream,id=link,server=off,addr.type=unix,addr.path=${path}`];
const card = ['-device', 'virtio-net-pci,netdev=link,mac=02:00:00:00:00:07'];
const qemu = spawn('qemu-system-x86_64', [...machine, ...network, ...card], { stdio: 'inherit' });
process.once('exit', () => qemu.kill('SIGKILL')); // also when something below throws
const endpoint = await server.accept({ signal: AbortSignal.timeout(30_000) });

const isDiscover = ({ view, networkOffset: at, end, egress }: PacketBuffer): boolean =>
  egress.protocol === ETHERTYPE_IPV4 && ipv4.isValid(view, at, end) && ipv4.protocol(view, at) === PROTOCOL_UDP &&
  udp.destinationPort(view, ipv4.payloadAt(view, at)) === DHCP_SERVER_PORT;

for await (const batch of packets(endpoint, { signal: AbortSignal.timeout(60_000) })) {
  const discover = batch.find(isDiscover);
  if (discover === undefined) continue;
  console.log(`${discover}`);
  break;
}
qemu.kill('SIGKILL');
await once(qemu, 'exit');
endpoint.close();
server.close();
rmSync(folder, { recursive: true });
