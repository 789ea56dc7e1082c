/** Taking changes of links back, as undo-steps.ts tells them. Nothing left of the change is no error. */

import { match } from 'ts-pattern';

import { NetlinkError } from '../../errors.ts';
import type { LinkChanges } from '../netlink/links.ts';
import type { Rtnl } from '../netlink/rtnl.ts';
import { restoreAddressing } from './addressing.ts';
import type { DeleteLink, LinkUndo, SetLink } from './undo-steps.ts';

/** What tc says where there is nothing to delete: no filter, no qdisc. */
const NOTHING_THERE: readonly string[] = ['ENOENT', 'EINVAL', 'ENODEV'];

/**
 * Takes one change back.
 * @param warn told of an interface that was there before and is gone
 * @throws NetlinkError, AggregateError
 */
export function undoLinkChange(rtnl: Rtnl, step: LinkUndo, warn: (message: string) => void): void {
  const gone = (): void => warn(`Interface "${step.link}" is gone: nothing of it can be restored`);
  match(step)
    .with({ undo: 'delete-link' }, (one) => deleteLink(rtnl, one))
    .with({ undo: 'set-link' }, (one) => unlessGone(() => setLink(rtnl, one), gone))
    .with({ undo: 'restore-addressing' }, (one) => {
      if (rtnl.links.find(one.link) === undefined) gone();
      else restoreAddressing(rtnl, one.link, one);
    })
    .with({ undo: 'delete-filters' }, ({ link }) => unlessThere(() => rtnl.tc.deleteFilters(link)))
    .with({ undo: 'delete-ingress' }, ({ link }) => unlessThere(() => rtnl.tc.deleteIngress(link)))
    .exhaustive();
}

/** Somebody else's link may have the name by now: then its kind is another, mostly. */
function deleteLink(rtnl: Rtnl, { link, kind }: DeleteLink): void {
  if (rtnl.links.find(link)?.kind === kind) unlessGone(() => rtnl.links.delete(link), () => undefined);
}

function setLink(rtnl: Rtnl, { link, up, address, noMaster }: SetLink): void {
  const changes: LinkChanges = {
    ...(up === undefined ? {} : { up }),
    ...(address === undefined ? {} : { address }),
    ...(noMaster === undefined ? {} : { master: null }),
  };
  rtnl.links.set(link, changes);
}

function unlessGone(change: () => void, gone: () => void): void {
  unless(change, ['ENODEV'], gone);
}

function unlessThere(change: () => void): void {
  unless(change, NOTHING_THERE, () => undefined);
}

function unless(change: () => void, codes: readonly string[], otherwise: () => void): void {
  try {
    change();
  } catch (error) {
    if (!(error instanceof NetlinkError && codes.includes(error.code))) throw error;
    otherwise();
  }
}
