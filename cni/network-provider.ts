/**
 * The provider of a sandbox network: CNI puts the interface into the namespace, and takes it out.
 *
 *     SandboxNetwork ─ provider.add ─► CniClient ─ ADD ─► bridge ─► host-local        then: scan, attach
 *                    ─ provider.remove ─► DEL
 *
 * See `NetworkProvider` in sandbox/network/network-models.ts.
 */

import type { Dns, NetworkAttachment, NetworkProvider } from '../sandbox/index.ts';
import type { CniAttachmentOptions } from './client-call.ts';
import type { CniClient } from './client.ts';
import type { CniNetworkList } from './network-list.ts';
import type { CniDns } from './types.ts';

/** What plugins are to know besides the attachment. */
export type CniProviderOptions = Pick<CniAttachmentOptions, 'args' | 'capabilityArgs'>;

/** A provider that adds and deletes by one network: `SandboxNetwork.create({ provider: cniProvider(client, net) })`. */
export function cniProvider(
  client: CniClient,
  list: CniNetworkList,
  options: CniProviderOptions = {},
): NetworkProvider {
  const attachmentOf = ({ containerId, interfaceName, namespacePath }: NetworkAttachment): CniAttachmentOptions => ({
    ...options,
    containerId,
    ifName: interfaceName,
    netns: namespacePath,
  });
  return {
    add: async (attachment) => dnsOf((await client.add(list, attachmentOf(attachment))).dns),
    remove: (attachment) => client.del(list, attachmentOf(attachment)),
  };
}

/** The resolver's settings in the sandbox's words; none where the plugins have said nothing. */
function dnsOf({ nameservers = [], domain = '', search = [], options = [] }: CniDns): { dns?: Dns } {
  const isEmpty = domain === '' && [nameservers, search, options].every((list) => list.length === 0);
  return isEmpty ? {} : { dns: { servers: nameservers, domain, searches: search, options } };
}
