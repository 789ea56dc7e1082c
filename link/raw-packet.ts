/** Frames that come as bytes, made into packets. Cold: for raw writes and tests. */

import { PacketBuffer } from '../stack/packet-buffer.ts';
import { PacketList } from '../stack/packet-list.ts';

/**
 * A packet over the caller's bytes, without a copy and without headroom.
 * @param linkHeaderBytes how many of them are link header
 */
export function packetOver(bytes: Uint8Array, linkHeaderBytes: number): PacketBuffer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const packet = new PacketBuffer({ bytes, view, address: 0 }, 0, 0, bytes.length);
  packet.repoint(0, bytes.length);
  packet.networkOffset = Math.min(linkHeaderBytes, bytes.length);
  if (linkHeaderBytes > 0) packet.linkOffset = 0;
  return packet;
}

/** The same as a list of one packet. */
export function listOver(bytes: Uint8Array, linkHeaderBytes: number): PacketList {
  return PacketList.of(packetOver(bytes, linkHeaderBytes));
}
