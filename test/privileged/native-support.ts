/**
 * What the privileged tests of native/ share: a namespace with a veth pair, made and thrown away by each test.
 *
 *     | namespace of the test           |
 *     |   veth0 (up) ===== veth1 (up)   |
 */

import type { ExecutionContext } from 'ava';

import {
  addIpv4Address,
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
  return [interfaceIndex('veth0'), interfaceIndex('veth1')];
}

/** Gives veth0 192.0.2.1/24, so that the kernel speaks on it. */
export function addressVeth(): void {
  addIpv4Address('veth0', 0xc0000201, 24);
}

/** Deletes an interface of the current namespace. */
export function deleteLink(name: string): void {
  requestLink(RTM_DELLINK, 0, attribute(IFLA_IFNAME, text(name)), `Cannot delete "${name}"`);
}

// <linux/rtnetlink.h>, <linux/if_link.h>, <linux/veth.h>
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const NLM_F_REQUEST_ACK = 0x5;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const IFLA_IFNAME = 3;
const IFLA_LINKINFO = 18;
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
