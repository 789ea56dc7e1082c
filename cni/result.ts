/**
 * Results of ADD, in and out: any version of the specification becomes the internal shape (version 1.1) and that
 * becomes any version. The shapes are drawn in result-shapes.ts.
 */

import { formatIp } from '../header/ip-text.ts';
import { formatCidr, parseAddress, parseCidr } from './addresses.ts';
import {
  decodeJson,
  integerAt,
  isJsonObject,
  type JsonObject,
  nameStruct,
  objectAt,
  objectsAt,
  stringAt,
  stringsAt,
  valueAt,
} from './json.ts';
import { shapeResult } from './result-shapes.ts';
import type { CniDns, CniInterface, CniIp, CniResult, CniRoute } from './types.ts';
import { CNI_VERSIONS, isAtLeast } from './version.ts';

/** A result that says nothing. */
export const EMPTY_RESULT: CniResult = { interfaces: [], ips: [], routes: [], dns: {} };

/**
 * Gives a result the shape of a version.
 *
 * @throws Error `unsupported CNI result version …`, or `cannot convert: no valid IP addresses`: 0.1 and 0.2 cannot
 *   say that there is an interface without an address
 */
export function convertResult(result: CniResult, version: string): JsonObject {
  requireVersion(version);
  return shapeResult(result, version);
}

/** As {@link convertResult}, as the text that ADD prints: four spaces, no newline at the end. */
export const printResult = (result: CniResult, version: string): string =>
  JSON.stringify(convertResult(result, version), null, 4);

/**
 * Reads a result of any version; addresses are checked and brought into one form.
 *
 * @param json what a plugin printed, or the decoded object: a `prevResult`
 * @param version of a result that does not say its own
 * @throws Error on an unknown version, on JSON that is no object, on members of the wrong kind
 */
export function parseResult(json: string | JsonObject, version: string): CniResult {
  const value = typeof json === 'string' ? decodeResult(json) : json;
  if (!isJsonObject(value)) throw new TypeError('cannot read the result: it is no JSON object');
  const own = stringAt(nameStruct(value, 'Result'), 'cniVersion') ?? '';
  const shape = own === '' ? version : own;
  requireVersion(shape);
  return isAtLeast(shape, '0.3.0') ? parseWithInterfaces(value) : parseByFamily(value);
}

/**
 * The result of the plugin before, which the runtime passes with the configuration; undefined where it passes none.
 *
 * @throws Error `could not parse prevResult: …`
 */
export function parsePrevResult(config: JsonObject, cniVersion: string): CniResult | undefined {
  try {
    const previous = objectAt(config, 'prevResult');
    if (previous === undefined) return undefined;
    requireShape(stringAt(nameStruct(previous, 'Result'), 'cniVersion') ?? '', cniVersion);
    return parseResult(previous, cniVersion);
  } catch (cause) {
    throw new Error(`could not parse prevResult: ${(cause as Error).message}`, { cause });
  }
}

/** The versions that have a shape in common: a previous result has that of its configuration's version. */
const SHAPES: readonly (readonly string[])[] = [
  ['0.1.0', '0.2.0'],
  ['0.3.0', '0.3.1', '0.4.0'],
  ['1.0.0', '1.1.0'],
];

function requireShape(own: string, cniVersion: string): void {
  const shape = SHAPES.find((versions) => versions.includes(cniVersion)) ?? [];
  if (own === '' || shape.includes(own)) return;
  throw new Error(
    `result type supports [${shape.join(' ')}] but unmarshalled CNIVersion is ${JSON.stringify(own)}`,
  );
}

/** What a plugin printed. @throws Error with the reference's words */
function decodeResult(text: string): unknown {
  try {
    return decodeJson(text);
  } catch (cause) {
    throw new Error(`failed to unmarshal raw result: ${(cause as Error).message}`, { cause });
  }
}

function requireVersion(version: string): void {
  if (CNI_VERSIONS.includes(version)) return;
  throw new Error(`unsupported CNI result version ${JSON.stringify(version)}`);
}

function parseWithInterfaces(value: JsonObject): CniResult {
  return {
    interfaces: objectsAt(value, 'interfaces', 'types100.Interface').map(parseInterface),
    ips: objectsAt(value, 'ips', 'types100.IPConfig').map(parseIpConfig),
    routes: objectsAt(value, 'routes', 'types.Route').map(parseRoute),
    dns: parseDns(value),
  };
}

/** Routes of 0.1 and 0.2 belong to a family; who configures them gives them its gateway where they have none. */
function parseByFamily(value: JsonObject): CniResult {
  const halves = ['ip4', 'ip6'].map((key) => objectAt(value, key)).filter((half) => half !== undefined);
  return {
    interfaces: [],
    ips: halves.map((half) => parseIpConfig({ address: valueAt(half, 'ip'), gateway: valueAt(half, 'gateway') })),
    routes: halves.flatMap((half) => objectsAt(half, 'routes', 'types.Route').map(parseRoute)),
    dns: parseDns(value),
  };
}

function parseInterface(value: JsonObject): CniInterface {
  return defined({
    name: stringAt(value, 'name') ?? '',
    mac: stringAt(value, 'mac'),
    mtu: integerAt(value, 'mtu'),
    sandbox: stringAt(value, 'sandbox'),
    socketPath: stringAt(value, 'socketPath'),
    pciID: stringAt(value, 'pciID'),
  });
}

function parseIpConfig(value: JsonObject): CniIp {
  return defined({
    interface: integerAt(value, 'interface'),
    address: formatCidr(parseCidr(stringAt(value, 'address') ?? '')),
    gateway: optionalAddress(value, 'gateway'),
  });
}

/** Reads a route of a result, or of a configuration. @throws TypeError */
export function parseRoute(value: JsonObject): CniRoute {
  return defined({
    dst: formatCidr(parseCidr(stringAt(value, 'dst') ?? '')),
    gw: optionalAddress(value, 'gw'),
    mtu: integerAt(value, 'mtu'),
    advmss: integerAt(value, 'advmss'),
    priority: integerAt(value, 'priority'),
    table: integerAt(value, 'table'),
    scope: integerAt(value, 'scope'),
  });
}

/** Reads the `dns` of a result, or of a configuration. @throws TypeError */
export function parseDns(from: JsonObject): CniDns {
  const value = objectAt(from, 'dns') ?? {};
  return {
    nameservers: stringsAt(value, 'nameservers'),
    domain: stringAt(value, 'domain') ?? '',
    search: stringsAt(value, 'search'),
    options: stringsAt(value, 'options'),
  };
}

function optionalAddress(value: JsonObject, key: string): string | undefined {
  const text = stringAt(value, key) ?? '';
  return text === '' ? undefined : formatIp(parseAddress(text));
}

/** An object without the members that are undefined: the types say that these are absent. */
function defined<T extends object>(members: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;
}
