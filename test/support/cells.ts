/** The tests of the matrix: one for each cell that moves packets, one for each mode that a device has not. */

import type { ExecutionContext } from 'ava';

import type { DispatchMode } from '../../dispatch/link-dispatcher.ts';
import { type FdBasedEndpoint, openFdBased } from '../../link/fd-based.ts';
import { constants, ERRNO, MessageTable, trySetOption } from '../../native/index.ts';
import { type Device, openDevice } from './device.ts';
import { Ledger } from './ledger.ts';
import { cellsOf, cellTitle, DEVICES, MODES, obstacleOf, PACKETS, refusalTitle } from './matrix.ts';
import type { Cell, DeviceKind, DeviceSpec, Obstacle } from './matrix.ts';
import { type Link, moveIn, moveOut } from './mover.ts';
import type { NumberedData } from './numbered-dispatcher.ts';
import { OWN } from './peer.ts';

const MODULE = new URL('./numbered-dispatcher.js', import.meta.url);

/** Registers tests, as `test` of AVA does. */
interface SerialTest {
  readonly serial: (title: string, run: (t: ExecutionContext) => Promise<void>) => void;
}

/** Registers the tests of all devices of a kind. They share two cores with their workers: one at a time. */
export function testDevices(test: SerialTest, kind: DeviceKind): void {
  for (const spec of DEVICES.filter((each) => each.kind === kind)) {
    for (const cell of cellsOf(spec)) test.serial(cellTitle(cell), (t) => moveCell(t, cell));
    for (const mode of MODES) {
      const obstacle = obstacleOf(spec, mode);
      if (obstacle !== null) test.serial(refusalTitle(spec, mode), (t) => checkRefusal(t, spec, mode, obstacle));
    }
  }
}

async function moveCell(t: ExecutionContext, cell: Cell): Promise<void> {
  const { direction, run } = cell;
  const device = openDevice(t, cell.device);
  const endpoint = await openEndpoint(cell, device);
  const lanes = direction === 'tx' && run === 'worker' ? device.fds.length : 1;
  const ledger = new Ledger({ total: PACKETS, lanes, offloads: cell.device.vnetHeaderBytes > 0 });
  try {
    t.is(endpoint.dispatchMode, cell.mode);
    await move(cell, { endpoint, peer: device.peer, window: device.window }, ledger);
  } finally {
    endpoint.close();
    await endpoint.wait();
    device.close();
  }
  const { statistics } = endpoint;
  const lost = { kernelDrops: statistics.get('kernelDrops'), queueFull: statistics.get('queue-full') };
  const nothing = { corrupt: 0, duplicate: 0, kernelDrops: 0, queueFull: 0 };
  t.deepEqual({ ...ledger.result, ...lost }, { arrived: PACKETS, ...nothing });
  t.is(statistics.get('receivedPackets'), statistics.get('deliveredPackets') + statistics.inboundDrops);
  t.true(statistics.get(direction === 'rx' ? 'deliveredPackets' : 'transmittedPackets') >= PACKETS);
  if (direction !== 'rx' || run !== 'worker') return;
  for (const reader of device.fds.keys()) t.true(ledger.readBy(reader) > 0, `fd number ${reader} got frames`);
}

function openEndpoint({ mode: dispatchMode, run, device: spec }: Cell, device: Device): Promise<FdBasedEndpoint> {
  const { vnetHeaderBytes, kind } = spec;
  return openFdBased({
    fds: device.fds,
    dispatchMode,
    run,
    ...(device.ethernet ? { linkAddress: OWN } : {}),
    ...(kind === 'seqpacket' || kind === 'dgram' ? { vnetHeaderBytes } : {}), // elsewhere the kernel knows
  });
}

/** In workers, the dispatcher of numbered-dispatcher.ts enters or sends, a lane each. */
async function move(cell: Cell, link: Link & { endpoint: FdBasedEndpoint }, ledger: Ledger): Promise<void> {
  const { direction, run } = cell;
  const { lanes } = ledger.data;
  const sending = direction === 'tx' ? { window: Math.floor(link.window / lanes) } : {};
  const data: NumberedData = { ledger: ledger.data, ...sending };
  const elsewhere = run === 'worker' ? (): void => link.endpoint.attach({ module: MODULE, data }) : null;
  if (direction === 'tx') await moveOut(link, ledger, elsewhere);
  else await moveIn(link, ledger, elsewhere);
}

/** The typed error of the endpoint, and the errno that the kernel has for whoever asks it directly. */
async function checkRefusal(
  t: ExecutionContext,
  spec: DeviceSpec,
  mode: DispatchMode,
  obstacle: Obstacle,
): Promise<void> {
  const device = openDevice(t, spec);
  const [fd] = device.fds as [number];
  try {
    await t.throwsAsync(openFdBased({ fds: device.fds, dispatchMode: mode }), { code: obstacle.code });
    t.is(mode === 'recvmmsg' ? receiveOnce(fd) : askForRing(fd), -ERRNO[obstacle.errno]);
  } finally {
    device.close();
  }
}

function receiveOnce(fd: number): number {
  using table = new MessageTable(1, 1);
  return table.receive(fd, 0, 1, constants.MSG_DONTWAIT);
}

const askForRing = (fd: number): number => -trySetOption(fd, constants.SOL_PACKET, constants.PACKET_RX_RING, 0);
