/**
 * Addresses. The only file that asks for one.
 *
 * A raw address does not keep its memory alive: a module-level constant that no live function reads *is* collected,
 * and the kernel then writes into freed memory. So whoever takes an address does it with {@link pin}, which holds the
 * view in a set that lives as long as the thread, until {@link unpin}.
 *
 * The set is per thread (each worker has its own copy of this module). A SharedArrayBuffer whose address another
 * thread uses must be pinned by that thread, too.
 *
 * @packageDocumentation
 */

import { isLinux, requireKoffi } from './koffi.ts';

/** How often each view is pinned; the reference from here is what keeps it alive. */
const pins = new Map<Uint8Array, number>();

/**
 * Address of the first byte of `view`, valid until {@link unpin} is called as often as this was.
 *
 * The buffer must not be transferred to another thread nor resized in the meantime. SharedArrayBuffers are fine.
 *
 * @returns a Number: user space ends below 2^53 on every platform that is supported.
 * @throws RangeError when the view is empty: it has no address.
 */
export function pin(view: Uint8Array): number {
  const koffi = requireKoffi('Cannot take the address of a buffer');
  if (view.byteLength === 0) throw new RangeError('Cannot pin a buffer: it has 0 bytes');
  // Small typed arrays start inside V8's heap, which moves; asking for the address puts them outside for good.
  const address = Number(koffi.address(view));
  pins.set(view, (pins.get(view) ?? 0) + 1);
  return address;
}

/** Gives up one {@link pin} of `view`; its address must not be used any more. A view that is not pinned is ignored. */
export function unpin(view: Uint8Array): void {
  const count = pins.get(view);
  if (count === undefined) return;
  if (count === 1) pins.delete(view);
  else pins.set(view, count - 1);
}

/** Views pinned by this thread: flat over any number of open and close pairs. */
export function pinnedCount(): number {
  return pins.size;
}

/** Runs `use` with the address of `view`, which is valid only until `use` returns. */
export function withPinned<T>(view: Uint8Array, use: (address: number) => T): T {
  const address = pin(view);
  try {
    return use(address);
  } finally {
    unpin(view);
  }
}

/** Memory of a fixed address, and the views over it that calls need. */
export interface PinnedBuffer {
  /** The bytes. */
  readonly bytes: Uint8Array;
  /** The same bytes, for fields of any width. */
  readonly view: DataView;
  /** The same bytes as C ints: the fastest way to read a length or a flag. */
  readonly words: Int32Array;
  /** Address of the first byte; 0 elsewhere than on Linux, where nothing can be called with it. */
  readonly address: number;
}

/**
 * Allocates `byteLength` shared bytes (rounded up to a multiple of 8) and pins them. Module-level scratch buffers are
 * made by this, so it does not throw on other platforms: importing must not fail.
 */
export function allocatePinned(byteLength: number): PinnedBuffer {
  const buffer = new SharedArrayBuffer(Math.ceil(byteLength / 8) * 8);
  const bytes = new Uint8Array(buffer);
  return {
    bytes,
    view: new DataView(buffer),
    words: new Int32Array(buffer),
    address: isLinux ? pin(bytes) : 0,
  };
}

/** Gives up the memory of {@link allocatePinned}. */
export function freePinned(buffer: PinnedBuffer): void {
  unpin(buffer.bytes);
}
