/** Fd-based endpoints over devices, for the compliance suite; each case has a namespace of its own. */

import test from 'ava';

import { openFdBased } from '../../link/fd-based.ts';
import type { FdBasedOptions } from '../../link/fd-based-options.ts';
import { openPacketSocket } from '../../link/open-packet-socket.ts';
import { closeFd, createNetworkNamespace } from '../../native/index.ts';
import { type ExpectedProperties, linkEndpointCompliance } from '../../testing/index.ts';
import type { LinkEndpointFeatures, LinkEndpointFixture } from '../../testing/index.ts';
import { closeAll } from '../compliance/_fd-based-fixtures.ts';
import { PeerSocket } from '../compliance/_sockets.ts';
import type { RegisterTest } from './_rights.ts';

/** A device in a namespace, and the interface at its other side. */
export interface DeviceUnderTest {
  readonly fds: readonly number[];
  readonly peerInterface: string;
  close(): void;
}

/** Nothing that a device answers is a hang-up, and the kernel takes all that is written. */
const DEVICE_FEATURES = { ethernet: true, gso: false, canFill: false, detectsHangup: false, injectable: false };

/** Runs the suite over the device that `open` makes in a namespace; titles begin with `name`, `register` takes them. */
export function runDeviceCompliance(
  name: string,
  open: (namespace: number) => DeviceUnderTest,
  options: Partial<FdBasedOptions>,
  checks: { readonly features?: Partial<LinkEndpointFeatures>; readonly expected: ExpectedProperties },
  register: RegisterTest = test.serial,
): void {
  linkEndpointCompliance({
    features: { ...DEVICE_FEATURES, ...checks.features },
    create: () => deviceFixture(open, options, checks.expected),
    test: (title, run) =>
      register(`${name} ${title}`, async (t) => {
        await run();
        t.pass();
      }),
  });
}

async function deviceFixture(
  open: (namespace: number) => DeviceUnderTest,
  options: Partial<FdBasedOptions>,
  expected: ExpectedProperties,
): Promise<LinkEndpointFixture> {
  const namespace = createNetworkNamespace();
  const device = open(namespace);
  const endpoint = await openFdBased({ ...options, fds: device.fds });
  const { fd } = openPacketSocket({ interfaceName: device.peerInterface, namespace });
  const socket = new PeerSocket(fd);
  const home = { close: () => closeFd(namespace) };
  return {
    endpoint,
    peer: { send: (frame) => socket.write(frame), receive: async () => socket.read() },
    expected,
    cleanup: () => closeAll(endpoint, socket, device, home),
  };
}
