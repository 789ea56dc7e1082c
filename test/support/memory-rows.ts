/** The rows of the endpoints that read no descriptor of packets, as data: the tests and the document are made of it. */

import { PACKETS, type Direction } from './matrix.ts';

/** One endpoint. */
export interface MemoryRow {
  readonly id: 'channel' | 'loopback' | 'pipe' | 'muxed' | 'nested' | 'ethernet' | 'injectable' | 'qemu-stream';
  readonly title: string;
  /** How packets come in and go out. */
  readonly way: string;
}

/** All of them, in the order of the document. */
export const MEMORY_ROWS: readonly MemoryRow[] = [
  { id: 'channel', title: 'Channel', way: 'injectInbound, read' },
  { id: 'loopback', title: 'Loopback', way: 'comes back in' },
  { id: 'pipe', title: 'Pipe', way: 'the other end' },
  { id: 'muxed', title: 'Multiplexer over two channels', way: 'injectInbound, read, by remote address' },
  { id: 'nested', title: 'Decorator base over a channel', way: 'injectInbound, read' },
  { id: 'ethernet', title: 'Ethernet over a channel', way: 'injectInbound, read, with Ethernet headers' },
  { id: 'injectable', title: 'Injectable over a SEQPACKET socket pair', way: 'injectInbound, the other end' },
  { id: 'qemu-stream', title: 'QEMU stream over a STREAM socket pair', way: 'the raw stream at the other end' },
];

/** The file of their tests. */
export const MEMORY_FILE = 'test/support/memory.test.ts';

/** Title of a row's test. */
export const memoryTitle = ({ title }: MemoryRow, direction: Direction): string =>
  `${title}: ${direction} moves ${PACKETS.toLocaleString('en')} verified packets`;
