/** Fd-based endpoints for the compliance suite: over socket pairs here, over devices in test/privileged. */

import { type FdBasedEndpoint, openFdBased } from '../../link/fd-based.ts';
import type { FdBasedOptions } from '../../link/fd-based-options.ts';
import { SOCK_SEQPACKET } from '../../native/constants.ts';
import { socketPair } from '../../native/index.ts';
import { Capability, HARDWARE_ETHER, HARDWARE_NONE, NO_GSO } from '../../stack/index.ts';
import { TEST_ADDRESSES } from '../../testing/index.ts';
import type { ComplianceOptions, ExpectedProperties, LinkEndpointFixture, LinkPeer } from '../../testing/index.ts';
import { PeerSocket } from './_sockets.ts';

const OWN = TEST_ADDRESSES.localLinkAddress;

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

/** Properties of an endpoint over a socket pair with no options. */
export const PLAIN: ExpectedProperties = {
  mtu: 1500,
  maxHeaderLength: 0,
  linkAddress: 0,
  hardwareType: HARDWARE_NONE,
  capabilities: 0,
  gso: NO_GSO,
};
const ETHERNET: ExpectedProperties = { maxHeaderLength: 14, linkAddress: OWN, hardwareType: HARDWARE_ETHER };

/** Endpoints over socket pairs that are run inline, by what the titles of their cases begin with. */
export const inlineSubjects: Readonly<Record<string, Omit<ComplianceOptions, 'test'>>> = {
  'an fd-based endpoint, recvmmsg,': {
    features: PAIR_FEATURES,
    create: () => pairFixture({ dispatchMode: 'recvmmsg' }, PLAIN),
  },
  'an fd-based endpoint, readv,': {
    features: PAIR_FEATURES,
    create: () => pairFixture({ dispatchMode: 'readv' }, PLAIN),
  },
  'an fd-based endpoint with Ethernet headers': {
    features: { ...PAIR_FEATURES, ethernet: true },
    create: () =>
      pairFixture(
        { ethernetHeader: true, linkAddress: OWN, saveRestore: true },
        { ...ETHERNET, capabilities: Capability.RESOLUTION_REQUIRED | Capability.SAVE_RESTORE, gso: NO_GSO },
      ),
  },
  'an fd-based endpoint with virtio-net headers': {
    features: { ...PAIR_FEATURES, gso: true },
    create: () =>
      pairFixture(
        { mtu: 9000, gsoMaxSize: 32_768 },
        { mtu: 9000, capabilities: Capability.TX_CHECKSUM_OFFLOAD, gso: { kind: 'host', maxSize: 32_768 } },
      ),
  },
  'an fd-based endpoint with Ethernet and virtio-net headers, readv,': {
    features: { ...PAIR_FEATURES, ethernet: true, gso: true },
    create: () =>
      pairFixture(
        { dispatchMode: 'readv', ethernetHeader: true, linkAddress: OWN, vnetHeaderBytes: 12 },
        { ...ETHERNET, gso: { kind: 'host', maxSize: 65_535 } },
      ),
  },
};
