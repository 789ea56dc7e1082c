import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import { allocatePinned, freePinned, pin, pinnedCount, unpin, withPinned } from '../../native/memory.ts';
import { runFixture } from './_support.ts';

test.serial('pinned buffers keep their contents over garbage collection when nothing else refers to them', (t) => {
  const { status, output } = runFixture('_pins-survive-gc.js', ['--expose-gc']);
  t.is(status, 0, output);
  t.regex(output, /pinned 6/);
});

test.serial('pin() counts: a view is held until it was unpinned as often as it was pinned', (t) => {
  const before = pinnedCount();
  const view = new Uint8Array(64);
  const address = pin(view);
  t.is(pin(view), address);
  t.is(pinnedCount(), before + 1);
  unpin(view);
  t.is(pinnedCount(), before + 1);
  unpin(view);
  t.is(pinnedCount(), before);
  t.notThrows(() => unpin(view));
});

test.serial('pin() counts the offset of a view into its buffer', (t) => {
  const whole = new Uint8Array(new SharedArrayBuffer(4096));
  const part = whole.subarray(100);
  t.is(pin(part), pin(whole) + 100);
  unpin(whole);
  unpin(part);
});

test.serial('pin() refuses a view without bytes, which has no address', (t) => {
  t.throws(() => pin(new Uint8Array(0)), { instanceOf: RangeError, message: /0 bytes/ });
});

test.serial('withPinned() unpins when its function throws', (t) => {
  const before = pinnedCount();
  t.throws(() =>
    withPinned(new Uint8Array(8), () => {
      throw new Error('expected');
    }),
  );
  t.is(pinnedCount(), before);
});

test.serial('allocatePinned() rounds up to whole words and freePinned() lets go', (t) => {
  const before = pinnedCount();
  const buffer = allocatePinned(13);
  t.is(buffer.bytes.byteLength, 16);
  t.is(buffer.words.length, 4);
  t.is(buffer.address % 8, 0);
  freePinned(buffer);
  t.is(pinnedCount(), before);
});

test('only native/memory.ts asks koffi for an address, and only native/koffi.ts loads it', (t) => {
  const addressing: string[] = [];
  const loading: string[] = [];
  for (const path of sources('.')) {
    const text = readFileSync(path, 'utf8');
    if (/koffi\s*\.\s*address\s*\(/.test(text)) addressing.push(path);
    if (/(from|import|\() *['"]koffi['"]/.test(text.replace(/typeof import\('koffi'\)/g, ''))) loading.push(path);
  }
  t.deepEqual(addressing, ['native/memory.ts']);
  t.deepEqual(loading, ['native/koffi.ts']);
});

function sources(directory: string): string[] {
  const ignored = new Set(['node_modules', 'dist', '.git', 'bench', 'test']);
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => !ignored.has(entry.name))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return sources(path);
      return path.endsWith('.ts') ? [path] : [];
    })
    .sort();
}
