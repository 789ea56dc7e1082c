/**
 * What the privileged row tests share: one link with a receiving fd of ours, and a sender on its other side.
 *
 *     AF_PACKET:   sender on veth0 ══ veth1, the receiving socket is bound to it
 *     TAP:         sender on tap0 (the kernel's side) ══ the receiving fd
 */

import type { ExecutionContext } from 'ava';

import { openPacketSocket, type OpenPacketSocketOptions } from '../../link/open-packet-socket.ts';
import { openTap } from '../../link/open-tun.ts';
import type { DispatchMode } from '../../dispatch/link-dispatcher.ts';
import { runInNamespace, setInterfaceUp } from '../../native/index.ts';
import { ipPacket, Peer } from '../regression/_support.ts';
import { deleteLink, makeNamespace, makeVeth, TEST_PROTOCOL, waitUntilRunning } from './native-support.ts';

/** A device and how it is read. */
export type LinkKind = Exclude<DispatchMode, never> | 'tap';

/** AF_PACKET in its three modes, and TAP. */
export const LINK_KINDS: readonly LinkKind[] = ['recvmmsg', 'readv', 'packet-mmap', 'tap'];

/** A link under test. */
export interface TestLink {
  readonly namespace: number;
  /** Of the receiving side. */
  readonly fd: number;
  readonly dispatchMode: DispatchMode;
  readonly sender: Peer;
  /** Brings the receiving interface up or down. */
  setUp(up: boolean): void;
  /** Deletes the receiving interface. */
  remove(): void;
}

/** Makes a link in a namespace of its own; what is left of it goes with the test. */
export function makeLink(t: ExecutionContext, kind: LinkKind, options: Partial<OpenPacketSocketOptions> = {}): TestLink {
  const namespace = makeNamespace(t);
  return kind === 'tap' ? makeTapLink(t, namespace) : makeVethLink(t, namespace, kind, options);
}

function makeVethLink(
  t: ExecutionContext,
  namespace: number,
  dispatchMode: DispatchMode,
  options: Partial<OpenPacketSocketOptions>,
): TestLink {
  runInNamespace(namespace, makeVeth);
  const receiver = openPacketSocket({ interfaceName: 'veth1', namespace, protocol: TEST_PROTOCOL, ...options });
  const sender = openPacketSocket({ interfaceName: 'veth0', namespace, protocol: 0 });
  t.teardown(() => [receiver, sender].forEach((device) => device.close()));
  return { ...linkOf(namespace, 'veth1', 'veth0'), fd: receiver.fd, dispatchMode, sender: new Peer(sender.fd) };
}

function makeTapLink(t: ExecutionContext, namespace: number): TestLink {
  const tap = openTap({ name: 'tap0', namespace });
  runInNamespace(namespace, () => {
    setInterfaceUp('tap0', true);
    waitUntilRunning('tap0');
  });
  const sender = openPacketSocket({ interfaceName: 'tap0', namespace, protocol: 0 });
  t.teardown(() => [sender, tap].forEach((device) => device.close()));
  return { ...linkOf(namespace, 'tap0', 'tap0'), fd: tap.fd, dispatchMode: 'readv', sender: new Peer(sender.fd) };
}

function linkOf(namespace: number, name: string, senderName: string): Pick<TestLink, 'namespace' | 'setUp' | 'remove'> {
  return {
    namespace,
    setUp: (up) =>
      runInNamespace(namespace, () => {
        setInterfaceUp(name, up);
        if (up) waitUntilRunning(senderName);
      }),
    remove: () => runInNamespace(namespace, () => deleteLink(name)),
  };
}

/** A broadcast frame of the experimental EtherType with `ipPacket(sequence)` behind its header. */
export function testFrame(sequence: number, byteLength = 64): Uint8Array {
  const frame = new Uint8Array(byteLength).fill(0xff);
  frame.set([0x02, 0, 0, 0, 0, 9, TEST_PROTOCOL >> 8, TEST_PROTOCOL & 0xff], 6);
  frame.set(ipPacket(sequence, byteLength - 14), 14);
  return frame;
}
