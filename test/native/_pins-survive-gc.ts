/** Run with --expose-gc: collects garbage hard around a pinned buffer that nothing else refers to, then reads it. */

import { allocatePinned, pin, pinnedCount, read, socketPair, write } from '../../native/index.ts';

declare const gc: () => void;

const [left, right] = socketPair();

/** Pins buffers of all kinds and forgets them: 32 bytes live on V8's heap, 4096 outside, the third is shared. */
function forget(): number[] {
  const kinds = [
    () => new Uint8Array(32),
    () => new Uint8Array(4096),
    () => new Uint8Array(new SharedArrayBuffer(64)),
    () => new Uint8Array(new ArrayBuffer(4096), 1024, 64),
  ];
  const addresses = kinds.map((make, kind) => {
    const view = make();
    view.fill(kind + 1);
    return pin(view);
  });
  return [...addresses, allocatePinned(32).address];
}

function churn(): number {
  let bytes = 0;
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 2_000; i++) bytes += new Uint8Array(32 + (i % 5_000)).fill(0xee).length;
    gc();
  }
  return bytes;
}

const before = pinnedCount();
const addresses = forget();
churn();

const target = new Uint8Array(64);
const targetAddress = pin(target);
addresses.forEach((address, kind) => {
  if (write(left, address, 32) !== 32 || read(right, targetAddress, 64) !== 32) throw new Error('no transfer');
  const expected = kind < 4 ? kind + 1 : 0;
  const wrong = target.subarray(0, 32).findIndex((byte) => byte !== expected);
  if (wrong >= 0) throw new Error(`buffer ${kind} has ${target[wrong]} at ${wrong}, not ${expected}`);
});
console.log(`pinned ${pinnedCount() - before}`);
