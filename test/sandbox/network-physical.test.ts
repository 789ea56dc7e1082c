/** The physical endpoint against a sysfs in a temporary directory that behaves as the kernel's. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import {
  type DeviceSink,
  isPciAddress,
  PciBus,
  PhysicalEndpoint,
  type PhysicalState,
  type SinkPci,
} from '../../sandbox/index.ts';
import { isDriverName, isVendorDeviceId, writeAttribute } from '../../sandbox/network/pci-device.ts';
import { BDF, type FakeSysfs, type FakeSysfsOptions, makeSysfs, VENDOR_DEVICE } from './_fake-sysfs.ts';

const TO_VFIO = [
  `${BDF} > devices/${BDF}/driver/unbind`,
  `${VENDOR_DEVICE} > drivers/vfio-pci/new_id`,
  `${BDF} > drivers/vfio-pci/bind`,
];
const BACK = [
  `${BDF} > devices/${BDF}/driver/unbind`,
  `${VENDOR_DEVICE} > drivers/vfio-pci/remove_id`,
  `${BDF} > drivers/virtio-pci/bind`,
];
const STATE: PhysicalState = {
  ...{ type: 'physical', name: 'eth0', hardwareAddress: '02:00:00:00:00:01' },
  ...{ bdf: BDF, driver: 'virtio-pci', vendorDeviceId: VENDOR_DEVICE, undo: [] },
};

interface Card {
  readonly sysfs: FakeSysfs;
  readonly endpoint: PhysicalEndpoint;
  readonly steps: string[];
}

function makeCard(t: ExecutionContext, options: FakeSysfsOptions & { failStep?: number } = {}): Card {
  const sysfs = makeSysfs(t, options);
  const steps: string[] = [];
  const onStep = (number: number, name: string): void => {
    if (number === options.failStep) throw new Error(`step ${number} fails`);
    steps.push(name);
  };
  return { sysfs, steps, endpoint: new PhysicalEndpoint({ sysfs: sysfs.root, onStep }, STATE, sysfs.writer) };
}

interface PciSink extends DeviceSink {
  readonly devices: SinkPci[];
}

/** @param released called when the card is let go of */
function pciSink(released: () => void = () => undefined, failure?: Error): PciSink {
  const devices: SinkPci[] = [];
  const refuse = (): Promise<never> => Promise.reject(new Error('This sink takes PCI devices only'));
  const addPci = async (device: SinkPci): Promise<() => Promise<void>> => {
    if (failure !== undefined) throw failure;
    devices.push(device);
    return async () => released();
  };
  return { devices, addPci, addTap: refuse, addVhostUser: refuse };
}

test('a PCI address is told by its pattern, row 19: not by its number of colons', (t) => {
  for (const text of [BDF, '10000:e1:1f.7', '0000:FF:00.0']) t.true(isPciAddress(text), text);
  const others = ['usb-0000:00:14.0-1', '', 'N/A', 'a:b:c', '0000:00:03.8', '0000:00:23.0', '00:03.0'];
  for (const text of [...others, `${BDF}\n`, `../${BDF}`]) t.false(isPciAddress(text), text);
});

test('what becomes a path is a name', (t) => {
  for (const text of ['virtio-pci', 'e1000e', 'mlx5_core', 'i40e.1']) t.true(isDriverName(text), text);
  const paths = ['', '.', '..', '../x', 'a/b', 'a\0', 'a b', '-x', 'virtio-pci\n'];
  for (const text of paths) t.false(isDriverName(text), text);
  for (const text of [VENDOR_DEVICE, '8086 1528']) t.true(isVendorDeviceId(text), text);
  for (const text of ['8086', '8086  1528', `${VENDOR_DEVICE}\n`, '8086 1528 0']) t.false(isVendorDeviceId(text), text);
});

test('attach writes the sequence of Kata, and detach the one back', async (t) => {
  const { sysfs, endpoint, steps } = makeCard(t);
  const sink = pciSink(() => sysfs.writes.push('released'));
  await endpoint.attach(sink);
  t.deepEqual(sysfs.writes, TO_VFIO);
  t.is(steps.length, 4);
  t.is(sysfs.driver(), 'vfio-pci');
  t.true(endpoint.isAttached);
  t.deepEqual(sink.devices, [{ bdf: BDF, driver: 'virtio-pci', linkAddress: '02:00:00:00:00:01' }]);
  await t.throwsAsync(endpoint.attach(sink), { code: 'ERR_ALREADY_ATTACHED' });
  sysfs.writes.length = 0;
  await endpoint.detach();
  await endpoint.detach();
  t.deepEqual(sysfs.writes, ['released', ...BACK], 'the sink lets go first');
  t.is(sysfs.driver(), 'virtio-pci');
  t.false(endpoint.isAttached);
  await endpoint.attach(sink);
  t.is(sysfs.driver(), 'vfio-pci');
});

for (let failStep = 1; failStep <= 4; failStep++) {
  test(`when step ${failStep} of attach fails, the host's driver has the card again`, async (t) => {
    const { sysfs, endpoint } = makeCard(t, { failStep });
    await t.throwsAsync(endpoint.attach(pciSink()), { message: `step ${failStep} fails` });
    t.deepEqual(sysfs.writes, [...TO_VFIO.slice(0, failStep - 1), ...BACK.slice(4 - failStep)]);
    t.is(sysfs.driver(), 'virtio-pci');
    t.false(endpoint.isAttached);
  });
}

test('when the sink refuses the card, the host\'s driver has it again', async (t) => {
  const { sysfs, endpoint } = makeCard(t);
  await t.throwsAsync(endpoint.attach(pciSink(() => undefined, new Error('refused'))), { message: 'refused' });
  t.deepEqual(sysfs.writes, [...TO_VFIO, ...BACK]);
});

test('an id that VFIO has already is somebody else\'s: used, and left', async (t) => {
  const { sysfs, endpoint } = makeCard(t, { hasId: true });
  await endpoint.attach(pciSink());
  t.is(sysfs.driver(), 'vfio-pci');
  await endpoint.detach();
  t.false(sysfs.writes.includes(BACK[1]!));
  t.is(sysfs.driver(), 'virtio-pci');
});

test('a card that a new id has bound already is no error', async (t) => {
  const { sysfs, endpoint } = makeCard(t, { bindsByNewId: true });
  await endpoint.attach(pciSink());
  t.is(sysfs.driver(), 'vfio-pci');
  await endpoint.detach();
  t.is(sysfs.driver(), 'virtio-pci');
});

test('a card that a new id has bound goes back, also when the next step fails', async (t) => {
  const { sysfs, endpoint } = makeCard(t, { bindsByNewId: true, failStep: 3 });
  await t.throwsAsync(endpoint.attach(pciSink()));
  t.is(sysfs.driver(), 'virtio-pci');
});

test('without vfio-pci the error says so, and the card stays with its driver', async (t) => {
  const { sysfs, endpoint } = makeCard(t, { hasVfio: false });
  const error = await t.throwsAsync(endpoint.attach(pciSink()), { code: 'ERR_NO_VFIO' });
  t.regex(error!.message, /Cannot give PCI device "0000:00:03.0" to VFIO: .* is not there; load the module vfio-pci/);
  t.deepEqual(sysfs.writes, []);
  t.is(sysfs.driver(), 'virtio-pci');
});

test('a refused write is a SystemError with the path, and everything before it is taken back', async (t) => {
  const { sysfs, endpoint } = makeCard(t, { failing: new Map([[TO_VFIO[2]!, 'EINVAL']]) });
  const error = await t.throwsAsync(endpoint.attach(pciSink()), { code: 'EINVAL', name: 'SystemError' });
  t.regex(error!.message, /Cannot write "0000:00:03.0" to ".*\/drivers\/vfio-pci\/bind": write failed with EINVAL/);
  t.is(sysfs.driver(), 'virtio-pci');
});

test('another process detaches by what was written down', async (t) => {
  const { sysfs, endpoint } = makeCard(t);
  await endpoint.attach(pciSink());
  const state = JSON.parse(JSON.stringify(endpoint)) as PhysicalState;
  sysfs.writes.length = 0;
  const again = new PhysicalEndpoint({ sysfs: sysfs.root, onStep: () => undefined }, state, sysfs.writer);
  t.true(again.isAttached);
  await again.detach();
  t.deepEqual(sysfs.writes, BACK);
});

test('taking back is harmless when there is nothing left of it', (t) => {
  const sysfs = makeSysfs(t);
  const bus = new PciBus(sysfs.root, sysfs.writer);
  bus.undo({ undo: 'pci-remove-id', driver: 'vfio-pci', vendorDeviceId: VENDOR_DEVICE });
  bus.undo({ undo: 'pci-bind', bdf: BDF, driver: 'virtio-pci' });
  bus.undo({ undo: 'pci-bind', bdf: '0000:00:04.0', driver: 'virtio-pci' });
  bus.undo({ undo: 'pci-unbind', bdf: '0000:00:04.0', driver: 'vfio-pci' });
  t.is(sysfs.driver(), 'virtio-pci');
});

test('a device is read from sysfs; values that would lead elsewhere are refused', (t) => {
  const bus = new PciBus(makeSysfs(t).root);
  t.deepEqual(bus.read(BDF), { bdf: BDF, driver: 'virtio-pci', vendorDeviceId: VENDOR_DEVICE });
  t.throws(() => bus.read('../../../etc'), { code: 'ERR_INVALID_OPTION', message: /is not a PCI address/ });
  t.throws(() => bus.read('0000:00:04.0'), { code: 'ERR_NO_DRIVER', message: /is not there/ });
  t.throws(() => bus.undo({ undo: 'pci-bind', bdf: BDF, driver: '../../x' }), { code: 'ERR_INVALID_OPTION' });
  t.throws(() => bus.undo({ undo: 'pci-remove-id', driver: '../x', vendorDeviceId: VENDOR_DEVICE }), {
    code: 'ERR_INVALID_OPTION',
  });
});

test('an attribute is written in place and never made', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'linkpoint-attribute-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'bind');
  t.throws(() => writeAttribute(path, BDF), { code: 'ENOENT' });
  t.false(existsSync(path));
  writeFileSync(path, 'x'.repeat(20));
  writeAttribute(path, BDF);
  t.is(readFileSync(path, 'utf8'), BDF + 'x'.repeat(20 - BDF.length), 'nothing is cut off');
});
