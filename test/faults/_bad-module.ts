/** A dispatcher module whose factory goes wrong, or is slow, as its data say. */

import type { CreateDispatcher } from '../../dispatch/dispatcher-task.ts';

interface Data {
  readonly how: 'rejects' | 'throws' | 'exits' | 'never' | 'slow' | 'second-never' | 'first-detaches';
  /** Word 0: factories called; word 1: signals aborted; word 2: packets. */
  readonly shared: SharedArrayBuffer;
}

/** How long `first-detaches` keeps the other worker from stopping. */
const BLOCK_MILLISECONDS = 400;

const createDispatcher: CreateDispatcher<Data> = async (link, { how, shared }, { signal, index }) => {
  const words = new Int32Array(shared);
  Atomics.add(words, 0, 1);
  signal.addEventListener('abort', () => Atomics.add(words, 1, 1));
  if (how === 'first-detaches') {
    const block = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCK_MILLISECONDS);
    return { deliverNetworkPacket: () => (index === 0 ? link.attach(null) : block()) };
  }
  if (how === 'rejects') await Promise.reject(new RangeError('no dispatcher today'));
  if (how === 'throws') throw Object.assign(new Error('no dispatcher at all'), { code: 'ERR_OF_MINE' });
  if (how === 'exits') process.exit(3);
  const isMade = how === 'second-never' && index === 0;
  if (!isMade) await new Promise((resolve) => setTimeout(resolve, how === 'slow' ? 300 : 100_000));
  return { deliverNetworkPacket: () => void Atomics.add(words, 2, 1) };
};

export default createDispatcher;
