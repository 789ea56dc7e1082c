/**
 * ADD: joins a container to the bridge.
 *
 *     lock ┌ bridge ─► port ┐ ─► macspoofchk ─► IPAM ADD ─► addresses, up, routes ─► gateway ─► masquerade
 *          └────────────────┘                                                                       │
 *                             result ◄─ forwarding ◄─ shape of its version ◄─ port is forwarding ◄──┘
 *
 * Every arrow is a step that can be taken back; forwarding is last, since others rely on it as soon as it is on.
 */

import type { NetNamespace } from '../../sandbox/net-namespace.ts';
import type { Link } from '../../sandbox/netlink/link.ts';
import { Rtnl } from '../../sandbox/netlink/rtnl.ts';
import { sleep } from '../../sandbox/sleep.ts';
import { parseCidr } from '../addresses.ts';
import { execAdd, execDel } from '../delegate.ts';
import { during, refusal } from '../failure.ts';
import { configureInterface } from '../ipam-configure.ts';
import { setUpMasquerade, tearDownMasquerade } from '../masquerade.ts';
import { openContainer } from '../netns.ts';
import { holdNetns } from '../netns-hold.ts';
import { convertResult } from '../result.ts';
import { setUpSpoofCheck, tearDownSpoofCheck } from '../spoof-check.ts';
import { enableForwarding, tryWriteInterfaceSetting } from '../sysctl.ts';
import type { CniInterface, CniResult, PluginContext } from '../types.ts';
import { type StepObserver, UndoList } from '../undo-list.ts';
import { bridgeByName, ensureBridge, type SharedBridge } from './bridge-link.ts';
import { type BridgeConfig, checkForAdd, readBridgeConfig } from './config.ts';
import { setUpGateways } from './gateway.ts';
import { type GatewayPlan, planGateways } from './gateway-plan.ts';
import { withBridgeLock } from './lock.ts';
import { addPort } from './port.ts';

/** How long a port may take to forward: the reference's five looks. It is looked at after 1, 2, 4, … milliseconds. */
const PORT_UP_MILLISECONDS = 2550;
const PAUSE_MAX_MILLISECONDS = 100;

/** What the steps of one ADD work on. */
interface Attachment {
  readonly context: PluginContext;
  readonly config: BridgeConfig;
  readonly host: Rtnl;
  readonly namespace: NetNamespace;
  readonly container: Rtnl;
  readonly undo: UndoList;
}

/**
 * Runs ADD.
 * @param observe called before each step; what it throws fails the step
 * @throws CniError; the machine is then as it was before
 */
export async function addToBridge(context: PluginContext, observe?: StepObserver): Promise<CniResult> {
  const config = readBridgeConfig(context);
  checkForAdd(config);
  const undo = new UndoList(observe);
  // Before anything is changed: a namespace that is none is the most likely mistake.
  await using namespace = openContainer(context.netns);
  using _held = holdNetns(namespace);
  using host = Rtnl.open();
  using container = Rtnl.open(namespace.fd);
  try {
    return await attach({ context, config, host, namespace, container, undo });
  } catch (error) {
    for (const { message } of await undo.unwind()) context.warn(`failed to undo: ${message}`);
    throw error;
  }
}

async function attach(attachment: Attachment): Promise<CniResult> {
  const { context, config, host, container, undo } = attachment;
  const { bridge, port } = withBridgeLock(() => joinBridge(attachment));
  const inside = during('failed to retrieve link', () => container.links.get(context.ifName));
  if (config.spoofCheck) {
    const protect = (): Promise<void> => setUpSpoofCheck(port.name, inside.address ?? '', context);
    await undo.begin('spoof check', protect, () => tearDownSpoofCheck(context));
  }
  const named = [bridge.link, port].map(({ name }) => ({ name }));
  const layer2 = { interfaces: [...named, { name: context.ifName }], ips: [], routes: [], dns: {} };
  const layer3 = config.ipam === undefined ? undefined : await addAddresses(attachment, config.ipam, layer2.interfaces);
  const gateway = { host, bridge, ownPorts: new Set([port.index]), config };
  const vlan = layer3 && setUpGateways(gateway, layer3.plan.gateways, undo);
  if (layer3 === undefined) bringContainerUp(attachment);
  else if (config.masquerade) await masquerade(attachment, layer3.plan);
  if (!config.disableContainerInterface) await undo.begin('port state', () => waitForPort(host, port));
  const interfaces = [...describeLinks(attachment, port), ...(vlan === undefined ? [] : [vlan])];
  const result = { ...layer2, ...layer3?.result, interfaces, dns: config.dns ?? layer3?.result.dns ?? {} };
  // An old version may have no room for it: the reference finds out when everything is done, and leaves it.
  convertResult(result, context.cniVersion);
  if (layer3 !== undefined) enableForwardingFor(layer3.plan, undo);
  return result;
}

/** Bridge and port: one critical section, so that nobody takes a bridge away that is about to have a port. */
function joinBridge({ context, config, host, namespace, container, undo }: Attachment): {
  bridge: SharedBridge;
  port: Link;
} {
  const { mtu, mac, hairpin, portIsolation: isolated } = config;
  const bridge = ensureBridge(host, config, undo);
  const inside = { rtnl: container, fd: namespace.fd };
  const options = { name: context.ifName, mtu, mac, hairpin, isolated, vlans: config };
  return { bridge, port: addPort({ host, bridge: bridge.link, inside, ...options }, undo) };
}

interface Layer3 {
  readonly plan: GatewayPlan;
  readonly result: Pick<CniResult, 'ips' | 'routes' | 'dns'>;
}

/** Asks IPAM, and gives the container what it says. */
async function addAddresses(
  attachment: Attachment,
  type: string,
  interfaces: CniResult['interfaces'],
): Promise<Layer3> {
  const { context, config, container, namespace, undo } = attachment;
  const ipam = await askIpam(attachment, type);
  if (ipam.ips.length === 0) throw refusal('IPAM plugin returned missing IP config');
  const plan = planGateways(ipam, config);
  const { ips, routes } = plan;
  undo.step('container settings', () => namespace.runSync(() => writeSettings(context.ifName, config)));
  const link = { rtnl: container, namespace, name: context.ifName, warn: context.warn };
  await configureInterface(link, { interfaces, ips, routes }, undo);
  return { plan, result: { ips, routes, dns: ipam.dns } };
}

/** An IPAM plugin that has failed is told to take back what it may have done; what it says to that is no news. */
function askIpam({ context, undo }: Attachment, type: string): Promise<CniResult> {
  let hasAnswered = false;
  const ask = async (): Promise<CniResult> => {
    const answer = await execAdd(type, context);
    hasAnswered = true;
    return answer;
  };
  return undo.begin('IPAM', ask, async () => {
    try {
      await execDel(type, context);
    } catch (error) {
      if (hasAnswered) throw error;
    }
  });
}

/** Of the container's interface. A sandbox may refuse them, and the reference does not mind. */
function writeSettings(name: string, { enableDad }: BridgeConfig): void {
  if (enableDad) tryWriteInterfaceSetting({ family: 'ipv6', name, setting: 'enhanced_dad' }, '1');
  tryWriteInterfaceSetting({ family: 'ipv6', name, setting: 'accept_dad' }, enableDad ? '1' : '0');
  // The kernel announces its addresses by gratuitous ARP when the interface comes up.
  tryWriteInterfaceSetting({ family: 'ipv4', name, setting: 'arp_notify' }, '1');
}

function bringContainerUp({ context, config, container, undo }: Attachment): void {
  if (config.disableContainerInterface) return;
  const name = context.ifName;
  undo.step('container up', () => {
    during(`failed to set ${JSON.stringify(name)} up`, () => container.links.set(name, { up: true }));
  });
}

async function masquerade({ context, config, undo }: Attachment, { ips }: GatewayPlan): Promise<void> {
  const owner = { network: config.network, containerId: context.containerId, ifName: context.ifName };
  const addresses = ips.map(({ address }) => parseCidr(address));
  const write = (): Promise<void> => setUpMasquerade(config.masqueradeBackend, addresses, owner);
  await undo.begin('masquerade', write, () => tearDownMasquerade(addresses, owner));
}

/** A port that learns or listens drops frames: the container is not joined before it forwards. */
async function waitForPort(host: Rtnl, { name }: Link): Promise<void> {
  // The pauses are the clock: that of Node takes a millisecond to load, and the port is mostly up at once.
  for (let pause = 1, waited = 0; ; waited += pause, pause = Math.min(pause * 2, PAUSE_MAX_MILLISECONDS)) {
    const { operationalState } = host.links.get(name);
    if (operationalState === 'UP') return;
    if (waited > PORT_UP_MILLISECONDS) throw refusal(`bridge port in error state: ${operationalState.toLowerCase()}`);
    await sleep(pause, undefined);
  }
}

/** Read last: the address of the bridge may have changed with its first port, that of the port with the bridge. */
function describeLinks({ context, config, host, container }: Attachment, port: Link): CniResult['interfaces'] {
  const named = ({ name, address }: Link): CniInterface =>
    address === undefined ? { name } : { name, mac: address };
  const outside = [bridgeByName(host, config.bridge), host.links.get(port.index)];
  return [...outside.map(named), { ...named(container.links.get(context.ifName)), sandbox: context.netns }];
}

function enableForwardingFor({ gateways }: GatewayPlan, undo: UndoList): void {
  for (const family of [4, 6] as const) {
    if (gateways[family].length === 0) continue;
    const enable = (): (() => void) => during('failed to enable forwarding', () => enableForwarding(family));
    undo.step(`forwarding ${family}`, enable, (putBack) => putBack());
  }
}
