/**
 * gVisor has no test of detach, EAGAIN, a partial sendmmsg, packet-mmap, fan-out, the sniffer and loopback. Here every
 * endpoint runs one compliance suite (test/compliance, test/privileged); what it cannot see from outside is here.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import test from 'ava';

import { openFdBased } from '../../link/fd-based.ts';
import { SOCK_SEQPACKET } from '../../native/constants.ts';
import { closeFd, socketPair } from '../../native/index.ts';
import type { PacketBuffer } from '../../stack/packet-buffer.ts';
import { PacketList } from '../../stack/packet-list.ts';
import { attachRecorder, Recording } from './_recorder.ts';
import { ipPacket, until, upTo } from './_support.ts';

/** More than a send buffer of the least size takes: refused with EMSGSIZE. */
const TOO_LONG_BYTES = 40_000;

test.serial('row 14: a sendmmsg that stops at a packet goes on behind it, within a batch and at its ends', async (t) => {
  const [fd, peerFd] = socketPair(SOCK_SEQPACKET, { sendBufferBytes: 16_384 });
  const [left, right] = [await openFdBased({ fds: [fd], mtu: 65_535 }), await openFdBased({ fds: [peerFd], mtu: 65_535 })];
  t.teardown(() => {
    [left, right].forEach((endpoint) => endpoint.close());
    [fd, peerFd].forEach(closeFd);
  });
  const recording = new Recording();
  attachRecorder(right, 'inline', recording);
  // Batches have 64 packets: the first and last of one, two in a row, and the very last of the list.
  const refused = [0, 10, 11, 63, 64, 127, 149];
  const list = new PacketList();
  for (const sequence of upTo(150)) {
    const bytes = ipPacket(sequence, refused.includes(sequence) ? TOO_LONG_BYTES : 64);
    list.push((left.allocate(bytes.length) as PacketBuffer).fill(bytes));
  }
  let drained = true;
  left.on('drain', () => (drained = true));
  while (list.length > 0) {
    await until(() => drained, 'drain');
    drained = false;
    const accepted = left.writePackets(list);
    list.dropFirst(accepted);
    if (list.length === 0) break;
  }
  await until(() => recording.count === 150 - refused.length, 'the others came');
  t.deepEqual(recording.sequences, upTo(150).filter((sequence) => !refused.includes(sequence)));
  t.is(left.statistics.get('transmit-refused'), refused.length);
  t.is(left.statistics.get('transmittedPackets'), 150 - refused.length);
});

test('row 14: every file of link/ with an endpoint class is run through the compliance suite', (t) => {
  const root = new URL('../../../', import.meta.url);
  const read = (folder: string): [string, string][] =>
    readdirSync(fileURLToPath(new URL(folder, root)))
      .filter((name) => name.endsWith('.ts'))
      .map((name) => [name, readFileSync(fileURLToPath(new URL(`${folder}${name}`, root)), 'utf8')]);
  const files = read('link/').filter(([, text]) => /^export class \w+Endpoint /m.test(text)).map(([name]) => name);
  const suites = [...read('test/compliance/'), ...read('test/privileged/')].filter(([, text]) => /ompliance/.test(text));
  t.true(files.length >= 9, files.join(' '));
  for (const file of files) {
    t.true(suites.some(([, text]) => text.includes(`'../../link/${file}'`)), `no compliance test imports ${file}`);
  }
});
