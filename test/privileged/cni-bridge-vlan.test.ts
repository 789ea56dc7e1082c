/** VLANs of a real bridge. Where the kernel knows none, the plugin says so: cni-bridge-reference.test.ts. */

import { testWithFeatures } from '../_features.ts';
import { hostLocal, network } from './cni-cases.ts';
import { printed, Site } from './cni-site.ts';

const withVlans = testWithFeatures('bridge-vlan-filtering');

interface PortVlans {
  readonly ifname: string;
  readonly vlans: { readonly vlan: number; readonly vlanEnd?: number; readonly flags?: string[] }[];
}

const vlansOf = (site: Site, ifname: string): PortVlans['vlans'] =>
  (JSON.parse(site.run('bridge -j vlan show')) as PortVlans[]).find((port) => port.ifname === ifname)?.vlans ?? [];

withVlans('layer 2: an access VLAN and a trunk, without the default VLAN', (t) => {
  const site = new Site(t);
  const config = network({ vlan: 100, vlanTrunk: [{ id: 101 }, { minID: 200, maxID: 210 }], ipam: {} });
  const added = site.call({ command: 'ADD', config, container: site.container() });
  t.is(added.status, 0, added.stdout);
  t.true(site.rtnl.links.get('cni0').bridge?.vlanFiltering);
  const port = site.rtnl.links.list({ kind: 'veth' })[0]?.name ?? '';
  t.deepEqual(vlansOf(site, port), [
    { vlan: 100, flags: ['PVID', 'Egress Untagged'] },
    { vlan: 101 },
    { vlan: 200, vlanEnd: 210 },
  ]);
});

withVlans('layer 3: the gateway is a veth into the VLAN, and the result names it', (t) => {
  const site = new Site(t);
  const container = site.container();
  const config = network({ vlan: 100, isDefaultGateway: true, ipam: hostLocal([{ subnet: '198.51.100.0/24' }]) });
  const added = site.call({ command: 'ADD', config, container });
  t.is(added.status, 0, added.stdout);
  const { interfaces } = printed(added) as unknown as { interfaces: { name: string }[] };
  t.deepEqual([interfaces.length, interfaces[3]?.name], [4, 'cni0.100']);
  t.deepEqual(site.rtnl.addresses.list({ link: 'cni0', family: 'inet' }), []);
  t.is(site.rtnl.addresses.list({ link: 'cni0.100', family: 'inet' })[0]?.address, '198.51.100.1');
  t.is(site.call({ command: 'DEL', config, container }).stdout, '');
});
