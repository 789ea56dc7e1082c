/** Checks of device files: TUN and TAP, vhost, KVM. */


import { closeFd, constants as c, openFd, openTunFd, setTunOffload, type TunOptions } from '../native/index.ts';
import { type Check, NETWORK_RIGHTS } from './probe-check.ts';

/** Opens a TAP, uses it, and closes it: with its last descriptor it vanishes. */
function withTap(options: Partial<TunOptions>, use?: (fd: number, name: string) => void): void {
  const { fd, name } = openTunFd({ mode: 'tap', ...options });
  try {
    use?.(fd, name);
  } finally {
    closeFd(fd);
  }
}

const VNET_HEADER_BYTES = 12;
const ALL_OFFLOADS = c.TUN_F_CSUM | c.TUN_F_TSO4 | c.TUN_F_TSO6;

const tun = {
  place: 'anywhere',
  rightRemedy: `${NETWORK_RIGHTS}, with read and write access to /dev/net/tun`,
  remedy: 'load the module tun (CONFIG_TUN) and give the sandbox the device: mknod /dev/net/tun c 10 200',
} as const;

const openDevice = (path: string) => (): void =>
  closeFd(openFd(`Cannot open ${path}`, path, c.O_RDWR | c.O_CLOEXEC, `read and write access to ${path}`));

/** The checks. */
export const DEVICE_CHECKS: readonly Check[] = [
  { ...tun, name: 'tun', what: 'TUN and TAP interfaces', run: () => withTap({}) },
  {
    ...tun,
    name: 'tap-multi-queue',
    what: 'TAP with several queues',
    run: () =>
      withTap({ multiQueue: true }, (_, name) => closeFd(openTunFd({ mode: 'tap', name, multiQueue: true }).fd)),
  },
  {
    ...tun,
    name: 'tap-vnet-header',
    what: 'TAP with a virtio-net header and TCP offloads',
    run: () => withTap({ vnetHeaderBytes: VNET_HEADER_BYTES }, (fd) => setTunOffload(fd, ALL_OFFLOADS)),
  },
  {
    ...tun,
    name: 'tap-udp-offload',
    what: 'TAP with UDP offloads',
    run: () =>
      withTap({ vnetHeaderBytes: VNET_HEADER_BYTES }, (fd) =>
        setTunOffload(fd, ALL_OFFLOADS | c.TUN_F_USO4 | c.TUN_F_USO6),
      ),
    remedy: 'Linux 6.2',
  },
  {
    name: 'vhost-net',
    what: 'virtio-net queues served by the kernel',
    place: 'anywhere',
    run: openDevice('/dev/vhost-net'),
    rightRemedy: 'read and write access to /dev/vhost-net',
    remedy: 'load the module vhost_net (CONFIG_VHOST_NET); without it use `vhost: "off"`',
  },
  {
    name: 'kvm',
    what: 'hardware virtualization',
    place: 'anywhere',
    run: openDevice('/dev/kvm'),
    rightRemedy: 'read and write access to /dev/kvm, mostly by the group kvm',
    remedy: 'load the module kvm_intel or kvm_amd, or allow nested virtualization; QEMU runs without it by tcg',
  },
];
