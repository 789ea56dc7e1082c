/**
 * Numbers of the kernel's user interface that are about network interfaces: netdevice(7), TUN/TAP, netlink(7), ethtool.
 * The second half of constants.ts, which exports them too.
 *
 * @packageDocumentation
 */

// ---- <linux/if.h>, <linux/sockios.h>: netdevice(7) --------------------------------------------------------------

/** The interface is up. */
export const IFF_UP = 0x1;
/** Loopback. */
export const IFF_LOOPBACK = 0x8;
/** Resources are there: carrier. */
export const IFF_RUNNING = 0x40;
/** Receives all frames. */
export const IFF_PROMISC = 0x100;
/** Bytes of an interface name with its terminating zero. */
export const IFNAMSIZ = 16;

/** Index to name. */
export const SIOCGIFNAME = 0x8910;
/** Read the flags. */
export const SIOCGIFFLAGS = 0x8913;
/** Set the flags. */
export const SIOCSIFFLAGS = 0x8914;
/** Set the address. */
export const SIOCSIFADDR = 0x8916;
/** Set the network mask. */
export const SIOCSIFNETMASK = 0x891c;
/** Read the MTU. */
export const SIOCGIFMTU = 0x8921;
/** Set the MTU. */
export const SIOCSIFMTU = 0x8922;
/** Set the link address. */
export const SIOCSIFHWADDR = 0x8924;
/** Read the link address and the hardware type. */
export const SIOCGIFHWADDR = 0x8927;
/** Name to index. */
export const SIOCGIFINDEX = 0x8933;
/** <sys/ioctl.h>: bytes that can be read now. */
export const FIONREAD = 0x541b;

// ---- <linux/if_tun.h>: Documentation/networking/tuntap.rst ------------------------------------------------------

/** Layer 3 interface. */
export const IFF_TUN = 0x0001;
/** Layer 2 interface. */
export const IFF_TAP = 0x0002;
/** One of several queues. */
export const IFF_MULTI_QUEUE = 0x0100;
/** TUNSETQUEUE: attach this queue. */
export const IFF_ATTACH_QUEUE = 0x0200;
/** TUNSETQUEUE: detach this queue. */
export const IFF_DETACH_QUEUE = 0x0400;
/** No struct tun_pi before each packet. */
export const IFF_NO_PI = 0x1000;
/** A virtio-net header before each packet. */
export const IFF_VNET_HDR = 0x4000;
/** Fail when the interface exists. */
export const IFF_TUN_EXCL = 0x8000;

/** Create or join an interface; a struct ifreq. */
export const TUNSETIFF = 0x400454ca;
/** Keep the interface after the last close; by value. */
export const TUNSETPERSIST = 0x400454cb;
/** Set the offloads; by value. */
export const TUNSETOFFLOAD = 0x400454d0;
/** Read name and flags; a struct ifreq. */
export const TUNGETIFF = 0x800454d2;
/** Read the IFF_… flags that this kernel knows. */
export const TUNGETFEATURES = 0x800454cf;
/** Read the virtio-net header size. */
export const TUNGETVNETHDRSZ = 0x800454d7;
/** Set the virtio-net header size. */
export const TUNSETVNETHDRSZ = 0x400454d8;
/** Attach or detach a queue; a struct ifreq. */
export const TUNSETQUEUE = 0x400454d9;

/** Offload: partial checksums. */
export const TUN_F_CSUM = 0x01;
/** Offload: TCP over IPv4 segments. */
export const TUN_F_TSO4 = 0x02;
/** Offload: TCP over IPv6 segments. */
export const TUN_F_TSO6 = 0x04;
/** Offload: TCP segments with ECN. */
export const TUN_F_TSO_ECN = 0x08;
/** Offload: UDP over IPv4 segments (Linux 6.2; only together with TUN_F_USO6). */
export const TUN_F_USO4 = 0x20;
/** Offload: UDP over IPv6 segments. */
export const TUN_F_USO6 = 0x40;

// ---- <linux/netlink.h>: netlink(7) ------------------------------------------------------------------------------

/** Protocol of rtnetlink(7). */
export const NETLINK_ROUTE = 0;
/** Acknowledgements leave the request's payload out. */
export const NETLINK_CAP_ACK = 10;
/** Acknowledgements carry the kernel's words. */
export const NETLINK_EXT_ACK = 11;
/** Refuse what a dump request asks for and the kernel does not know, instead of answering with everything. */
export const NETLINK_GET_STRICT_CHK = 12;
/** Message type: nothing to do. */
export const NLMSG_NOOP = 1;
/** Message type: acknowledgement or error. */
export const NLMSG_ERROR = 2;
/** Message type: end of a dump. */
export const NLMSG_DONE = 3;
/** Flag: this is a request. */
export const NLM_F_REQUEST = 0x1;
/** Flag: acknowledge this. */
export const NLM_F_ACK = 0x4;
/** Flag of a reply: the dump changed while it was read. */
export const NLM_F_DUMP_INTR = 0x10;
/** Flag: all entries. */
export const NLM_F_DUMP = 0x300;
/** Flag of an acknowledgement: the request's payload was left out. */
export const NLM_F_CAPPED = 0x100;
/** Flag of an acknowledgement: attributes follow. */
export const NLM_F_ACK_TLVS = 0x200;
/** Attribute of an acknowledgement: the kernel's words, zero-terminated. */
export const NLMSGERR_ATTR_MSG = 1;

// ---- <linux/ethtool.h> ------------------------------------------------------------------------------------------

/** Request of the driver's side; a struct ifreq with the address of an ethtool structure. */
export const SIOCETHTOOL = 0x8946;
/** ethtool: a struct ethtool_drvinfo. */
export const ETHTOOL_GDRVINFO = 3;
