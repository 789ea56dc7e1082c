import test from 'ava';

import { BridgePorts } from '../../sandbox/netlink/bridge-ports.ts';
import { Links, type NewLink } from '../../sandbox/netlink/index.ts';
import { NetlinkMessage } from '../../sandbox/netlink/message.ts';
import type { RequestSocket } from '../../sandbox/netlink/socket.ts';

/*
 * What kernels without VLANs, ipvlan and VLAN filtering refuse before they look at it: the exact messages, byte by byte
 * after the 16 of the header.
 */

interface Asked {
  readonly type: number;
  readonly bytes: readonly number[];
}

function recordingSocket(): { socket: RequestSocket; asked: Asked[] } {
  const asked: Asked[] = [];
  const change: RequestSocket['change'] = ({ type, fixed, attributes }) => {
    const message = new NetlinkMessage(type, 0).raw(fixed);
    attributes?.(message);
    asked.push({ type, bytes: [...message.finish().subarray(16)] });
  };
  return { socket: { change } as unknown as RequestSocket, asked };
}

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_SETLINK = 19;

/** struct ifinfomsg of AF_BRIDGE and link 5. */
const PORT_5 = [7, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/** IFLA_AF_SPEC, nested, of `length` bytes. */
const spec = (length: number): number[] => [length, 0, 26, 0x80];
/** IFLA_BRIDGE_VLAN_INFO: struct bridge_vlan_info. */
const vlanInfo = (flags: number, id: number): number[] => [8, 0, 2, 0, flags, 0, id & 0xff, id >> 8];

function ports(): { ports: BridgePorts; asked: Asked[] } {
  const { socket, asked } = recordingSocket();
  return { ports: new BridgePorts(socket, new Links(socket)), asked };
}

test('a VLAN of a bridge port is one bridge_vlan_info in IFLA_AF_SPEC', (t) => {
  const { ports: bridgePorts, asked } = ports();
  bridgePorts.addVlan(5, { id: 300, pvid: true, untagged: true });
  t.deepEqual(asked, [{ type: RTM_SETLINK, bytes: [...PORT_5, ...spec(12), ...vlanInfo(0x06, 300)] }]);
});

test('a range of VLANs is its begin and its end', (t) => {
  const { ports: bridgePorts, asked } = ports();
  bridgePorts.deleteVlan(5, { id: 100, last: 200 });
  const range = [...vlanInfo(0x08, 100), ...vlanInfo(0x10, 200)];
  t.deepEqual(asked, [{ type: RTM_DELLINK, bytes: [...PORT_5, ...spec(20), ...range] }]);
});

test('a VLAN of the bridge itself says so before the VLAN', (t) => {
  const { ports: bridgePorts, asked } = ports();
  bridgePorts.addVlan(5, { id: 1, self: true });
  t.deepEqual(asked, [{ type: RTM_SETLINK, bytes: [...PORT_5, ...spec(20), 6, 0, 0, 0, 2, 0, 0, 0, ...vlanInfo(0, 1)] }]);
});

/** The message of a new link with name "v0" and parent 3, up to IFLA_LINKINFO. */
const NEW_LINK = [...new Array<number>(16).fill(0), 7, 0, 3, 0, 0x76, 0x30, 0, 0, 8, 0, 5, 0, 3, 0, 0, 0];

function newLink(link: NewLink): Asked[] {
  const { socket, asked } = recordingSocket();
  new Links(socket).add(link);
  return asked;
}

test('a VLAN link has its parent in IFLA_LINK and its id in IFLA_VLAN_ID', (t) => {
  const kind = [9, 0, 1, 0, 0x76, 0x6c, 0x61, 0x6e, 0, 0, 0, 0]; // IFLA_INFO_KIND "vlan"
  const data = [12, 0, 2, 0x80, 6, 0, 1, 0, 0x2c, 0x01, 0, 0]; // IFLA_INFO_DATA { IFLA_VLAN_ID 300 }
  t.deepEqual(newLink({ kind: 'vlan', name: 'v0', parent: 3, id: 300 }), [
    { type: RTM_NEWLINK, bytes: [...NEW_LINK, 28, 0, 18, 0x80, ...kind, ...data] },
  ]);
});

test('an ipvlan link has its mode in IFLA_IPVLAN_MODE', (t) => {
  const kind = [11, 0, 1, 0, 0x69, 0x70, 0x76, 0x6c, 0x61, 0x6e, 0, 0]; // IFLA_INFO_KIND "ipvlan"
  const data = (mode: number): number[] => [12, 0, 2, 0x80, 6, 0, 1, 0, mode, 0, 0, 0];
  for (const [mode, value] of [['l2', 0], ['l3', 1]] as const) {
    t.deepEqual(newLink({ kind: 'ipvlan', name: 'v0', parent: 3, mode }), [
      { type: RTM_NEWLINK, bytes: [...NEW_LINK, 28, 0, 18, 0x80, ...kind, ...data(value)] },
    ]);
  }
});
