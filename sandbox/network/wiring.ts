/**
 * The steps that the models have in common. A step's name says what it does and is what its error begins with, in
 * Kata's words: the step `set TAP MTU 1500` fails with `Could not set TAP MTU 1500: …`.
 */

import { InvalidOptionError, LinkpointError } from '../../errors.ts';
import type { TunDevice } from '../../link/open-tun.ts';
import { closeFd } from '../../native/fd.ts';
import type { Link } from '../netlink/link.ts';
import type { LinkChanges } from '../netlink/links.ts';
import type { Rtnl } from '../netlink/rtnl.ts';
import { isEmptyAddressing, saveAddressing } from './addressing.ts';
import type { NetworkScope } from './endpoint.ts';
import type { LinkUndo, SavedAddressing, SetLink } from './undo-steps.ts';
import type { UndoStack } from './undo.ts';
import { openVhostFds } from './vhost.ts';

/** The virtio-net header of virtio 1: with the number of buffers. */
export const VNET_HEADER_BYTES = 12;

/** ARPHRD_ETHER. */
const ETHERNET = 1;

/** A link with an address: what an endpoint is about. */
export type EthernetLink = Link & { readonly address: string };

/** Wires an interface, step by step. */
export class Wiring {
  readonly scope: NetworkScope;
  /** Of the scope's namespace, as long as the wiring takes. */
  readonly rtnl: Rtnl;
  readonly #steps: UndoStack<LinkUndo>;

  constructor(scope: NetworkScope, rtnl: Rtnl, steps: UndoStack<LinkUndo>) {
    this.scope = scope;
    this.rtnl = rtnl;
    this.#steps = steps;
  }

  /** Does a step; its error is `Could not ` and its name. */
  step<T>(name: string, change: () => T, undo?: LinkUndo | ((result: T) => LinkUndo | undefined)): T {
    return this.#steps.step(name, () => explained(`Could not ${name}`, change), undo);
  }

  /** As `step`, for what takes time. */
  wait<T>(name: string, change: () => Promise<T>, undo?: LinkUndo): Promise<T> {
    return this.#steps.wait(name, () => explainedLater(`Could not ${name}`, change), undo);
  }

  /** As `UndoStack.live`. */
  live<T>(name: string, open: () => T | Promise<T>, close: (result: T) => void, data?: LinkUndo): Promise<T> {
    return this.#steps.live(name, () => explainedLater(`Could not ${name}`, async () => open()), close, data);
  }

  /** Changes a link. */
  set(name: string, link: string, changes: LinkChanges, undo?: Omit<SetLink, 'undo' | 'link'>): void {
    const back = undo === undefined ? undefined : ({ undo: 'set-link', link, ...undo } as const);
    this.step(name, () => this.rtnl.links.set(link, changes), back);
  }

  /**
   * Finds the link that an endpoint is about.
   * @param kind that it must have, as rtnetlink calls it; any Ethernet without
   */
  find(link: string, kind?: string): EthernetLink {
    return this.#steps.step(`find ${link}`, () => {
      const words = `LinkByName() failed for ${kind ?? 'virtual'} name ${link}`;
      return checkLink(explained(words, () => this.rtnl.links.get(link)), kind);
    });
  }

  /**
   * Remembers what a link was like, before anything is changed: whether it was up, and its addresses, routes and
   * permanent neighbours. It goes down, and they come back, when everything else has been taken back: a link with a
   * macvtap on it would stay promiscuous if it went down first.
   */
  saveState({ name: link, isUp }: Pick<Link, 'name' | 'isUp'>): void {
    const restore = (saved: SavedAddressing): LinkUndo | undefined =>
      isEmptyAddressing(saved) ? undefined : { undo: 'restore-addressing', link, ...saved };
    this.step(`save the addresses of ${link}`, () => saveAddressing(this.rtnl, link), restore);
    if (!isUp) this.step(`save the state of ${link}`, () => undefined, { undo: 'set-link', link, up: false });
  }

  /** Makes a TAP with the scope's queues. */
  openTap(name: string): Promise<TunDevice> {
    const { namespace, queues } = this.scope;
    const options = { name, queues, exclusive: true, vnetHeaderBytes: VNET_HEADER_BYTES } as const;
    const open = (): Promise<TunDevice> =>
      explainedLater(`LinkAdd() failed for tuntap name ${name}`, () => namespace.openTap(options));
    const undo = { undo: 'delete-link', link: name, kind: 'tun' } as const;
    return this.live('create TAP interface', open, (tap) => tap.close(), undo);
  }

  /** Opens vhost-net, as the scope says. */
  openVhost(): Promise<readonly number[]> {
    const closeAll = (fds: readonly number[]): void => fds.forEach(closeFd);
    return this.live<readonly number[]>('setup vhost fds', () => openVhostFds(this.scope), closeAll);
  }
}

function checkLink(link: Link, kind: string | undefined): EthernetLink {
  const { name, address, hardwareType } = link;
  const actual = link.kind ?? (link.flagNames.includes('LOOPBACK') ? 'loopback' : 'device');
  if (kind !== undefined && kind !== actual) {
    throw new InvalidOptionError(`Cannot use "${name}": Incorrect link type ${actual}, expecting ${kind}`);
  }
  if (hardwareType !== ETHERNET || address === undefined) {
    throw new InvalidOptionError(`Cannot use "${name}": Unsupported link type ${actual}; Ethernet is required`);
  }
  return { ...link, address };
}

/** An endpoint is attached to one sink at a time. */
export function alreadyAttached(name: string): LinkpointError {
  return new LinkpointError('ERR_ALREADY_ATTACHED', `Cannot attach "${name}": it is attached; detach it first`);
}

/** Runs `change`; what it throws is explained, and keeps its code. */
export function explained<T>(words: string, change: () => T): T {
  try {
    return change();
  } catch (error) {
    throw explanation(words, error);
  }
}

/** As `explained`, for what takes time. */
export async function explainedLater<T>(words: string, change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    throw explanation(words, error);
  }
}

function explanation(words: string, error: unknown): LinkpointError {
  const code = error instanceof LinkpointError ? error.code : 'ERR_STEP';
  const reason = error instanceof Error ? error.message : String(error);
  return new LinkpointError(code, `${words}: ${reason}`, { cause: error });
}
