/**
 * What an ADD adds to IPAM's answer: each address belongs to the container's interface, has a gateway where the bridge
 * is one, and each family a default route where the configuration asks for it. Pure.
 */

import { type Cidr, formatCidr, parseCidr } from '../addresses.ts';
import { defaultDestination, familyOf, firstHost } from '../prefix.ts';
import type { CniIp, CniResult, CniRoute } from '../types.ts';
import type { BridgeConfig } from './config.ts';

/** Index of the container's interface in the result: bridge, port, container. */
const CONTAINER_INTERFACE = 2;

/** Addresses that the bridge is to have, by family. */
export interface Gateways {
  readonly 4: readonly Cidr[];
  readonly 6: readonly Cidr[];
}

/** The plan. */
export interface GatewayPlan {
  readonly ips: readonly CniIp[];
  readonly routes: readonly CniRoute[];
  readonly gateways: Gateways;
}

type GatewayOptions = Pick<BridgeConfig, 'isGateway' | 'isDefaultGateway'>;

/** Works the plan out from what IPAM answered. */
export function planGateways(ipam: CniResult, { isGateway, isDefaultGateway }: GatewayOptions): GatewayPlan {
  const routes = [...ipam.routes];
  const gateways = { 4: [] as Cidr[], 6: [] as Cidr[] };
  const ips = ipam.ips.map(({ address, gateway: known }) => {
    const cidr = parseCidr(address);
    const family = familyOf(cidr);
    const gateway = known ?? (isGateway ? firstHost(cidr) : undefined);
    if (isDefaultGateway && gateway !== undefined && !hasDefaultRoute(routes, family)) {
      routes.push({ dst: defaultDestination(family), gw: gateway });
    }
    if (isGateway && gateway !== undefined) gateways[family].push(parseCidr(`${gateway}/${cidr.prefixLength}`));
    return { interface: CONTAINER_INTERFACE, address: formatCidr(cidr), ...(gateway === undefined ? {} : { gateway }) };
  });
  return { ips, routes, gateways };
}

/** A default route without a gateway does not count: it goes out by the interface. */
const hasDefaultRoute = (routes: readonly CniRoute[], family: 4 | 6): boolean =>
  routes.some(({ dst, gw }) => gw !== undefined && dst === defaultDestination(family));
