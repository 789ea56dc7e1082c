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
for (const [name, attempt] of Object.entries(attempts)) {
  try {
    attempt();
    console.log(`${name}: no error`);
  } catch (error) {
    console.log(`${name}: ${(error as Error).message}`);
  }
}
console.log(`descriptors: ${fdCount() - before}`);
