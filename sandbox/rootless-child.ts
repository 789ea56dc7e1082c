/**
 * The process of a rootless namespace: it was started in a user and a network namespace of its own, where it has every
 * right, opens what its parent asks for, and passes the descriptors. It keeps none of them. It goes with its parent,
 * whatever ends that: it notices the closed socket.
 */

import { asError, LinkpointError, SystemError } from '../errors.ts';
import type { DeviceFds } from '../link/device.ts';
import { openPacketSocket, type PacketSocketDevice } from '../link/open-packet-socket.ts';
import { openTap, openTun, type TunDevice } from '../link/open-tun.ts';
import { closeFd, netlinkSocket, openNamespace } from '../native/index.ts';
import { listenToParent } from './child.ts';
import type { MessageSocket } from './message-socket.ts';
import { openDeviceHere } from './namespace-device.ts';
import type {
  FailureMessage,
  PacketProperties,
  RootlessReply,
  RootlessRequest,
  TunProperties,
} from './rootless-messages.ts';

type Parent = MessageSocket<RootlessRequest, RootlessReply>;

/** Runs the process. */
export function runRootlessChild(): void {
  const parent: Parent = listenToParent<RootlessRequest, RootlessReply>(
    (request) => {
      try {
        answer(parent, request);
      } catch (error) {
        parent.send(failure(error));
      }
    },
    () => undefined,
  );
  sendFd(parent, { kind: 'ready' }, openNamespace());
}

function answer(parent: Parent, request: RootlessRequest): void {
  switch (request.kind) {
    case 'netlink': {
      const { groups } = request;
      const fd = groups === undefined ? netlinkSocket.openNetlink() : netlinkSocket.openNetlinkGroups(groups);
      sendFd(parent, { kind: 'netlink' }, fd);
      return;
    }
    case 'tun': {
      const device = (request.mode === 'tap' ? openTap : openTun)(request.options);
      sendDevice(parent, { kind: 'tun', properties: tunProperties(device) }, device);
      return;
    }
    case 'packet': {
      const device = openPacketSocket(request.options);
      sendDevice(parent, { kind: 'packet', properties: packetProperties(device) }, device);
      return;
    }
    case 'device': {
      const { kind, name, refused, device } = openDeviceHere(request.options);
      const base = { name, refused };
      const message =
        kind === 'tap'
          ? { ...base, kind, properties: tunProperties(device as TunDevice) }
          : { ...base, kind, properties: packetProperties(device as PacketSocketDevice) };
      sendDevice(parent, { kind: 'device', device: message }, device);
    }
  }
}

function sendFd(parent: Parent, reply: RootlessReply, fd: number): void {
  try {
    parent.send(reply, [fd]);
  } finally {
    closeFd(fd);
  }
}

function sendDevice(parent: Parent, reply: RootlessReply, device: DeviceFds): void {
  try {
    parent.send(reply, device.fds);
  } finally {
    device.close();
  }
}

const tunProperties = ({ name, mode, vnetHeaderBytes, offloads }: TunDevice): TunProperties => ({
  name,
  mode,
  vnetHeaderBytes,
  offloads,
});

const packetProperties = (device: PacketSocketDevice): PacketProperties => {
  const { name, interfaceIndex, mode, vnetHeaderBytes } = device;
  return { name, interfaceIndex, mode, vnetHeaderBytes };
};

function failure(thrown: unknown): FailureMessage {
  const error = asError(thrown);
  const code = error instanceof LinkpointError ? error.code : 'ERR_CHILD';
  const call = error instanceof SystemError ? { errno: error.errno, syscall: error.syscall } : {};
  return { kind: 'failure', code, message: error.message, ...call };
}
