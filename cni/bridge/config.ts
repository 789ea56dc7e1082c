/**
 * The configuration of the bridge plugin, read and checked before anything is changed.
 *
 * Texts are those of the reference, containernetworking-plugins; a key of the wrong kind is named in our own words.
 */

import { checkInterfaceName } from '../../native/interface-name.ts';
import { parseCniArgs } from '../args.ts';
import { CNI_ERROR, CniError } from '../error.ts';
import {
  arrayAt,
  booleanAt,
  integerAt,
  isJsonObject,
  type JsonObject,
  objectAt,
  objectsAt,
  stringAt,
  stringsAt,
} from '../json.ts';
import { failure, refusal } from '../failure.ts';
import { causeText } from '../strerror.ts';
import type { CniDns, PluginContext } from '../types.ts';
import { readVlanTrunk, VLAN_ID_MAX } from './vlan-trunk.ts';

const DEFAULT_BRIDGE = 'cni0';

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
  const read = decode(config);
  if (read.vlan < 0 || read.vlan > VLAN_ID_MAX) {
    throw refusal(`invalid VLAN ID ${read.vlan} (must be between 0 and ${VLAN_ID_MAX})`);
  }
  return { ...read, mac: macOf(config, args) };
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
  if (config.mac !== undefined && !/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/.test(config.mac)) {
    throw refusal(`failed to make veth pair: address ${config.mac}: invalid MAC address`);
  }
}

function decode(config: JsonObject): Omit<BridgeConfig, 'mac'> {
  try {
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
      vlanTrunk: Array.isArray(config['vlanTrunk']) ? readVlanTrunk(objectsAt(config, 'vlanTrunk')) : noTrunk(config),
      preserveDefaultVlan: flag('preserveDefaultVlan'),
      spoofCheck: flag('macspoofchk'),
      enableDad: flag('enabledad'),
      disableContainerInterface: flag('disableContainerInterface'),
      portIsolation: flag('portIsolation'),
      ipam: stringAt(objectAt(config, 'ipam') ?? {}, 'type') || undefined,
      dns: dnsOf(objectAt(config, 'dns') ?? {}),
    };
  } catch (error) {
    if (error instanceof CniError) throw error;
    throw failure('failed to load netconf', error);
  }
}

/** Absent and null are the same; what is neither a list nor these is refused. */
function noTrunk(config: JsonObject): undefined {
  arrayAt(config, 'vlanTrunk');
  return undefined;
}

/** Later ones win: CNI_ARGS, args.cni, runtimeConfig. */
function macOf(config: JsonObject, args: string): string | undefined {
  const ofArgs = (): string | undefined => {
    try {
      return parseCniArgs(args, ['MAC']).get('MAC');
    } catch (error) {
      throw new CniError(CNI_ERROR.internal, causeText(error), '', { cause: error });
    }
  };
  const macIn = (value: unknown): string | undefined => (isJsonObject(value) ? stringAt(value, 'mac') : undefined);
  const { args: ofConfig, runtimeConfig } = config;
  const fromArgs = ofArgs();
  const mac = macIn(runtimeConfig) || macIn(isJsonObject(ofConfig) ? ofConfig['cni'] : undefined) || fromArgs;
  return mac ? normalizeMac(mac) : undefined;
}

/** `02:00:5E:…`, `02-00-5e-…` and `0200.5e…` are the same address. What is none is refused when it is to be used. */
function normalizeMac(text: string): string {
  const isMac = /^[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}$|^[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}$/i.test(text);
  return isMac ? (text.toLowerCase().match(/[0-9a-f]{2}/g) ?? []).join(':') : text;
}

function dnsOf(dns: JsonObject): CniDns | undefined {
  const domain = stringAt(dns, 'domain') ?? '';
  const lists = (['nameservers', 'search', 'options'] as const).filter((key) => Array.isArray(dns[key]));
  if (lists.length === 0 && domain === '') return undefined;
  return {
    ...Object.fromEntries(lists.map((key) => [key, stringsAt(dns, key)])),
    ...(domain === '' ? {} : { domain }),
  };
}

/** Before the kernel sees it: the name becomes a path below /proc/sys, too. */
function checkName(bridge: string): void {
  try {
    checkInterfaceName(`failed to create bridge ${JSON.stringify(bridge)}`, bridge);
  } catch (error) {
    throw new CniError(CNI_ERROR.invalidNetworkConfig, causeText(error), '', { cause: error });
  }
}
