/**
 * The shapes that a result has in the versions of the specification, written from the internal one.
 *
 *     0.1, 0.2     { ip4: { ip, gateway, routes }, ip6: { … }, dns }          one address a family, no interfaces
 *     0.3, 0.4     { interfaces, ips: [{ version, interface, address, gateway }], routes, dns }
 *     1.0          the same without ips[].version
 *     1.1          with mtu, socketPath, pciID of interfaces; mtu, advmss, priority, table, scope of routes
 *
 * Members come in the order in which the reference prints them; empty lists are left out, `dns` never is.
 */

import type { JsonObject } from './json.ts';
import type { CniInterface, CniIp, CniResult, CniRoute } from './types.ts';
import { isAtLeast } from './version.ts';

/** The result as JSON of this version. @throws Error `cannot convert: …` where the shape has no room for it */
export function shapeResult(result: CniResult, version: string): JsonObject {
  return isAtLeast(version, '0.3.0') ? shapeWithInterfaces(result, version) : shapeByFamily(result, version);
}

function shapeWithInterfaces(result: CniResult, version: string): JsonObject {
  const isNewest = isAtLeast(version, '1.1.0');
  const hasFamily = !isAtLeast(version, '1.0.0');
  return compact({
    cniVersion: version,
    interfaces: result.interfaces.map((each) => shapeInterface(each, isNewest)),
    ips: result.ips.map((ip) => ({ ...(hasFamily ? { version: familyOf(ip.address) } : {}), ...shapeIp(ip) })),
    routes: result.routes.map((route) => shapeRoute(route, isNewest)),
    dns: shapeDns(result),
  });
}

/** One address a family: the first of each, with the routes of that family. */
function shapeByFamily(result: CniResult, version: string): JsonObject {
  const half = (family: '4' | '6'): JsonObject | undefined => {
    const first = result.ips.find((ip) => familyOf(ip.address) === family);
    if (first === undefined) return undefined;
    const routes = result.routes.filter(({ dst }) => familyOf(dst) === family).map((route) => shapeRoute(route, false));
    return compact({ ip: first.address, gateway: first.gateway, routes });
  };
  const shaped = compact({ cniVersion: version, ip4: half('4'), ip6: half('6'), dns: shapeDns(result) });
  if (shaped['ip4'] === undefined && shaped['ip6'] === undefined) {
    throw new Error('cannot convert: no valid IP addresses');
  }
  return shaped;
}

const shapeInterface = ({ name, mac, mtu, sandbox, socketPath, pciID }: CniInterface, isNewest: boolean): JsonObject =>
  compact(isNewest ? { name, mac, mtu, sandbox, socketPath, pciID } : { name, mac, sandbox });

const shapeIp = (ip: CniIp): JsonObject =>
  compact({ interface: ip.interface, address: ip.address, gateway: ip.gateway });

const shapeRoute = ({ dst, gw, mtu, advmss, priority, table, scope }: CniRoute, isNewest: boolean): JsonObject =>
  compact(isNewest ? { dst, gw, mtu, advmss, priority, table, scope } : { dst, gw });

const shapeDns = ({ dns: { nameservers, domain, search, options } }: CniResult): JsonObject =>
  compact({ nameservers, domain, search, options });

/** `4` or `6`, as the versions before 1.0 print it. */
const familyOf = (address: string): '4' | '6' => (address.includes(':') ? '6' : '4');

/** Without what is absent or empty: the protocol leaves those out. */
function compact(members: JsonObject): JsonObject {
  const isEmpty = (value: unknown): boolean =>
    value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(members).filter(([, value]) => !isEmpty(value)));
}
