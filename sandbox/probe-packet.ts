/** Checks of packet sockets, packet(7), each on the loopback interface and with a filter that no frame passes. */

import {
  closeFd,
  constants as c,
  interfaceIndex,
  joinFanout,
  openPacketSocketFd,
  type PacketSocketOptions,
  setFanoutProgram,
  setupRxRing,
} from '../native/index.ts';
import { type Check, type FanoutModeName, NETWORK_RIGHTS } from './probe-check.ts';

/** An EtherType for local experiments (IEEE 802), so that the sockets receive nothing. */
const PROTOCOL = 0x88b5;
/** A classic BPF program: return 0. */
const FIRST_SOCKET: Uint8Array = Uint8Array.of(0x06, 0, 0, 0, 0, 0, 0, 0);
const RING = { blockBytes: 65_536, blockCount: 1, frameBytes: 2048, retireMilliseconds: 0 } as const;

function withPacketSocket(options: Partial<PacketSocketOptions>, use?: (fd: number) => void): void {
  const fd = openPacketSocketFd({ interfaceIndex: interfaceIndex('lo'), protocol: PROTOCOL, ...options });
  try {
    use?.(fd);
  } finally {
    closeFd(fd);
  }
}

const join = (mode: number, program?: Uint8Array) => (): void =>
  withPacketSocket({}, (fd) => {
    joinFanout(fd, 0, mode, c.PACKET_FANOUT_FLAG_UNIQUEID);
    if (program !== undefined) setFanoutProgram(fd, program);
  });

const packet = {
  place: 'anywhere',
  rightRemedy: `${NETWORK_RIGHTS}, or give the process CAP_NET_RAW`,
  remedy: 'a kernel with CONFIG_PACKET, and the loopback interface up',
} as const;

const fanout = (mode: FanoutModeName, by: string, run: () => void): Check => ({
  ...packet,
  name: `packet-fanout-${mode}`,
  what: `fan-out ${by}`,
  run,
});

/** The checks. */
export const PACKET_CHECKS: readonly Check[] = [
  { ...packet, name: 'packet-socket', what: 'AF_PACKET sockets', run: () => withPacketSocket({}) },
  {
    ...packet,
    name: 'packet-ring',
    what: 'packet-mmap, a ring of TPACKET_V3',
    run: () => withPacketSocket({}, (fd) => setupRxRing(fd, RING)),
  },
  {
    ...packet,
    name: 'packet-vnet-header',
    what: 'AF_PACKET with a virtio-net header of 10 bytes',
    run: () => withPacketSocket({ vnetHeaderBytes: 10 }),
  },
  {
    ...packet,
    name: 'packet-vnet-header-12',
    what: 'AF_PACKET with a virtio-net header of 12 bytes',
    run: () => withPacketSocket({ vnetHeaderBytes: 12 }),
    remedy: 'Linux 6.5, or `vnetHeaderBytes: 10`',
  },
  fanout('hash', 'by flow', join(c.PACKET_FANOUT_HASH)),
  fanout('lb', 'in turn', join(c.PACKET_FANOUT_LB)),
  fanout('cpu', 'by processor', join(c.PACKET_FANOUT_CPU)),
  fanout('rollover', 'to the next socket with room', join(c.PACKET_FANOUT_ROLLOVER)),
  fanout('random', 'at random', join(c.PACKET_FANOUT_RND)),
  fanout('qm', 'by receive queue', join(c.PACKET_FANOUT_QM)),
  fanout('cbpf', 'by a classic BPF program', join(c.PACKET_FANOUT_CBPF, FIRST_SOCKET)),
  fanout('ebpf', 'by an eBPF program (loading one is not tried)', join(c.PACKET_FANOUT_EBPF)),
];
