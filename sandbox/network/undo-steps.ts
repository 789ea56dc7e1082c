/**
 * How the changes of the sandbox network are taken back: plain data, so that another process can do it.
 *
 * Everything is named: the index of a link may be another link's by then. undo-run.ts takes the steps back.
 */

import type { NewAddress } from '../netlink/addresses.ts';
import type { NewNeighbour } from '../netlink/neighbours.ts';
import type { NewNextHop, NewRoute } from '../netlink/route.ts';

/** An address as it was on a link. */
export type SavedAddress = Omit<NewAddress, 'replace'>;

/** One of several ways of a route. */
export type SavedNextHop = Omit<NewNextHop, 'link'> & { readonly link?: string };

/** A route as it was; its links by name. */
export type SavedRoute = Omit<NewRoute, 'link' | 'nextHops' | 'table'> & {
  readonly table: number;
  readonly link?: string;
  readonly nextHops?: readonly SavedNextHop[];
};

/** A permanent neighbour as it was on a link. */
export type SavedNeighbour = Pick<NewNeighbour, 'address' | 'linkAddress' | 'flags'>;

/** What the kernel forgets of a link that goes down, or whose addresses are removed. */
export interface SavedAddressing {
  readonly addresses: readonly SavedAddress[];
  readonly routes: readonly SavedRoute[];
  readonly neighbours: readonly SavedNeighbour[];
}

/** A link was made: it goes, if it is still of this kind. */
export interface DeleteLink {
  readonly undo: 'delete-link';
  readonly link: string;
  /** As rtnetlink calls it: `tun`, `macvtap`, `bridge`. */
  readonly kind: string;
}

/** A link was changed: it gets back what is given here. */
export interface SetLink {
  readonly undo: 'set-link';
  readonly link: string;
  readonly up?: boolean;
  readonly address?: string;
  /** It was no port of a bridge. */
  readonly noMaster?: true;
}

/** A link may have lost some of these: what is missing is added again. */
export interface RestoreAddressing extends SavedAddressing {
  readonly undo: 'restore-addressing';
  readonly link: string;
}

/** A link was given filters, or the ingress qdisc that they hang on. */
export interface DeleteTraffic {
  readonly undo: 'delete-filters' | 'delete-ingress';
  readonly link: string;
}

/** How to take one change of links back. */
export type LinkUndo = DeleteLink | SetLink | RestoreAddressing | DeleteTraffic;

/** How to take one change of a PCI device's driver back. */
export type PciUndo =
  | { readonly undo: 'pci-bind' | 'pci-unbind'; readonly bdf: string; readonly driver: string }
  | { readonly undo: 'pci-remove-id'; readonly driver: string; readonly vendorDeviceId: string };

/** How to take one change back. */
export type SandboxUndo = LinkUndo | PciUndo;
