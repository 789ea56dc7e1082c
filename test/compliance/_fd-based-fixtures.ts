/** Fd-based endpoints for the compliance suite: over socket pairs here, over devices in test/privileged. */

import { type FdBasedEndpoint, openFdBased } from '../../link/fd-based.ts';
import type { FdBasedOptions } from '../../link/fd-based-options.ts';
import { SOCK_SEQPACKET } from '../../native/constants.ts';
import { socketPair } from '../../native/index.ts';
import type { ExpectedProperties, LinkEndpointFixture, LinkPeer } from '../../testing/index.ts';
import { PeerSocket } from './_sockets.ts';

/** What a socket pair can do. */
export const PAIR_FEATURES = { ethernet: false, gso: false, canFill: true, detectsHangup: true, injectable: false };

/** An endpoint on one end of a SEQPACKET pair, which it owns; the peer has the other. */
export async function pairFixture(
  options: Partial<FdBasedOptions>,
  expected: ExpectedProperties,
): Promise<LinkEndpointFixture> {
  const [fd, other] = socketPair(SOCK_SEQPACKET);
  const endpoint = await openFdBased({ ...options, fds: [fd], ownFds: true });
  const socket = new PeerSocket(other);
  const fixture = { endpoint, peer: peerOf(socket, endpoint), expected };
  return { ...fixture, hangUp: () => socket.close(), cleanup: () => closeAll(endpoint, socket) };
}

/** Whoever reads and writes the socket at the other side; virtio-net headers are zeros on the way in and taken off. */
function peerOf(socket: PeerSocket, { vnetHeaderBytes }: FdBasedEndpoint): LinkPeer {
  return {
    send(frame) {
      const bytes = new Uint8Array(vnetHeaderBytes + frame.length);
      bytes.set(frame, vnetHeaderBytes);
      return socket.write(bytes);
    },
    receive: async () => socket.read()?.subarray(vnetHeaderBytes) ?? null,
  };
}

/** Closes the endpoint, and the rest when nothing reads any more. */
export async function closeAll(endpoint: FdBasedEndpoint, ...others: readonly { close(): void }[]): Promise<void> {
  endpoint.close();
  await endpoint.wait();
  for (const other of others) other.close();
}
