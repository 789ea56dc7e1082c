/**
 * The configuration of the bridge plugin, read and checked before anything is changed.
 *
 * Texts are those of the reference, containernetworking-plugins, and the structs that are named for keys of the wrong
 * kind are its own.
 */

import { parseCniArgs } from '../args.ts';
import { CNI_ERROR, CniError } from '../error.ts';
import {
  booleanAt,
  integerAt,
  type JsonObject,
  nameStruct,
  objectAt,
  objectsAt,
  refuse,
  stringAt,
  stringsAt,
  valueAt,
} from '../json.ts';
import { failure, refusal } from '../failure.ts';
import { causeText } from '../strerror.ts';
import type { CniDns, PluginContext } from '../types.ts';
import { readVlanTrunk, VLAN_ID_MAX } from './vlan-trunk.ts';

const DEFAULT_BRIDGE = 'cni0';
/** IFNAMSIZ without the zero at its end, <linux/if.h>. */
const NAME_BYTES_MAX = 15;
/** What the reference reads `args` and `runtimeConfig` into. */
const ARGS = 'struct { Cni main.BridgeArgs "json:\\"cni,omitempty\\"" }';
const RUNTIME_CONFIG = 'struct { Mac string "json:\\"mac,omitempty\\"" }';

/** The configuration, all defaults filled in. Names of the protocol's keys where they are not the same. */
export interface BridgeConfig {
  /** Name of the network. */
  readonly network: string;
  /** `bridge`: name of the bridge, default `cni0`. */
  readonly bridge: string;
  /** The bridge gets the gateway's addresses. Implied by `isDefaultGateway`. */
  readonly isGateway: boolean;
  readonly isDefaultGateway: boolean;
  /** Replace addresses of the bridge that are in the way. */
  readonly forceAddress: boolean;
  /** `ipMasq` */
  readonly masquerade: boolean;
  /** `ipMasqBackend`; anything else fails when rules are written, as in the reference. */
  readonly masqueradeBackend: string | undefined;
  /** Bytes; undefined for the kernel's choice. */
  readonly mtu: number | undefined;
  /** `hairpinMode` */
  readonly hairpin: boolean;
  /** `promiscMode` */
  readonly promiscuous: boolean;
  /** 0 for none. */
  readonly vlan: number;
  /** Undefined where the option is absent; it may be there and empty. */
  readonly vlanTrunk: readonly number[] | undefined;
  readonly preserveDefaultVlan: boolean;
  /** `macspoofchk` */
  readonly spoofCheck: boolean;
  /** `enabledad` */
  readonly enableDad: boolean;
  readonly disableContainerInterface: boolean;
  readonly portIsolation: boolean;
  /** Of the container's interface: `runtimeConfig.mac`, else `args.cni.mac`, else `MAC` of CNI_ARGS. */
  readonly mac: string | undefined;
  /** `ipam.type`; undefined for a network without addresses (layer 2). */
  readonly ipam: string | undefined;
  /** What the configuration says about names; undefined where it says nothing. */
  readonly dns: CniDns | undefined;
}

/** Reads the configuration of a call. @throws CniError with the reference's words */
export function readBridgeConfig({ config, args }: PluginContext): BridgeConfig {
  const { macs, trunk, ...read } = decode(nameStruct(config, 'NetConf'));
  if (read.vlan < 0 || read.vlan > VLAN_ID_MAX) {
    throw refusal(`invalid VLAN ID ${read.vlan} (must be between 0 and ${VLAN_ID_MAX})`);
  }
  const vlanTrunk = trunk && readVlanTrunk(trunk);
  // Later ones win: CNI_ARGS, args.cni, runtimeConfig.
  const fromArgs = macOfArgs(args);
  const mac = macs.find(Boolean) ?? fromArgs;
  return { ...read, vlanTrunk, mac: mac ? normalizeMac(mac) : undefined };
}

/** What only ADD refuses; DEL must work whatever else the configuration asks for. @throws CniError */
export function checkForAdd(config: BridgeConfig): void {
  if (config.ipam !== undefined && config.disableContainerInterface) {
    throw refusal('cannot use IPAM when DisableContainerInterface flag is set');
  }
  if (config.hairpin && config.promiscuous) {
    throw refusal('cannot set hairpin mode and promiscuous mode at the same time.');
  }
  checkName(config.bridge);
  checkMac(config.mac);
}

/** What the keys say. */
interface Decoded extends Omit<BridgeConfig, 'mac' | 'vlanTrunk'> {
  /** Of the configuration, first the one that wins. */
  readonly macs: readonly (string | undefined)[];
  readonly trunk: readonly JsonObject[] | undefined;
}

function decode(config: JsonObject): Decoded {
  try {
    checkUnused(config);
    const flag = (key: string): boolean => booleanAt(config, key) ?? false;
    const isDefaultGateway = flag('isDefaultGateway');
    const mtu = integerAt(config, 'mtu') ?? 0;
    return {
      network: stringAt(config, 'name') ?? '',
      bridge: stringAt(config, 'bridge') ?? DEFAULT_BRIDGE,
      isGateway: isDefaultGateway || flag('isGateway'),
      isDefaultGateway,
      forceAddress: flag('forceAddress'),
      masquerade: flag('ipMasq'),
      masqueradeBackend: stringAt(config, 'ipMasqBackend'),
      mtu: mtu > 0 ? mtu : undefined,
      hairpin: flag('hairpinMode'),
      promiscuous: flag('promiscMode'),
      vlan: integerAt(config, 'vlan') ?? 0,
      trunk: (valueAt(config, 'vlanTrunk') ?? undefined) && objectsAt(config, 'vlanTrunk', 'main.VlanTrunk'),
      preserveDefaultVlan: flag('preserveDefaultVlan'),
      spoofCheck: flag('macspoofchk'),
      enableDad: flag('enabledad'),
      disableContainerInterface: flag('disableContainerInterface'),
      portIsolation: flag('portIsolation'),
      ipam: stringAt(objectAt(config, 'ipam', 'types.IPAM') ?? {}, 'type') || undefined,
      dns: dnsOf(objectAt(config, 'dns', 'types.DNS') ?? {}),
      macs: macsOf(config),
    };
  } catch (error) {
    throw failure('failed to load netconf', error);
  }
}

/** Keys that are nothing to the plugin, but have a kind. @throws TypeError */
function checkUnused(config: JsonObject): void {
  stringAt(config, 'type');
  objectAt(config, 'prevResult');
  const capabilities = objectAt(config, 'capabilities', 'map[string]bool') ?? {};
  for (const value of Object.values(capabilities)) {
    if (value !== null && typeof value !== 'boolean') refuse(config, 'capabilities', value, 'bool');
  }
}

function macsOf(config: JsonObject): (string | undefined)[] {
  const ofConfig = objectAt(objectAt(config, 'args', ARGS) ?? {}, 'cni', 'main.BridgeArgs') ?? {};
  const ofRuntime = objectAt(config, 'runtimeConfig', RUNTIME_CONFIG) ?? {};
  return [stringAt(ofRuntime, 'mac'), stringAt(ofConfig, 'mac')];
}

function macOfArgs(args: string): string | undefined {
  try {
    return parseCniArgs(args, ['MAC']).get('MAC');
  } catch (error) {
    throw new CniError(CNI_ERROR.internal, causeText(error), '', { cause: error });
  }
}

/** Bytes of the addresses that have a notation: Ethernet, EUI-64, InfiniBand. */
const MAC_BYTES = 6, OTHER_BYTES = [8, 20];

/** `02:00:5E:…`, `02-00-5e-…` and `0200.5e…` are the same address. What is none is refused when it is to be used. */
function normalizeMac(text: string): string {
  const isMac = /^[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2})+$|^[0-9a-f]{4}(?:\.[0-9a-f]{4})+$/i.test(text);
  return isMac ? (text.toLowerCase().match(/[0-9a-f]{2}/g) ?? []).join(':') : text;
}

function checkMac(mac: string | undefined): void {
  if (mac === undefined) return;
  const bytes = /^[0-9a-f]{2}(?::[0-9a-f]{2})+$/.test(mac) ? mac.split(':').length : 0;
  if (bytes === MAC_BYTES) return;
  const reason = OTHER_BYTES.includes(bytes) ? 'invalid argument' : `address ${mac}: invalid MAC address`;
  throw refusal(`failed to make veth pair: ${reason}`);
}

function dnsOf(dns: JsonObject): CniDns | undefined {
  const domain = stringAt(dns, 'domain') ?? '';
  const present = (['nameservers', 'search', 'options'] as const).filter((key) => (valueAt(dns, key) ?? null) !== null);
  const lists = present.map((key) => [key, stringsAt(dns, key)] as const);
  if (lists.length === 0 && domain === '') return undefined;
  return { ...Object.fromEntries(lists), ...(domain === '' ? {} : { domain }) };
}

/** Before the kernel sees it: the name becomes a path below /proc/sys, too, and `%d` a pattern of names. */
function checkName(bridge: string): void {
  const quoted = JSON.stringify(bridge);
  const refuseName = (reason: string): never => {
    throw refusal(`failed to create bridge ${quoted}: ${reason}`);
  };
  if (bridge === '') refuseName(`could not add "": LinkAttrs.Name cannot be empty`);
  if (Buffer.byteLength(bridge) > NAME_BYTES_MAX) refuseName(`could not add ${quoted}: numerical result out of range`);
  if (/^\.{1,2}$|[/:\s\0]/.test(bridge)) refuseName(`could not add ${quoted}: invalid argument`);
  if (bridge.includes('%')) refuseName(`could not lookup ${quoted}: Link not found`);
}
