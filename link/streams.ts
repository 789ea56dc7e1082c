/**
 * Endpoints at the edge of a program: as an async iterable of batches, and as a pair of web streams of frames.
 *
 *     endpoint ──► readable   one Uint8Array a frame, link header included
 *     endpoint ◄── writable   a full link holds the writer back until `drain`
 */

import type { LinkEndpoint } from '../stack/link-endpoint.ts';
import { packets, type PacketsOptions } from './packets.ts';

export { packets } from './packets.ts';
export type { PacketBatches, PacketsOptions } from './packets.ts';

/** The two directions of an endpoint. */
export interface FrameStreams {
  /** Frames that came in. Cancelling it detaches from the endpoint. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Frames to send. Closing it closes nothing: the endpoint is its owner's. */
  readonly writable: WritableStream<Uint8Array>;
}

/**
 * Attaches to `endpoint` and makes it a duplex of frames, e.g. to pipe two endpoints into each other or over a socket.
 * A link cannot be told to wait: frames that nobody reads are dropped beyond `maxQueued`.
 *
 * @throws AlreadyAttachedError, LinkClosedError as `attach`
 */
export function toWebStreams(endpoint: LinkEndpoint, options: PacketsOptions = {}): FrameStreams {
  const batches = packets(endpoint, options);
  const readable = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await batches.next();
      if (done === true) controller.close();
      else for (const packet of value) controller.enqueue(packet.copyBytes());
    },
    async cancel() {
      await batches.return();
    },
  });
  const writable = new WritableStream<Uint8Array>({
    write: (frame) => writeFrame(endpoint, frame),
  });
  return { readable, writable };
}

async function writeFrame(endpoint: LinkEndpoint, frame: Uint8Array): Promise<void> {
  while (!endpoint.writeRawPacket(frame)) await untilDrained(endpoint);
}

/** Resolves with `drain`, or when the attachment ends: the next write tells whether the endpoint did, too. */
function untilDrained(endpoint: LinkEndpoint): Promise<void> {
  return new Promise((resolve) => {
    const onEither = (): void => {
      endpoint.off('drain', onEither);
      endpoint.off('closed', onEither);
      resolve();
    };
    endpoint.on('drain', onEither);
    endpoint.on('closed', onEither);
  });
}
