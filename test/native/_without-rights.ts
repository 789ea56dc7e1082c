/** Run without capabilities: tries what needs a right and prints the errors. */

import {
  createNetworkNamespace,
  openNamespace,
  openPacketSocketFd,
  openTunFd,
  runInNamespace,
  setInterfaceUp,
} from '../../native/index.ts';
import { fdCount } from './_support.ts';

const attempts: Record<string, () => unknown> = {
  packet: () => openPacketSocketFd({ interfaceIndex: 1 }),
  tap: () => openTunFd({ mode: 'tap', name: 'tap0' }),
  namespace: () => createNetworkNamespace(),
  enter: () => runInNamespace(namespace, () => 0),
  up: () => setInterfaceUp('lo', false),
};

const namespace = openNamespace();
const before = fdCount();
// Printing opens a descriptor of its own, so it comes last.
const lines = Object.entries(attempts).map(([name, attempt]) => {
  try {
    attempt();
    return `${name}: no error`;
  } catch (error) {
    return `${name}: ${(error as Error).message}`;
  }
});
lines.push(`descriptors: ${fdCount() - before}`);
console.log(lines.join('\n'));
