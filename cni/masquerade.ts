/**
 * Masquerading: what a container sends out of its own prefix leaves with the machine's address.
 *
 * The rules are exactly the reference's, so that either program finds and removes what the other has made. All names in
 * them are hashes of the network and the attachment, and each carries a comment: they are found again without the
 * namespace, whose addresses nobody can ask for when it is gone.
 *
 *     iptables   masquerade-iptables.ts   a chain per network and container
 *     nftables   masquerade-nft.ts        a rule per address in one chain
 */

import type { Cidr } from './addresses.ts';
import { CNI_ERROR, CniError } from './error.ts';
import * as iptables from './masquerade-iptables.ts';
import * as nftables from './masquerade-nft.ts';
import type { MasqueradeOwner } from './masquerade-owner.ts';
import { supportsNft } from './nft.ts';
import { ProgramError } from './run-program.ts';
import { causeText } from './strerror.ts';
import type { CniAttachment } from './types.ts';

/**
 * Writes the rules for the addresses of a container.
 * @param backend `iptables`, `nftables`; undefined for iptables unless only nftables works
 * @throws CniError
 */
export async function setUpMasquerade(
  backend: string | undefined,
  addresses: readonly Cidr[],
  owner: MasqueradeOwner,
): Promise<void> {
  try {
    switch (backend ?? (await defaultBackend())) {
      case 'iptables':
        return await iptables.setUp(addresses, owner);
      case 'nftables':
        return await nftables.setUp(addresses, owner);
    }
  } catch (error) {
    throw new CniError(CNI_ERROR.internal, causeText(error), '', { cause: error });
  }
  throw new CniError(CNI_ERROR.internal, `unknown ipmasq backend ${JSON.stringify(backend)}`);
}

/**
 * Removes the rules of both backends, since an attachment may have been made under another configuration.
 * @param addresses those of the attachment; empty when nobody knows them any more, then all rules of the container in
 * this network go
 * @throws AggregateError with what failed; a backend that is not installed has no rules
 */
export async function tearDownMasquerade(addresses: readonly Cidr[], owner: MasqueradeOwner): Promise<void> {
  await eachBackend([() => iptables.tearDown(addresses, owner), () => nftables.tearDown(owner)]);
}

/** Removes the rules of a network's attachments that are not among those given. @throws AggregateError */
export async function collectMasquerade(network: string, valid: readonly CniAttachment[]): Promise<void> {
  await eachBackend([() => iptables.collect(network, valid), () => nftables.collect(network, valid)]);
}

/** iptables, unless only nftables works. */
async function defaultBackend(): Promise<'iptables' | 'nftables'> {
  return !(await iptables.isSupported()) && (await supportsNft()) ? 'nftables' : 'iptables';
}

async function eachBackend(works: readonly (() => Promise<void>)[]): Promise<void> {
  const outcomes = await Promise.allSettled(works.map((work) => work()));
  const errors = outcomes
    .flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
    .filter((error) => !(error instanceof ProgramError && error.isMissing));
  if (errors.length > 0) throw new AggregateError(errors, errors.map(causeText).join('\n'));
}
