import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import { READERS, TUN_SENDERS } from '../../bench/contestants.ts';
import { frameHead, vnetHead } from '../../bench/frames.ts';
import { ROOT } from '../../bench/results.ts';
import { possibleRows, RX_ROWS, TX_ROWS } from '../../bench/rows.ts';
import * as ipv4 from '../../header/ipv4.ts';

test('every row has a name of its own', (t) => {
  const names = [...RX_ROWS, ...TX_ROWS].map(({ suite, name }) => `${suite} ${name}`);
  t.is(new Set(names).size, names.length);
});

test('linkpoint stands in every row beside a peer that does the same work', (t) => {
  for (const { name, contestants } of [...RX_ROWS, ...TX_ROWS]) {
    t.true(
      contestants.some(({ family }) => family === 'linkpoint'),
      name,
    );
    t.true(
      contestants.some(({ family }) => family === 'c' || family === 'node'),
      name,
    );
    t.is(new Set(contestants.map(({ id }) => id)).size, contestants.length, name);
  }
});

test('without a namespace only socket pairs are left, and without a second processor only bursts', (t) => {
  t.true(possibleRows(RX_ROWS, false, 2).every(({ kind }) => kind.startsWith('seqpacket')));
  t.true(possibleRows(RX_ROWS, true, 1).every(({ regime }) => regime === 'burst'));
  t.is(possibleRows(RX_ROWS, true, 2).length, RX_ROWS.length);
  t.is(possibleRows(TX_ROWS, true, 1).length, TX_ROWS.length);
});

test('gVisor has no row on TUN with a virtio-net header', (t) => {
  t.true([...READERS, ...TUN_SENDERS].some(({ family }) => family === 'go'));
  const rows = [...RX_ROWS, ...TX_ROWS].filter(({ kind }) => kind === 'tun-vnet');
  t.is(rows.length, 2);
  t.true(rows.every(({ contestants }) => contestants.every(({ family }) => family !== 'go')));
});

for (const { bytes, hasEthernet } of [
  { bytes: 64, hasEthernet: false },
  { bytes: 1500, hasEthernet: true },
  { bytes: 65_000, hasEthernet: true },
]) {
  const kind = hasEthernet ? 'Ethernet' : 'IP';
  test(`the ${kind} frame of ${bytes} B has a valid IPv4 header of that length`, (t) => {
    const head = Buffer.from(frameHead({ bytes, hasEthernet }), 'hex');
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    const at = hasEthernet ? 14 : 0;
    t.is(ipv4.version(view, at), 4);
    t.is(ipv4.totalLength(view, at), bytes - at);
    t.true(ipv4.isChecksumValid(view, at));
  });
}

test('only super-packets ask for segmentation', (t) => {
  t.is(vnetHead({ bytes: 1500, hasEthernet: true }), '00'.repeat(10));
  t.is(vnetHead({ bytes: 65_000, hasEthernet: true }), '01013600a80522001000');
});

test('no test of this folder measures time: a slow machine fails none of them', (t) => {
  const folder = join(ROOT, 'test', 'bench');
  const clock = /performance\s*\.\s*now|hrtime|Date\s*\.\s*now|cpuUsage|measureSample\(/;
  t.regex('performance.now()', clock);
  const sources = readdirSync(folder).filter((name) => name.endsWith('.ts') && name !== 'rows.test.ts');
  t.true(sources.length >= 5);
  for (const name of sources) t.notRegex(readFileSync(join(folder, name), 'utf8'), clock, name);
});
