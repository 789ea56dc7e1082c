/**
 * PCI devices in sysfs, and how one is given to VFIO, https://docs.kernel.org/driver-api/vfio.html.
 *
 *     /sys/bus/pci/devices/0000:00:03.0/   driver ─► ../../drivers/virtio-pci     vendor 0x1af4     device 0x1041
 *     /sys/bus/pci/drivers/vfio-pci/       new_id   remove_id   bind   unbind
 *
 *     to VFIO     "0000:00:03.0"  > its driver's unbind       back    "0000:00:03.0"  > its driver's unbind
 *                 "0x1af4 0x1041" > vfio-pci/new_id                   "0x1af4 0x1041" > vfio-pci/remove_id
 *                 "0000:00:03.0"  > vfio-pci/bind                     "0000:00:03.0"  > virtio-pci/bind
 */

import { closeSync, constants, existsSync, openSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';

import { InvalidOptionError, LinkpointError, SystemError } from '../../errors.ts';
import { fromNodeError } from '../../native/errno.ts';
import type { UndoStack } from './undo.ts';
import type { PciUndo } from './undo-steps.ts';

const VFIO_DRIVER = 'vfio-pci';
const RIGHT = 'write access to sysfs (root)';

/** Writes one attribute of sysfs by one write(2). */
export type AttributeWriter = (path: string, text: string) => void;

/** A PCI device, as sysfs has it. */
export interface PciDevice {
  /** Domain, bus, device and function: `0000:00:03.0`. */
  readonly bdf: string;
  /** Driver of the host: `virtio-pci`. Not ethtool's, which may be that of a device behind it: `virtio_net`. */
  readonly driver: string;
  /** `0x1af4 0x1041`. */
  readonly vendorDeviceId: string;
}

/**
 * Whether the text is a PCI address. The bus information of ethtool is one for PCI devices; three parts would not tell:
 * `usb-0000:00:14.0-1` has them, too.
 */
export const isPciAddress = (text: string): boolean => /^[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/i.test(text);

/** Whether the text is a name that a driver may have, and no path. */
export const isDriverName = (text: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(text);

/** Whether the text is a vendor and a device, as sysfs has them. */
export const isVendorDeviceId = (text: string): boolean => /^(?:0x)?[0-9a-f]{4} (?:0x)?[0-9a-f]{4}$/i.test(text);

/** Writes an attribute that is there; never makes a file. @throws the error of node:fs */
export function writeAttribute(path: string, text: string): void {
  const fd = openSync(path, constants.O_WRONLY);
  try {
    writeSync(fd, text);
  } finally {
    closeSync(fd);
  }
}

/** The PCI devices below one sysfs. */
export class PciBus {
  readonly #root: string;
  readonly #writer: AttributeWriter;

  /** @param sysfs where it is mounted */
  constructor(sysfs: string, writer: AttributeWriter = writeAttribute) {
    this.#root = join(sysfs, 'bus/pci');
    this.#writer = writer;
  }

  /** Reads a device. @throws InvalidOptionError; LinkpointError ERR_NO_DRIVER; SystemError ENOENT */
  read(bdf: string): PciDevice {
    const action = `Cannot read PCI device "${bdf}"`;
    const driver = this.driverOf(bdf);
    if (driver === undefined) {
      const state = existsSync(this.#device(bdf)) ? 'no driver is bound to it' : `"${this.#device(bdf)}" is not there`;
      throw new LinkpointError('ERR_NO_DRIVER', `${action}: ${state}`);
    }
    try {
      const [vendor, device] = ['vendor', 'device'].map((name) => readFileSync(this.#device(bdf, name), 'utf8').trim());
      const vendorDeviceId = check(action, `${vendor} ${device}`, isVendorDeviceId, 'vendor and device');
      return { bdf, driver, vendorDeviceId };
    } catch (error) {
      throw fromNodeError(action, error, 'read access to sysfs');
    }
  }

  /** The driver that is bound to a device now, if any. @throws InvalidOptionError */
  driverOf(bdf: string): string | undefined {
    try {
      return basename(readlinkSync(this.#device(bdf, 'driver')));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw fromNodeError(`Cannot read the driver of PCI device "${bdf}"`, error, 'read access to sysfs');
    }
  }

  /** Takes a device from its driver and gives it to VFIO, in steps. @throws LinkpointError ERR_NO_VFIO; SystemError */
  giveToVfio(stack: UndoStack<PciUndo>, { bdf, driver, vendorDeviceId }: PciDevice): void {
    const action = `Cannot give PCI device "${bdf}" to VFIO`;
    check(action, vendorDeviceId, isVendorDeviceId, 'vendor and device');
    if (!existsSync(this.#driver(VFIO_DRIVER))) {
      const state = `"${this.#driver(VFIO_DRIVER)}" is not there; load the module ${VFIO_DRIVER}`;
      throw new LinkpointError('ERR_NO_VFIO', `${action}: ${state}`);
    }
    stack.step(`unbind ${bdf} from ${driver}`, () => this.#unbind(bdf), { undo: 'pci-bind', bdf, driver });
    // An id that is there is somebody else's: it is left to him.
    const addId = (): boolean => this.#write(this.#driver(VFIO_DRIVER, 'new_id'), vendorDeviceId, ['EEXIST']);
    stack.step(`add ${vendorDeviceId} to ${VFIO_DRIVER}`, addId, (isAdded) =>
      isAdded ? { undo: 'pci-remove-id', driver: VFIO_DRIVER, vendorDeviceId } : undefined,
    );
    const undo: PciUndo = { undo: 'pci-unbind', bdf, driver: VFIO_DRIVER };
    stack.step(`bind ${bdf} to ${VFIO_DRIVER}`, () => this.#bind(bdf, VFIO_DRIVER), undo);
  }

  /** Takes one step back; harmless when there is nothing left of it. @throws SystemError */
  undo(step: PciUndo): void {
    switch (step.undo) {
      case 'pci-unbind':
        return this.#unbind(step.bdf);
      case 'pci-remove-id':
        check('Cannot take back an id', step.vendorDeviceId, isVendorDeviceId, 'vendor and device');
        return void this.#write(this.#driver(step.driver, 'remove_id'), step.vendorDeviceId, ['ENODEV', 'ENOENT']);
      case 'pci-bind':
        return this.#giveBack(step.bdf, step.driver);
    }
  }

  #giveBack(bdf: string, driver: string): void {
    if (!existsSync(this.#device(bdf))) return; // unplugged
    // A new id makes the kernel bind every device that has it and no driver: by then it may be VFIO's.
    if (this.driverOf(bdf) === VFIO_DRIVER && driver !== VFIO_DRIVER) this.#unbind(bdf);
    if (this.driverOf(bdf) !== driver) this.#bind(bdf, driver);
  }

  #unbind(bdf: string): void {
    this.#write(this.#device(bdf, 'driver/unbind'), bdf, ['ENOENT', 'ENODEV']);
  }

  /** The kernel refuses what is bound already, by new_id for one; then it must be by this driver. */
  #bind(bdf: string, driver: string): void {
    try {
      this.#write(this.#driver(driver, 'bind'), bdf, []);
    } catch (error) {
      if (!(error instanceof SystemError) || this.driverOf(bdf) !== driver) throw error;
    }
  }

  /** @returns whether it was written, false for one of the errors that are expected */
  #write(path: string, text: string, expected: readonly string[]): boolean {
    try {
      this.#writer(path, text);
      return true;
    } catch (error) {
      if (expected.includes(codeOf(error) ?? '')) return false;
      throw fromNodeError(`Cannot write "${text}" to "${path}"`, error, RIGHT);
    }
  }

  #device(bdf: string, attribute = ''): string {
    check('Cannot find a PCI device', bdf, isPciAddress, 'a PCI address');
    return join(this.#root, 'devices', bdf, attribute);
  }

  #driver(name: string, attribute = ''): string {
    check('Cannot find a PCI driver', name, isDriverName, 'the name of a driver');
    return join(this.#root, 'drivers', name, attribute);
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** What becomes a path must not lead elsewhere. */
function check(action: string, text: string, isValid: (text: string) => boolean, what: string): string {
  if (isValid(text)) return text;
  throw new InvalidOptionError(`${action}: "${text}" is not ${what}`);
}
