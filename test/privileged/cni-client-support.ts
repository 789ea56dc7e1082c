/** What the tests of the client share: plugins that run in the namespace of a site that stands for the host. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { CniClient, type CniNetworkList, parseNetworkList } from '../../cni/index.ts';
import { type Config, DEBIAN, type Site } from './cni-site.ts';
import { filesOf } from './cni-state.ts';

const BRIDGE = fileURLToPath(new URL('../../cni/bin/bridge.js', import.meta.url));
/** The system's programs: npm has an `nft` of another kind. */
export const ENV: Readonly<Record<string, string>> = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
const HOST_LOCAL = fileURLToPath(new URL('../../cni/bin/host-local.js', import.meta.url));

/** Makes the plugins of the site enter its host, for the client runs where the test does. */
export function enterHost(site: Site): void {
  const enter = `exec nsenter --net=/proc/${process.pid}/fd/${site.host}`;
  site.replacePlugin('bridge', `${enter} "${process.execPath}" "${BRIDGE}"`);
  site.replacePlugin('host-local', `exec "${process.execPath}" "${HOST_LOCAL}"`);
  for (const name of ['tuning', 'portmap']) site.replacePlugin(name, `${enter} ${DEBIAN}/${name}`);
}

/** A client of the plugins of the site. */
export function clientOf(site: Site): CniClient {
  enterHost(site);
  return new CniClient({ path: [site.bin], cacheDir: cacheOf(site), env: ENV });
}

/** What the first container gets. */
export const ADDRESSES: readonly string[] = ['198.51.100.2/24', '2001:db8:7::2/64'];

const RANGES = [[{ subnet: '198.51.100.0/24' }], [{ subnet: '2001:db8:7::/64' }]];

/** Our bridge as a gateway, with masquerade, and addresses of host-local: `ADDRESSES` for the first container. */
export const bridge = (site: Site): Config => ({
  type: 'bridge',
  bridge: 'cni0',
  isDefaultGateway: true,
  ipMasq: true,
  ipam: { type: 'host-local', dataDir: site.dataDir, ranges: RANGES },
});

export const network = (plugins: readonly Config[], cniVersion = '1.0.0'): CniNetworkList =>
  parseNetworkList({ cniVersion, name: 'net1', plugins });

/** Files of addresses that are taken. */
export const leases = (site: Site): string[] =>
  Object.keys(filesOf(site.dataDir)).filter((name) => !/last_reserved_ip|lock/.test(name));

export const cacheOf = (site: Site): string => join(site.dataDir, '..', 'cache');

/** Files of the client's cache. */
export const cached = (site: Site): string[] => Object.keys(filesOf(cacheOf(site)));

export const vethsOf = (site: Site): number => site.rtnl.links.list({ kind: 'veth' }).length;
