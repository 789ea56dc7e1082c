/** A program with one endpoint that goes wrong. argv: run (inline | ring | worker), scenario. Prints what the test waits for. */

import { openFdBased } from '../../link/fd-based.ts';
import type { RunMode } from '../../link/fd-based-options.ts';
import { closeFd, socketPair } from '../../native/index.ts';
import { attachRecorder, Recording, type RecorderOptions } from '../regression/_recorder.ts';
import { delay, ipPacket, Peer, until, upTo } from '../regression/_support.ts';

const [runText, scenario] = process.argv.slice(2);
const run = runText as RunMode;

const ACTIONS: Readonly<Record<string, RecorderOptions['action']>> = {
  throws: 'throw',
  'throws-with-handler': 'throw',
  'detaches-and-throws': 'detach-and-throw',
};

const [fd, peerFd] = socketPair();
const endpoint = await openFdBased({ fds: [fd], run });
const recording = new Recording();
const action = ACTIONS[scenario as string];
const { shared } = recording;
attachRecorder(endpoint, run, action === undefined ? { shared } : { shared, at: 1, action });
if (scenario === 'throws-with-handler') {
  process.on('uncaughtException', (error) => {
    process.stdout.write(`caught ${error.message}\n`);
    process.exit(7);
  });
}
new Peer(peerFd).send([ipPacket(1)]);
await until(() => recording.count === 1, 'the packet came');
process.stdout.write('ready\n');

if (scenario === 'exits') process.exit(5);
if (scenario === 'exits-with-a-full-ring') {
  // This thread delivers nothing any more: a ring has no room in the end, and its worker waits for some.
  const peer = new Peer(peerFd);
  const packets = upTo(64).map((sequence) => ipPacket(sequence));
  const word = new Int32Array(new SharedArrayBuffer(4));
  for (let round = 0; round < 60; round++) {
    peer.send(packets);
    Atomics.wait(word, 0, 0, 2);
  }
  process.exit(5);
}
if (scenario === 'exits-under-traffic') {
  const peer = new Peer(peerFd);
  const packets = upTo(64).map((sequence) => ipPacket(sequence));
  setInterval(() => peer.send(packets), 0);
  setTimeout(() => process.exit(5), 100);
}
if (scenario === 'closed-listener-throws') {
  endpoint.on('closed', () => {
    throw new RangeError('not closed');
  });
  process.on('uncaughtException', (error) => process.stdout.write(`caught ${error.message}\n`));
  closeFd(peerFd);
  await endpoint.wait();
  process.stdout.write('quiet\n');
  setTimeout(() => process.exit(9), 5_000).unref(); // it must end by itself: no worker may be left
} else if (scenario === 'throws-elsewhere') {
  setImmediate(() => {
    throw new RangeError('not of the endpoint');
  });
}
if (scenario === 'closes') {
  endpoint.close();
  await endpoint.wait();
} else if (scenario !== 'closed-listener-throws') {
  await delay(60_000); // a signal, or what was thrown, ends the program
}
