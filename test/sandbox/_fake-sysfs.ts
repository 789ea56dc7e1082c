/**
 * A sysfs with one PCI network card, in a temporary directory, and what the kernel does when attributes are written.
 *
 *     bus/pci/devices/0000:00:03.0/{driver ─► …/drivers/virtio-pci, vendor, device}
 *     bus/pci/drivers/virtio-pci/{bind,unbind}   bus/pci/drivers/vfio-pci/{new_id,remove_id,bind,unbind}
 */

import { existsSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';

import type { ExecutionContext } from 'ava';

import { type AttributeWriter, writeAttribute } from '../../sandbox/network/pci-device.ts';

/** The card's address. */
export const BDF = '0000:00:03.0';
/** Its vendor and device. */
export const VENDOR_DEVICE = '0x1af4 0x1041';

/** The tree and what was written to it. */
export interface FakeSysfs {
  readonly root: string;
  /** `TEXT > PATH`, below bus/pci, in order. */
  readonly writes: string[];
  readonly writer: AttributeWriter;
  /** Driver that is bound to the card now. */
  driver(): string | undefined;
}

/** What is different from a kernel with VFIO. */
export interface FakeSysfsOptions {
  readonly hasVfio?: boolean;
  /** The id is there: somebody else's sandbox uses such a card. */
  readonly hasId?: boolean;
  /** A new id binds devices that have no driver, as Linux does. */
  readonly bindsByNewId?: boolean;
  /** Fails a write with an errno, by its text in `writes`. */
  readonly failing?: ReadonlyMap<string, string>;
}

/** Makes the tree; it goes with the test. */
export function makeSysfs(t: ExecutionContext, options: FakeSysfsOptions = {}): FakeSysfs {
  const root = mkdtempSync(join(tmpdir(), 'linkpoint-sysfs-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  const pci = join(root, 'bus/pci');
  const device = join(pci, 'devices', BDF);
  mkdirSync(device, { recursive: true });
  writeFileSync(join(device, 'vendor'), '0x1af4\n');
  writeFileSync(join(device, 'device'), '0x1041\n');
  makeDriver(join(pci, 'drivers/virtio-pci'), ['bind', 'unbind']);
  if (options.hasVfio !== false) makeDriver(join(pci, 'drivers/vfio-pci'), ['new_id', 'remove_id', 'bind', 'unbind']);
  const kernel = new FakeKernel(pci, options);
  kernel.bind('virtio-pci');
  const writer: AttributeWriter = (path, text) => kernel.write(path, text);
  return { root, writes: kernel.writes, writer, driver: () => kernel.driver() };
}

function makeDriver(directory: string, attributes: readonly string[]): void {
  mkdirSync(directory, { recursive: true });
  for (const attribute of attributes) writeFileSync(join(directory, attribute), '');
}

class FakeKernel {
  readonly writes: string[] = [];
  readonly #pci: string;
  readonly #link: string;
  readonly #options: FakeSysfsOptions;
  #hasId: boolean;

  constructor(pci: string, options: FakeSysfsOptions) {
    this.#pci = pci;
    this.#link = join(pci, 'devices', BDF, 'driver');
    this.#options = options;
    this.#hasId = options.hasId ?? false;
  }

  driver(): string | undefined {
    return existsSync(this.#link) ? basename(readlinkSync(this.#link)) : undefined;
  }

  bind(driver: string): void {
    symlinkSync(join('../../drivers', driver), this.#link);
  }

  write(path: string, text: string): void {
    const write = `${text} > ${relative(this.#pci, path)}`;
    const failure = this.#options.failing?.get(write);
    if (failure !== undefined) fail(failure);
    writeAttribute(path, text); // the file must be there
    this.writes.push(write);
    this.#act(basename(path), basename(dirname(path)));
  }

  #act(attribute: string, driver: string): void {
    if (attribute === 'unbind') rmSync(this.#link);
    else if (attribute === 'bind') this.#bindByWrite(driver);
    else if (attribute === 'new_id') this.#addId(driver);
    else if (!this.#hasId) fail('ENODEV');
    else this.#hasId = false;
  }

  #addId(driver: string): void {
    if (this.#hasId) fail('EEXIST');
    this.#hasId = true;
    if (this.#options.bindsByNewId === true && this.driver() === undefined) this.bind(driver);
  }

  #bindByWrite(driver: string): void {
    if (this.driver() !== undefined) fail('EBUSY');
    this.bind(driver);
  }
}

/** As node:fs does when write(2) fails. */
function fail(code: string): never {
  const errno = { ENODEV: -19, EEXIST: -17, EBUSY: -16, EINVAL: -22, EACCES: -13 }[code] ?? -5;
  throw Object.assign(new Error(`${code}: write`), { code, errno, syscall: 'write' });
}
