/** docs/support.md is what the tests do, and has no empty cell. */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';

import { findRoot } from '../tidy/_source.ts';
import { cellsOf, cellTitle, DEVICES, fileOf, MODES, obstacleOf, PACKETS } from './matrix.ts';
import { MEMORY_FILE, MEMORY_ROWS } from './memory-rows.ts';
import { DOCUMENT, renderSupport } from './render.ts';

const root = findRoot();
const rendered = renderSupport();
/** The cells of every table row, without the heads and rules. */
const rows = rendered
  .split('\n')
  .filter((line) => line.startsWith('|') && !line.startsWith('| -') && !/^\| (?:mode|endpoint) /.test(line))
  .map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));

test('docs/support.md is not stale', (t) => {
  const file = path.join(root, DOCUMENT);
  const found = existsSync(file) ? readFileSync(file, 'utf8') : '';
  t.true(found === rendered, `${DOCUMENT} is stale: run \`npm run support\` and commit it`);
});

test('no cell is empty: each names a test or the reason why there is none', (t) => {
  t.is(rows.length, DEVICES.length * 9 + MEMORY_ROWS.length);
  for (const row of rows) {
    t.is(row.length, 4);
    for (const cell of row.slice(2)) t.regex(cell, /^(?:✔ `.+`|✘ `ERR_[A-Z_]+` \(`E[A-Z]+`\))$/, row.join(' | '));
  }
});

test('every device, mode, way of running and direction has a cell, and every cell a title of its own', (t) => {
  const cells = DEVICES.flatMap(cellsOf);
  const refused = DEVICES.flatMap((spec) => MODES.filter((mode) => obstacleOf(spec, mode) !== null));
  t.is(cells.length + 6 * refused.length, DEVICES.length * 3 * 3 * 2);
  t.is(new Set(cells.map(cellTitle)).size, cells.length);
  t.true(PACKETS >= 10_000);
});

test('the files that the document names register the cells of their devices', (t) => {
  for (const { kind } of DEVICES) {
    const source = readFileSync(path.join(root, fileOf(kind)), 'utf8');
    t.true(source.includes(`testDevices(test, '${kind}');`), `${fileOf(kind)} does not test ${kind}`);
  }
  t.true(readFileSync(path.join(root, MEMORY_FILE), 'utf8').includes('for (const row of MEMORY_ROWS)'));
});
