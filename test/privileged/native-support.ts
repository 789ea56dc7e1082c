/**
 * What the privileged tests of native/ share: a namespace with a veth pair, made and thrown away by each test.
 *
 *     | namespace of the test           |
 *     |   veth0 (up) ===== veth1 (up)   |
 */

import type { ExecutionContext } from 'ava';

import {
  closeFd,
  createNetworkNamespace,
  interfaceIndex,
  netlinkSocket,
  runInNamespace,
  setInterfaceUp,
} from '../../native/index.ts';

const REMEDY = 'run as root, or in `unshare -Urn` with read and write access to /dev/net/tun';

/** Makes a network namespace for one test; the test fails at once, with the remedy, where that is not allowed. */
export function makeNamespace(t: ExecutionContext): number {
  let fd: number;
  try {
    fd = createNetworkNamespace();
  } catch (error) {
    t.fail(`${(error as Error).message}: ${REMEDY}`);
    throw error;
  }
  t.teardown(() => closeFd(fd));
  return fd;
}

/** Runs `test` in a namespace of its own. */
export function inNamespace<T>(t: ExecutionContext, test: () => T): T {
  return runInNamespace(makeNamespace(t), test);
}

/** Makes veth0 and veth1 in the current namespace, both up: their indices. */
export function makeVeth(): [number, number] {
  requestLink(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, vethAttributes('veth0', 'veth1'), 'Cannot create a veth pair');
  setInterfaceUp('veth0', true);
  setInterfaceUp('veth1', true);
  waitUntilRunning('veth0');
  waitUntilRunning('veth1');
  return [interfaceIndex('veth0'), interfaceIndex('veth1')];
}

/**
 * Blocks until frames written to the interface are sent. The kernel puts its queue into service in a work queue of its
 * own time after the carrier came; until then the queue is "noop", which accepts frames and drops them.
 */
export function waitUntilRunning(name: string): void {
  for (let tries = 0; linkAttribute(name, IFLA_QDISC).toString() === 'noop\0'; tries++) {
    if (tries === 1_000) throw new Error(`Timed out waiting until ${name} is running`);
    sleep(3);
  }
}

/** Blocks this thread, so that it stays in its namespace. */
export function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** How many sockets hold an interface in promiscuous mode; the flag that ioctl(2) shows is the administrator's. */
export function promiscuity(name: string): number {
  return linkAttribute(name, IFLA_PROMISCUITY).readUInt32LE();
}

/** Payload of one attribute of an interface; empty where it has none. */
function linkAttribute(name: string, type: number): Buffer {
  const fd = netlinkSocket.openNetlink();
  try {
    const message = netlinkMessage(RTM_GETLINK, NLM_F_REQUEST, attribute(IFLA_IFNAME, text(name)));
    const bytes = Buffer.from(netlinkSocket.request(fd, message, `Cannot read "${name}"`)[0] ?? []);
    for (let at = 16 + IFINFOMSG_BYTES; at < bytes.length; at += (bytes.readUInt16LE(at) + 3) & ~3) {
      if (bytes.readUInt16LE(at + 2) === type) return bytes.subarray(at + 4, at + bytes.readUInt16LE(at));
    }
    return Buffer.alloc(0);
  } finally {
    closeFd(fd);
  }
}

/** Deletes an interface of the current namespace. */
export function deleteLink(name: string): void {
  requestLink(RTM_DELLINK, 0, attribute(IFLA_IFNAME, text(name)), `Cannot delete "${name}"`);
}

// <linux/rtnetlink.h>, <linux/if_link.h>, <linux/veth.h>
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const NLM_F_REQUEST = 0x1;
const NLM_F_REQUEST_ACK = 0x5;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const IFLA_IFNAME = 3;
const IFLA_QDISC = 6;
const IFLA_LINKINFO = 18;
const IFLA_PROMISCUITY = 30;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;
const IFINFOMSG_BYTES = 16;

/** Attributes of a new link of `kind`. */
export function linkAttributes(name: string, kind: string, data: Buffer = Buffer.alloc(0)): Buffer {
  const info = Buffer.concat([attribute(IFLA_INFO_KIND, text(kind)), data]);
  return Buffer.concat([attribute(IFLA_IFNAME, text(name)), attribute(IFLA_LINKINFO, info)]);
}

/** Sends RTM_NEWLINK with attributes; whatever the kernel says is thrown. */
export function createLink(attributes: Buffer, action: string): void {
  requestLink(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, attributes, action);
}

function vethAttributes(name: string, peer: string): Buffer {
  const peerInfo = Buffer.concat([Buffer.alloc(IFINFOMSG_BYTES), attribute(IFLA_IFNAME, text(peer))]);
  return linkAttributes(name, 'veth', attribute(IFLA_INFO_DATA, attribute(VETH_INFO_PEER, peerInfo)));
}

function requestLink(type: number, flags: number, attributes: Buffer, action: string): void {
  const fd = netlinkSocket.openNetlink();
  try {
    netlinkSocket.request(fd, netlinkMessage(type, NLM_F_REQUEST_ACK | flags, attributes), action);
  } finally {
    closeFd(fd);
  }
}

/** | nlmsghdr | ifinfomsg of zeros | attributes | */
export function netlinkMessage(type: number, flags: number, attributes: Buffer): Uint8Array {
  const header = Buffer.alloc(16 + IFINFOMSG_BYTES);
  header.writeUInt32LE(header.length + attributes.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags, 6);
  header.writeUInt32LE(7, 8);
  return new Uint8Array(Buffer.concat([header, attributes]));
}

function attribute(type: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc((4 + payload.length + 3) & ~3);
  bytes.writeUInt16LE(4 + payload.length, 0);
  bytes.writeUInt16LE(type, 2);
  payload.copy(bytes, 4);
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

/** A broadcast frame of the experimental EtherType 0x88b5 with `fill` as its payload. */
export function frame(byteLength: number, fill: number): Uint8Array {
  const bytes = new Uint8Array(byteLength).fill(fill);
  bytes.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 1, 0x88, 0xb5]);
  return bytes;
}

/** EtherType of {@link frame}: nothing else on the link has it. */
export const TEST_PROTOCOL = 0x88b5;
