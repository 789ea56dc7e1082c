/**
 * Ports of bridges: RTM_SETLINK and RTM_GETLINK of the family PF_BRIDGE, bridge(8).
 *
 *     | ifinfomsg AF_BRIDGE | IFLA_PROTINFO { hairpin, learning, isolated, … } | IFLA_AF_SPEC { VLAN ranges } |
 */

import { InvalidOptionError } from '../../errors.ts';
import { readFields, writeFields } from './fields.ts';
import * as at from './if-link.ts';
import { BRIDGE_PORT_FIELDS, type BridgePortOptions } from './link-kinds.ts';
import type { Links } from './links.ts';
import type { NetlinkMessage } from './message.ts';
import type { LinkReference } from './new-link.ts';
import type { Reply, RequestSocket } from './socket.ts';

/** Family of a bridge's own messages. */
export const AF_BRIDGE = 7;
const IFLA_BRIDGE_FLAGS = 0, IFLA_BRIDGE_VLAN_INFO = 2;
const BRIDGE_FLAGS_SELF = 2;
const VLAN_INFO_PVID = 2, VLAN_INFO_UNTAGGED = 4, VLAN_INFO_RANGE_BEGIN = 8, VLAN_INFO_RANGE_END = 16;

/** A port of a bridge. */
export interface BridgePort extends BridgePortOptions {
  readonly index: number;
  readonly name: string;
  /** Index of the bridge. */
  readonly master?: number;
}

/** VLANs of a port. */
export interface BridgeVlan {
  /** 1 to 4094. */
  readonly id: number;
  /** Last of a range that begins with `id`. */
  readonly last?: number;
  /** Frames without a tag belong to it. */
  readonly pvid?: boolean;
  /** Frames of it leave without a tag. */
  readonly untagged?: boolean;
  /** Of the bridge itself and not of a port. */
  readonly self?: boolean;
}

/** Reads one RTM_NEWLINK of the family PF_BRIDGE. @throws NetlinkMessageError */
export function readBridgePort({ fixed, attributes }: Reply): BridgePort {
  const info = attributes.nest(at.IFLA_PROTINFO);
  const master = attributes.u32(at.IFLA_MASTER);
  return {
    index: fixed.getInt32(at.IFI_INDEX, true),
    name: attributes.text(at.IFLA_IFNAME) ?? '',
    ...(master === undefined ? {} : { master }),
    ...(info === undefined ? {} : readFields(BRIDGE_PORT_FIELDS, info)),
  };
}

/** The ports of the bridges of one namespace. */
export class BridgePorts {
  readonly #socket: RequestSocket;
  readonly #links: Links;

  constructor(socket: RequestSocket, links: Links) {
    this.#socket = socket;
    this.#links = links;
  }

  /** Changes a port. @throws NetlinkError EOPNOTSUPP or EINVAL for what is no port of a bridge */
  set(link: LinkReference, options: BridgePortOptions): void {
    this.#socket.change({
      type: at.RTM_SETLINK,
      fixed: at.ifinfomsg({ family: AF_BRIDGE, index: this.#links.index(link) }),
      attributes: (message) =>
        void message.nest(at.IFLA_PROTINFO, (info) => writeFields(BRIDGE_PORT_FIELDS, options, info)),
      action: `Cannot change bridge port ${JSON.stringify(link)}`,
    });
  }

  /** All ports, or those of one bridge, by index. */
  list({ master }: { master?: LinkReference } = {}): BridgePort[] {
    const index = master === undefined ? undefined : this.#links.index(master);
    return this.#socket
      .dump({
        type: at.RTM_GETLINK,
        fixed: at.ifinfomsg({ family: AF_BRIDGE }),
        action: 'Cannot list bridge ports',
      })
      .filter((reply) => reply.attributes.has(at.IFLA_PROTINFO)) // the bridges themselves are in the dump, too
      .map(readBridgePort)
      .filter((port) => port.master === (index ?? port.master))
      .sort((a, b) => a.index - b.index);
  }

  /** Adds VLANs to a port. @throws NetlinkError EOPNOTSUPP where the kernel has no VLAN filtering */
  addVlan(link: LinkReference, vlan: BridgeVlan): void {
    this.#changeVlan(at.RTM_SETLINK, link, vlan, `Cannot add VLAN ${vlan.id} to ${JSON.stringify(link)}`);
  }

  /** Removes VLANs of a port. @throws NetlinkError */
  deleteVlan(link: LinkReference, vlan: BridgeVlan): void {
    this.#changeVlan(at.RTM_DELLINK, link, vlan, `Cannot delete VLAN ${vlan.id} of ${JSON.stringify(link)}`);
  }

  #changeVlan(type: number, link: LinkReference, vlan: BridgeVlan, action: string): void {
    for (const id of [vlan.id, vlan.last ?? vlan.id]) {
      if (Number.isInteger(id) && id >= 1 && id <= 4094) continue;
      throw new InvalidOptionError(`${action}: the VLAN is ${id}; an integer from 1 to 4094 is required`);
    }
    this.#socket.change({
      type,
      fixed: at.ifinfomsg({ family: AF_BRIDGE, index: this.#links.index(link) }),
      attributes: (message) => void message.nest(at.IFLA_AF_SPEC, (spec) => writeVlan(spec, vlan)),
      action,
    });
  }
}

function writeVlan(spec: NetlinkMessage, { id, last, pvid, untagged, self }: BridgeVlan): void {
  if (self === true) spec.u16(IFLA_BRIDGE_FLAGS, BRIDGE_FLAGS_SELF);
  const flags = (pvid === true ? VLAN_INFO_PVID : 0) | (untagged === true ? VLAN_INFO_UNTAGGED : 0);
  if (last === undefined || last === id) {
    spec.attribute(IFLA_BRIDGE_VLAN_INFO, vlanInfo(flags, id));
    return;
  }
  spec.attribute(IFLA_BRIDGE_VLAN_INFO, vlanInfo(flags | VLAN_INFO_RANGE_BEGIN, id));
  spec.attribute(IFLA_BRIDGE_VLAN_INFO, vlanInfo(flags | VLAN_INFO_RANGE_END, last));
}

/** struct bridge_vlan_info: | flags u16 | vid u16 | */
const vlanInfo = (flags: number, id: number): Uint8Array => Uint8Array.of(flags, 0, id & 0xff, id >>> 8);
