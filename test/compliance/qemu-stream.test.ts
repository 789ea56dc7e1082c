import { QemuFrames } from '../../link/qemu-frames.ts';
import { openQemuStream, type QemuStreamOptions } from '../../link/qemu-stream.ts';
import { SOCK_STREAM } from '../../native/constants.ts';
import { socketPair } from '../../native/index.ts';
import { Capability, HARDWARE_ETHER, NO_GSO } from '../../stack/index.ts';
import { type LinkEndpointFixture, TEST_ADDRESSES } from '../../testing/index.ts';
import { runCompliance } from './_run.ts';
import { PeerSocket } from './_sockets.ts';

const OWN = TEST_ADDRESSES.localLinkAddress;
const FEATURES = { ethernet: true, gso: false, canFill: true, detectsHangup: true, injectable: false };

/** An endpoint on one end of a stream pair; the peer speaks the framing at the other. */
function create(options: QemuStreamOptions, bufferBytes?: number): LinkEndpointFixture {
  const sizes = bufferBytes === undefined ? {} : { sendBufferBytes: bufferBytes, receiveBufferBytes: bufferBytes };
  const [fd, other] = socketPair(SOCK_STREAM, sizes);
  const endpoint = openQemuStream({ ...options, fd, ownFd: true });
  const socket = new PeerSocket(other);
  const frames = new QemuFrames();
  const receive = async (): Promise<Uint8Array | null> => {
    if (frames.peek() < 0) feed(frames, socket.read());
    const length = frames.peek();
    if (length < 0) return null;
    const frame = frames.arena.bytes.slice(frames.frameStart, frames.frameStart + length);
    frames.release(length);
    return frame;
  };
  return {
    endpoint,
    peer: { send: (frame) => socket.write(framed(frame)), receive },
    expected: {
      mtu: options.mtu ?? 1500,
      maxHeaderLength: 14,
      linkAddress: options.linkAddress ?? 0,
      hardwareType: HARDWARE_ETHER,
      capabilities: Capability.RESOLUTION_REQUIRED,
      gso: NO_GSO,
    },
    hangUp: () => socket.close(),
    cleanup: () => {
      endpoint.close();
      socket.close();
    },
  };
}

function framed(frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + frame.length);
  new DataView(bytes.buffer).setUint32(0, frame.length);
  bytes.set(frame, 4);
  return bytes;
}

function feed(frames: QemuFrames, bytes: Uint8Array | null): void {
  if (bytes === null) return;
  frames.reserve();
  frames.arena.bytes.set(bytes, frames.end);
  frames.commit(bytes.length);
}

runCompliance('a QEMU stream', { features: FEATURES, create: () => create({ linkAddress: OWN }) });
runCompliance('a QEMU stream of jumbo frames through tiny buffers', {
  features: FEATURES,
  create: () => create({ mtu: 9000 }, 4608),
});
