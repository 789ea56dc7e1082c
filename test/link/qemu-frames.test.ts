import test from 'ava';
import fc from 'fast-check';

import { INCOMPLETE, LENGTH_BYTES, MALFORMED, QemuFrameError, QemuFrames } from '../../link/qemu-frames.ts';

/** [length][frame], as it is on the wire. */
function wire(...frames: Uint8Array[]): Uint8Array {
  return Uint8Array.from(
    frames.flatMap((frame) => {
      const length = new Uint8Array(LENGTH_BYTES);
      new DataView(length.buffer).setUint32(0, frame.length);
      return [...length, ...frame];
    }),
  );
}

function pattern(byteLength: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: byteLength }, (_, at) => (at * 31 + seed) & 0xff);
}

/** Puts as much of `bytes` as there is room for into the buffer: how much that was. */
function feed(frames: QemuFrames, bytes: Uint8Array): number {
  const count = Math.min(frames.reserve(), bytes.length);
  frames.arena.bytes.set(bytes.subarray(0, count), frames.end);
  frames.commit(count);
  return count;
}

/** Takes every whole frame. */
function takeAll(frames: QemuFrames): Uint8Array[] {
  const taken: Uint8Array[] = [];
  for (let length = frames.peek(); length >= 0; length = frames.peek()) {
    taken.push(frames.arena.bytes.slice(frames.frameStart, frames.frameStart + length));
    frames.release(length);
  }
  return taken;
}

/** Sends the stream in pieces that end at `cuts`. */
function takeInPieces(frames: QemuFrames, stream: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const taken: Uint8Array[] = [];
  let at = 0;
  for (const cut of [...cuts, stream.length]) {
    while (at < cut) {
      at += feed(frames, stream.subarray(at, cut));
      taken.push(...takeAll(frames));
    }
  }
  return taken;
}

test('three frames come out whole, wherever the stream is cut in two', (t) => {
  const frames = [pattern(1, 1), pattern(60, 2), pattern(300, 3)];
  const stream = wire(...frames);
  for (let cut = 0; cut <= stream.length; cut++) {
    t.deepEqual(takeInPieces(new QemuFrames(300), stream, [cut]), frames, `cut at byte ${cut}`);
  }
});

test('frames come out whole when the stream comes byte by byte', (t) => {
  const frames = [pattern(60, 1), pattern(1514, 2)];
  const stream = wire(...frames);
  t.deepEqual(takeInPieces(new QemuFrames(), stream, [...stream.keys()]), frames);
});

test('any frames, cut anywhere, come out as they went in', (t) => {
  const maxFrameBytes = 4096;
  const lengths = fc.array(fc.integer({ min: 1, max: maxFrameBytes }), { minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(lengths, fc.array(fc.nat(1_000_000), { maxLength: 20 }), (sizes, seeds) => {
      const sent = sizes.map((size, index) => pattern(size, index));
      const stream = wire(...sent);
      const cuts = seeds.map((seed) => seed % (stream.length + 1)).sort((a, b) => a - b);
      const taken = takeInPieces(new QemuFrames(maxFrameBytes), stream, cuts);
      return taken.length === sent.length && taken.every((frame, index) => Buffer.compare(frame, sent[index]!) === 0);
    }),
    { numRuns: 60 },
  );
  t.pass();
});

test('ten times as much as the buffer holds goes through it, and there is always room', (t) => {
  const frames = new QemuFrames(65_550);
  const frame = pattern(65_550, 5);
  const stream = wire(frame, pattern(1, 6), frame);
  const total = Math.ceil((frames.arena.capacityBytes * 10) / stream.length);
  let count = 0;
  for (let round = 0; round < total; round++) {
    for (let at = 0; at < stream.length; ) {
      t.true(frames.reserve() > 0);
      at += feed(frames, stream.subarray(at, at + 50_000));
      count += takeAll(frames).length;
    }
  }
  t.is(count, total * 3);
});

for (const [length, what] of [
  [0, 'empty'],
  [301, 'one byte too long'],
  [0xffff_ffff, 'of 4 GiB'],
] as const) {
  test(`a frame that is ${what} is known by its length, and the frames before it come out`, (t) => {
    const frames = new QemuFrames(300);
    const announced = new Uint8Array(LENGTH_BYTES);
    new DataView(announced.buffer).setUint32(0, length);
    feed(frames, Uint8Array.of(...wire(pattern(300, 1)), ...announced));
    t.is(takeAll(frames).length, 1);
    t.is(frames.peek(), MALFORMED);
    t.is(frames.announcedBytes, length);
    feed(frames, wire(pattern(20, 1)));
    t.is(frames.peek(), MALFORMED);
  });
}

test('an incomplete length or frame is waited for', (t) => {
  const frames = new QemuFrames(300);
  const stream = wire(pattern(100, 1));
  t.is(frames.peek(), INCOMPLETE);
  feed(frames, stream.subarray(0, 3));
  t.is(frames.peek(), INCOMPLETE);
  t.is(frames.announcedBytes, 0);
  feed(frames, stream.subarray(3, 103));
  t.is(frames.peek(), INCOMPLETE);
  t.is(frames.announcedBytes, 100);
  t.is(frames.pendingBytes, 103);
  feed(frames, stream.subarray(103));
  t.is(frames.peek(), 100);
});

test('random bytes never throw, and never yield a frame beyond what came', (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { maxLength: 30 }), (pieces) => {
      const frames = new QemuFrames(256);
      let came = 0;
      let taken = 0;
      for (const piece of pieces) {
        came += feed(frames, piece);
        taken += takeAll(frames).reduce((sum, frame) => sum + LENGTH_BYTES + frame.length, 0);
        if (taken + frames.pendingBytes !== came) return false;
      }
      return true;
    }),
    { numRuns: 200 },
  );
  t.pass();
});

test('the error tells what was announced and what would have been accepted', (t) => {
  const error = new QemuFrameError(7, 99_999, 1514);
  t.like(error, { code: 'ERR_QEMU_FRAME', frameBytes: 99_999, limitBytes: 1514 });
  t.is(error.message, 'Cannot receive from fd 7: the peer announces a frame of 99999 bytes; 1 to 1514 are taken');
});
