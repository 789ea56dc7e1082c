/** A sandbox network whose provider is a CNI client: our bridge and host-local put the interface into it. */

import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { CniError, cniProvider } from '../../cni/index.ts';
import { SandboxNetwork, type SandboxNetworkOptions } from '../../sandbox/index.ts';
import { type Log, LoggingSink } from './_network-provider.ts';
import { testAsRealRoot, withTun } from './_rights.ts';
import { ADDRESSES, bridge, cached, clientOf, leases, network, vethsOf } from './cni-client-support.ts';
import { Site } from './cni-site.ts';
import { rulesOf } from './cni-state.ts';

/** Names of namespaces go where the test's other files are. */
function optionsFor(site: Site): SandboxNetworkOptions & { readonly namespaceDirectory: string } {
  const namespaceDirectory = join(site.dataDir, '..', 'netns');
  mkdirSync(namespaceDirectory);
  const provider = cniProvider(clientOf(site), network([{ ...bridge(site), dns: { nameservers: ['192.0.2.53'] } }]));
  return { queues: 1, vhost: 'off', model: 'tcfilter', containerId: 'box', namespaceDirectory, provider };
}

const testWithNamespaces = withTun(testAsRealRoot);

testWithNamespaces('a sandbox network gets interface, addresses and DNS by CNI, and gives them back', async (t) => {
  const site = new Site(t);
  const options = optionsFor(site);
  const log: Log = [];
  const sandbox = await SandboxNetwork.create(options);
  try {
    t.is(sandbox.networkModel, 'cni');
    await sandbox.add(new LoggingSink(log));
    const [eth0] = sandbox.endpoints;
    t.is(eth0?.name, 'eth0');
    const addresses = eth0?.properties?.addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`);
    for (const address of ADDRESSES) t.true(addresses?.includes(address), address);
    t.deepEqual(eth0?.properties?.dns?.servers, ['192.0.2.53']);
    t.deepEqual([vethsOf(site), cached(site)], [1, ['/results/net1-box-eth0']]);
    t.regex(JSON.stringify(rulesOf(site)), /198\.51\.100\.2\b/);
  } finally {
    await sandbox.remove();
  }
  t.deepEqual(log, ['attach tap0', 'release tap0']);
  t.deepEqual([vethsOf(site), leases(site), cached(site)], [0, [], []]);
  t.notRegex(JSON.stringify(rulesOf(site)), /198\.51\.100\.2\b/);
  t.deepEqual(readdirSync(options.namespaceDirectory), []);
});

testWithNamespaces('a sandbox network whose plugin fails has nothing, and the plugin’s error', async (t) => {
  const site = new Site(t);
  const options = optionsFor(site);
  site.replacePlugin('host-local', '[ $CNI_COMMAND = DEL ] && exit 0; echo \'{"code":11,"msg":"later"}\'; exit 1');
  const sandbox = await SandboxNetwork.create(options);
  const error = await t.throwsAsync(sandbox.add(new LoggingSink([])), { instanceOf: CniError });
  t.like(error, { code: 11, msg: 'plugin type="bridge" failed (add): later' });
  await sandbox.remove();
  t.deepEqual([vethsOf(site), leases(site), cached(site)], [0, [], []]);
});
