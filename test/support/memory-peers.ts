/** The other sides of endpoints that are no descriptors: programs that inject and read, other ends, a raw stream. */

import { closeFd, ERRNO, pin, read, unpin, write } from '../../native/index.ts';
import { ETHERTYPE_IPV4, HEADER_BYTES as ETHERNET_HEADER_BYTES } from '../../header/ethernet.ts';
import type { ChannelEndpoint } from '../../link/channel.ts';
import { Arena, PacketPool } from '../../stack/index.ts';
import type { InjectableLinkEndpoint, LinkEndpoint, PacketBuffer } from '../../stack/index.ts';
import type { Ledger } from './ledger.ts';
import { NumberedSender } from './numbered-sender.ts';
import { layFrame, type NumberedPeer } from './peer.ts';

const SLOT_BYTES = 16_384;

/** One slot in private memory to lay frames in. */
class Bench {
  readonly packet: PacketBuffer;
  readonly #start: number;

  constructor() {
    const arena = new Arena(1, SLOT_BYTES);
    this.packet = new PacketPool(arena).at(0);
    this.#start = arena.frameStart(0);
  }

  /** Lays the frame of packet `number`. */
  lay(number: number, ethernet: boolean, offloads: boolean): PacketBuffer {
    layFrame(this.packet, this.#start, number, { ethernet, offloads });
    return this.packet;
  }
}

/** Injects into one or several endpoints in turn. */
export class Injector {
  readonly #bench = new Bench();
  readonly #targets: readonly InjectableLinkEndpoint[];
  readonly #ethernet: boolean;

  /** @param ethernet put an Ethernet header before each packet */
  constructor(targets: readonly InjectableLinkEndpoint[], ethernet = false) {
    this.#targets = targets;
    this.#ethernet = ethernet;
  }

  /** As NumberedPeer.send. */
  send(ledger: Ledger, from: number, to: number): number {
    for (let number = from; number < to; number++) {
      const packet = this.#bench.lay(number, this.#ethernet, ledger.data.offloads);
      if (this.#ethernet) packet.networkOffset = -1; // to the inner endpoint all of it is the packet
      (this.#targets[number % this.#targets.length] as InjectableLinkEndpoint).injectInbound(ETHERTYPE_IPV4, packet);
    }
    return to - from;
  }
}

/** Injects into channels and reads what was written to them. */
export class ChannelPeer extends Injector implements NumberedPeer {
  readonly #channels: readonly ChannelEndpoint[];
  readonly #linkBytes: number;

  constructor(channels: readonly ChannelEndpoint[], ethernet = false) {
    super(channels, ethernet);
    this.#channels = channels;
    this.#linkBytes = ethernet ? ETHERNET_HEADER_BYTES : 0;
  }

  receive(ledger: Ledger): number {
    let received = 0;
    for (const channel of this.#channels) {
      for (let packet = channel.read(); packet !== null; packet = channel.read()) {
        packet.networkOffset = packet.start + this.#linkBytes;
        ledger.enter(packet);
        packet.release();
        received++;
      }
    }
    return received;
  }

  close(): void {}
}

/** Another endpoint: what is written to it comes out of the one under test, which may be the same one. */
export class EndpointPeer implements NumberedPeer {
  readonly #endpoint: LinkEndpoint;
  #sender: NumberedSender | null = null;
  #received = 0;

  constructor(endpoint: LinkEndpoint) {
    this.#endpoint = endpoint;
  }

  send(ledger: Ledger, _from: number, to: number): number {
    this.#sender ??= new NumberedSender(this.#endpoint, ledger, { lane: 0, window: to });
    const before = this.#sender.sentCount;
    this.#sender.pump();
    return this.#sender.sentCount - before;
  }

  receive(ledger: Ledger): number {
    if (!this.#endpoint.isAttached) {
      this.#endpoint.attach({
        deliverNetworkPacket: (_protocol, packet) => {
          this.#received++;
          ledger.enter(packet);
        },
      });
    }
    const received = this.#received;
    this.#received = 0;
    return received;
  }

  close(): void {
    this.#endpoint.close();
  }
}

/** The raw bytes of a QEMU stream: | length u32 | frame |, cut wherever read(2) and write(2) cut them. */
export class StreamPeer implements NumberedPeer {
  readonly #fd: number;
  readonly #bench = new Bench();
  #unsent: Buffer = Buffer.alloc(0);
  #unread: Buffer = Buffer.alloc(0);

  constructor(fd: number) {
    this.#fd = fd;
  }

  send(ledger: Ledger, from: number, to: number): number {
    if (this.#unsent.length > 0 && !this.#flush()) return 0;
    const frames: Buffer[] = [];
    for (let number = from; number < Math.min(to, from + 64); number++) {
      const frame = this.#bench.lay(number, true, ledger.data.offloads).copyBytes();
      const length = Buffer.alloc(4);
      length.writeUInt32BE(frame.length);
      frames.push(length, Buffer.from(frame));
    }
    this.#unsent = Buffer.concat(frames);
    this.#flush();
    return frames.length / 2;
  }

  receive(ledger: Ledger): number {
    const room = new Uint8Array(65_536);
    const count = read(this.#fd, pin(room), room.length);
    unpin(room);
    if (count > 0) this.#unread = Buffer.concat([this.#unread, room.subarray(0, count)]);
    let frames = 0;
    while (this.#unread.length >= 4 && this.#unread.length >= 4 + this.#unread.readUInt32BE()) {
      const end = 4 + this.#unread.readUInt32BE();
      this.#enter(this.#unread.subarray(4, end), ledger);
      this.#unread = this.#unread.subarray(end);
      frames++;
    }
    return frames;
  }

  close(): void {
    closeFd(this.#fd);
  }

  #enter(frame: Uint8Array, ledger: Ledger): void {
    const { packet } = this.#bench;
    packet.repoint(packet.start, packet.start);
    packet.fill(frame);
    packet.networkOffset = packet.start + ETHERNET_HEADER_BYTES;
    ledger.enter(packet);
  }

  /** Whether all of it is written. */
  #flush(): boolean {
    const bytes = new Uint8Array(this.#unsent);
    const written = write(this.#fd, pin(bytes), bytes.length);
    unpin(bytes);
    if (written < 0 && written !== -ERRNO.EAGAIN) throw new Error(`The stream took nothing: ${written}`);
    this.#unsent = this.#unsent.subarray(Math.max(written, 0));
    return this.#unsent.length === 0;
  }
}
