/**
 * Settings of interfaces: /proc/sys/net/FAMILY/conf/INTERFACE/NAME, ip-sysctl.rst of the kernel's documentation.
 *
 * The interface is one component of the path, so its dots stay dots ("eth0.5"), and what would be more than one
 * component ("..", "a/b") is refused: names come from configuration. procfs shows the namespace of the thread that
 * asks.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { InvalidOptionError } from '../errors.ts';
import { checkInterfaceName } from '../native/interface-name.ts';

const ROOT = '/proc/sys/net';
/** Directories of conf/ that are no interface. */
const RESERVED = ['all', 'default'];

/** A setting of an interface. */
export interface InterfaceSetting {
  readonly family: 'ipv4' | 'ipv6';
  readonly name: string;
  /** `accept_ra` */
  readonly setting: string;
}

/** Path of a setting. @throws InvalidOptionError when the name is that of no interface */
export function interfaceSettingPath({ family, name, setting }: InterfaceSetting): string {
  const action = `Cannot use the setting "${setting}" of interface "${name}"`;
  checkInterfaceName(action, name);
  if (RESERVED.includes(name)) {
    throw new InvalidOptionError(`${action}: the name stands for other interfaces; take another`);
  }
  if (!/^[a-z0-9_]+$/.test(setting)) {
    throw new InvalidOptionError(`${action}: small letters, digits and "_" are required`);
  }
  return join(ROOT, family, 'conf', name, setting);
}

/** Reads a setting, without the end of the line. @throws InvalidOptionError and what node:fs throws */
export const readInterfaceSetting = (setting: InterfaceSetting): string =>
  readFileSync(interfaceSettingPath(setting), 'utf8').trimEnd();

/** Writes a setting. @throws InvalidOptionError and what node:fs throws */
export function writeInterfaceSetting(setting: InterfaceSetting, value: string): void {
  writeFileSync(interfaceSettingPath(setting), value);
}

/** Writes a setting that a kernel may lack or a sandbox may refuse: it stays then. @throws InvalidOptionError */
export function tryWriteInterfaceSetting(setting: InterfaceSetting, value: string): void {
  const path = interfaceSettingPath(setting);
  try {
    writeFileSync(path, value);
  } catch {
    // Without IPv6, for example, there is nothing to set.
  }
}

const FORWARDING = { 4: `${ROOT}/ipv4/ip_forward`, 6: `${ROOT}/ipv6/conf/all/forwarding` } as const;

/**
 * Lets the machine forward packets of a family. Writes only where it has to: the file may be read-only and right.
 * @returns what puts it back
 * @throws what node:fs throws
 */
export function enableForwarding(family: 4 | 6): () => void {
  const path = FORWARDING[family];
  const before = readFileSync(path, 'utf8').trim();
  if (before === '1') return () => undefined;
  writeFileSync(path, '1');
  return () => writeFileSync(path, before);
}
