/**
 * A network card of the host, handed over whole: its PCI device goes from the host's driver to VFIO, and at detach
 * back.
 *
 * When the driver has it back it makes a new interface, in the host's namespace, without the old one's settings.
 */

import { attachOrUnwind } from './all-or-nothing.ts';
import type { DeviceSink } from './device-sink.ts';
import type { Endpoint, EndpointProperties, NetworkScope } from './endpoint.ts';
import { type AttributeWriter, PciBus, type PciDevice } from './pci-device.ts';
import { type StepObserver, UndoStack } from './undo.ts';
import type { PciUndo } from './undo-steps.ts';
import { alreadyAttached } from './wiring.ts';

/** A physical endpoint as plain data. */
export interface PhysicalState extends PciDevice {
  readonly type: 'physical';
  /** Name of its interface. */
  readonly name: string;
  /** `02:00:00:00:00:01`. */
  readonly hardwareAddress: string;
  readonly properties?: EndpointProperties;
  /** What attach has done, first step first. */
  readonly undo: readonly PciUndo[];
}

/** A PCI network card. */
export class PhysicalEndpoint implements Endpoint {
  readonly type = 'physical';
  readonly name: string;
  readonly hardwareAddress: string;
  properties: EndpointProperties | undefined;
  /** The device and the driver that it was taken from. */
  readonly device: PciDevice;
  readonly #bus: PciBus;
  readonly #onStep: StepObserver;
  #stack: UndoStack<PciUndo>;

  /** @param writer of sysfs; tests give another */
  constructor(scope: Pick<NetworkScope, 'sysfs' | 'onStep'>, state: PhysicalState, writer?: AttributeWriter) {
    this.name = state.name;
    this.hardwareAddress = state.hardwareAddress;
    this.properties = state.properties;
    this.device = { bdf: state.bdf, driver: state.driver, vendorDeviceId: state.vendorDeviceId };
    this.#bus = new PciBus(scope.sysfs, writer);
    this.#onStep = scope.onStep;
    this.#stack = this.#newStack(state.undo);
  }

  get isAttached(): boolean {
    return !this.#stack.isEmpty;
  }

  /** @throws LinkpointError ERR_NO_VFIO, ERR_ALREADY_ATTACHED; SystemError; what the sink throws */
  async attach(sink: DeviceSink): Promise<void> {
    if (this.isAttached) throw alreadyAttached(this.name);
    this.#stack = this.#newStack();
    const { bdf, driver } = this.device;
    await attachOrUnwind(this.#stack, async () => {
      this.#bus.giveToVfio(this.#stack, this.device);
      const device = { bdf, driver, linkAddress: this.hardwareAddress };
      await this.#stack.live(`hand ${bdf} to the sink`, () => sink.addPci(device), (release) => release());
    });
  }

  async detach(): Promise<void> {
    await this.#stack.unwind();
  }

  toJSON(): PhysicalState {
    const { type, name, hardwareAddress, properties, device } = this;
    const optional = properties === undefined ? {} : { properties };
    return { type, name, hardwareAddress, ...device, ...optional, undo: this.#stack.recorded };
  }

  #newStack(recorded: readonly PciUndo[] = []): UndoStack<PciUndo> {
    return new UndoStack((step) => this.#bus.undo(step), this.#onStep, recorded);
  }
}
