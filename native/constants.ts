/**
 * Numbers of the kernel's user interface, under the kernel's own names, grouped by the header file they come from.
 *
 * They hold for x64 and arm64 alike (a test compares the ones that could differ with the system headers). A name is
 * exported when a call in this package or a likely caller needs it; this is no copy of the headers.
 *
 * @packageDocumentation
 */

export * from './constants-interface.ts';

// ---- <sys/socket.h>: socket(2) ----------------------------------------------------------------------------------

/** Address family of local sockets, unix(7). */
export const AF_UNIX = 1;
/** IPv4, ip(7). */
export const AF_INET = 2;
/** IPv6, ipv6(7). */
export const AF_INET6 = 10;
/** netlink(7). */
export const AF_NETLINK = 16;
/** packet(7). */
export const AF_PACKET = 17;

/** Byte stream. */
export const SOCK_STREAM = 1;
/** Datagrams. */
export const SOCK_DGRAM = 2;
/** Raw protocol access; on AF_PACKET: the link header is part of the bytes. */
export const SOCK_RAW = 3;
/** Datagrams over a connection: boundaries kept, order kept, hang-up visible. */
export const SOCK_SEQPACKET = 5;
/** Flag of the type argument of socket(2). */
export const SOCK_NONBLOCK = 0o4000;
/** Flag of the type argument of socket(2). */
export const SOCK_CLOEXEC = 0o2000000;

/** Level of the options of socket(7). */
export const SOL_SOCKET = 1;
/** Level of the options of tcp(7). */
export const SOL_TCP = 6;
/** Level of the options of udp(7). */
export const SOL_UDP = 17;
/** Level of the options of packet(7). */
export const SOL_PACKET = 263;
/** Level of the options of netlink(7). */
export const SOL_NETLINK = 270;

// <netinet/tcp.h>, tcp(7)
/** Send small segments at once instead of waiting for acknowledgements (Nagle's algorithm). */
export const TCP_NODELAY = 1;

// <netinet/udp.h>, udp(7)
/** Payload bytes of the segments that the kernel cuts a longer send into; 0: it cuts none. */
export const UDP_SEGMENT = 103;

// <asm-generic/socket.h>
/** Bind although a former connection of the address is in TIME_WAIT. */
export const SO_REUSEADDR = 2;
/** Pending error, cleared by reading it. */
export const SO_ERROR = 4;
/** Type of the socket (SOCK_…). */
export const SO_TYPE = 3;
/** Send buffer; the kernel doubles the value and caps it at net.core.wmem_max. */
export const SO_SNDBUF = 7;
/** Receive buffer; the kernel doubles the value and caps it at net.core.rmem_max. */
export const SO_RCVBUF = 8;
/** Bind to one interface, by name. */
export const SO_BINDTODEVICE = 25;
/** Receive timeout, a struct timeval. */
export const SO_RCVTIMEO = 20;
/** As SO_SNDBUF without the cap; needs CAP_NET_ADMIN in the initial user namespace. */
export const SO_SNDBUFFORCE = 32;
/** As SO_RCVBUF without the cap; needs CAP_NET_ADMIN in the initial user namespace. */
export const SO_RCVBUFFORCE = 33;
/** Protocol given to socket(2). */
export const SO_PROTOCOL = 38;
/** Address family of the socket (AF_…). */
export const SO_DOMAIN = 39;

/** Ancillary data: file descriptors, unix(7). */
export const SCM_RIGHTS = 1;
/** shutdown(2): no more reading. */
export const SHUT_RD = 0;
/** shutdown(2): no more writing. */
export const SHUT_WR = 1;
/** shutdown(2): neither. */
export const SHUT_RDWR = 2;

/** recv(2): leave the data in the queue. */
export const MSG_PEEK = 0x2;
/** In msg_flags: ancillary data was cut off. */
export const MSG_CTRUNC = 0x8;
/** In msg_flags: the datagram was longer than the buffer. As a flag of recv(2): return its real length. */
export const MSG_TRUNC = 0x20;
/** Do not block for this call. */
export const MSG_DONTWAIT = 0x40;
/** In msg_flags of a SEQPACKET socket: end of a record. */
export const MSG_EOR = 0x80;
/** Return -EPIPE without SIGPIPE. Node ignores SIGPIPE, a host program that embeds it may not. */
export const MSG_NOSIGNAL = 0x4000;
/** recvmmsg(2): block for the first message only. */
export const MSG_WAITFORONE = 0x10000;
/** recvmsg(2): received descriptors are closed on exec. */
export const MSG_CMSG_CLOEXEC = 0x40000000;

// ---- <fcntl.h>: open(2), fcntl(2) -------------------------------------------------------------------------------

/** open(2): reading only. */
export const O_RDONLY = 0;
/** open(2): reading and writing. */
export const O_RDWR = 2;
/** open(2) and F_SETFL: calls return EAGAIN instead of blocking. */
export const O_NONBLOCK = 0o4000;
/** open(2): closed on exec. */
export const O_CLOEXEC = 0o2000000;
/** fcntl(2): read the descriptor flags. */
export const F_GETFD = 1;
/** fcntl(2): set the descriptor flags. */
export const F_SETFD = 2;
/** fcntl(2): read the file status flags. */
export const F_GETFL = 3;
/** fcntl(2): set the file status flags. */
export const F_SETFL = 4;
/** fcntl(2): whether a lock of an open file description is in the way. */
export const F_OFD_GETLK = 36;
/** fcntl(2): set or give back a lock of an open file description. */
export const F_OFD_SETLK = 37;
/** `l_type` of struct flock: a lock that many may have. */
export const F_RDLCK = 0;
/** `l_type` of struct flock: a lock that one may have. */
export const F_WRLCK = 1;
/** `l_type` of struct flock: no lock. */
export const F_UNLCK = 2;
/** fcntl(2): duplicate, closed on exec. */
export const F_DUPFD_CLOEXEC = 1030;
/** The one descriptor flag. */
export const FD_CLOEXEC = 1;

// ---- <poll.h>, <sys/epoll.h>, <sys/eventfd.h> -------------------------------------------------------------------

/** poll(2): there is data to read. */
export const POLLIN = 0x1;
/** poll(2): writing is possible. */
export const POLLOUT = 0x4;
/** poll(2), returned only: error condition. */
export const POLLERR = 0x8;
/** poll(2), returned only: hang-up. Frames may still be queued. */
export const POLLHUP = 0x10;
/** poll(2), returned only: the descriptor is not open. */
export const POLLNVAL = 0x20;
/** poll(2): the peer closed, or shut down its writing half. */
export const POLLRDHUP = 0x2000;
/** epoll_ctl(2): add a descriptor. */
export const EPOLL_CTL_ADD = 1;
/** epoll_create1(2): closed on exec. */
export const EPOLL_CLOEXEC = 0o2000000;
/** eventfd(2): closed on exec. */
export const EFD_CLOEXEC = 0o2000000;
/** eventfd(2): calls return EAGAIN instead of blocking. */
export const EFD_NONBLOCK = 0o4000;

// ---- <sys/mman.h>: mmap(2) --------------------------------------------------------------------------------------

/** Pages may be read. */
export const PROT_READ = 1;
/** Pages may be written. */
export const PROT_WRITE = 2;
/** Updates are visible to the other side of the mapping. */
export const MAP_SHARED = 1;
/** Copy on write. */
export const MAP_PRIVATE = 2;
/** Exactly at the address given, replacing what is mapped there. */
export const MAP_FIXED = 0x10;
/** No file: zero pages. */
export const MAP_ANONYMOUS = 0x20;
/** No swap space is reserved. */
export const MAP_NORESERVE = 0x4000;

// ---- <sched.h>, <sys/resource.h> --------------------------------------------------------------------------------

/** unshare(2), setns(2): network namespace. */
export const CLONE_NEWNET = 0x40000000;
/** unshare(2), setns(2): user namespace; EINVAL in a process with threads, so never possible in Node. */
export const CLONE_NEWUSER = 0x10000000;
/** ioctl_ns(2): which kind of namespace it is, a CLONE_NEW… flag. */
export const NS_GET_NSTYPE = 0xb703;
/** getrusage(2): the calling thread only. */
export const RUSAGE_THREAD = 1;
/** getrusage(2): children that have ended and were waited for, and theirs. */
export const RUSAGE_CHILDREN = -1;

// ---- <linux/if_packet.h>: packet(7) -----------------------------------------------------------------------------

/** Join a multicast group or a mode such as promiscuous. */
export const PACKET_ADD_MEMBERSHIP = 1;
/** Set up the receive ring. */
export const PACKET_RX_RING = 5;
/** Packet and drop counters; reading resets them. */
export const PACKET_STATISTICS = 6;
/** Ring version (TPACKET_V…). */
export const PACKET_VERSION = 10;
/** A struct virtio_net_hdr (10 bytes) precedes each frame. */
export const PACKET_VNET_HDR = 15;
/** Join a fan-out group. */
export const PACKET_FANOUT = 18;
/** Send past the queueing discipline. */
export const PACKET_QDISC_BYPASS = 20;
/** The fan-out group's program. */
export const PACKET_FANOUT_DATA = 22;
/** Do not see frames that this host sends (Linux 4.20). */
export const PACKET_IGNORE_OUTGOING = 23;
/** Size of the virtio-net header, 0, 10 or 12 (Linux 6.5). */
export const PACKET_VNET_HDR_SZ = 24;

/** PACKET_VERSION: variable frames in blocks. */
export const TPACKET_V3 = 2;
/** PACKET_ADD_MEMBERSHIP: promiscuous. */
export const PACKET_MR_PROMISC = 1;

/** Fan-out by flow hash. */
export const PACKET_FANOUT_HASH = 0;
/** Fan-out in turn. */
export const PACKET_FANOUT_LB = 1;
/** Fan-out by the processor that received. */
export const PACKET_FANOUT_CPU = 2;
/** Fan-out to the next socket when one is full. */
export const PACKET_FANOUT_ROLLOVER = 3;
/** Fan-out at random. */
export const PACKET_FANOUT_RND = 4;
/** Fan-out by the receive queue. */
export const PACKET_FANOUT_QM = 5;
/** Fan-out by a classic BPF program. */
export const PACKET_FANOUT_CBPF = 6;
/** Fan-out by an eBPF program. */
export const PACKET_FANOUT_EBPF = 7;
/** Flag: roll over to another socket when the chosen one is full. */
export const PACKET_FANOUT_FLAG_ROLLOVER = 0x1000;
/** Flag: the kernel picks an unused group id. */
export const PACKET_FANOUT_FLAG_UNIQUEID = 0x2000;
/** Flag: IPv4 fragments are joined before hashing. */
export const PACKET_FANOUT_FLAG_DEFRAG = 0x8000;

/** Block or frame belongs to the kernel. */
export const TP_STATUS_KERNEL = 0;
/** Block or frame belongs to user space. */
export const TP_STATUS_USER = 1;
/** The frame was longer than the slot; the rest went to the socket's queue. */
export const TP_STATUS_COPY = 2;
/** Packets were lost before this one. */
export const TP_STATUS_LOSING = 4;
/** The transport checksum is still partial: the sender is on this host and left it to the hardware. */
export const TP_STATUS_CSUMNOTREADY = 8;
/** tp_vlan_tci holds a tag. */
export const TP_STATUS_VLAN_VALID = 0x10;
/** The block was retired by its timer and not because it was full. */
export const TP_STATUS_BLK_TMO = 0x20;
/** tp_vlan_tpid holds the tag's protocol. */
export const TP_STATUS_VLAN_TPID_VALID = 0x40;
/** The transport checksum was validated. */
export const TP_STATUS_CSUM_VALID = 0x80;
/** The frame was reassembled from one with several segments (Linux 5.19). */
export const TP_STATUS_GSO_TCP = 0x100;

// <linux/if_packet.h> sll_pkttype
/** Addressed to this host. */
export const PACKET_HOST = 0;
/** Broadcast. */
export const PACKET_BROADCAST = 1;
/** Multicast. */
export const PACKET_MULTICAST = 2;
/** To another host, seen by a promiscuous interface. */
export const PACKET_OTHERHOST = 3;
/** Sent by this host. */
export const PACKET_OUTGOING = 4;

// <linux/if_ether.h>
/** Every protocol. */
export const ETH_P_ALL = 0x0003;
/** IPv4. */
export const ETH_P_IP = 0x0800;
/** ARP. */
export const ETH_P_ARP = 0x0806;
/** IPv6. */
export const ETH_P_IPV6 = 0x86dd;

// <linux/if_arp.h>
/** Hardware type of Ethernet. */
export const ARPHRD_ETHER = 1;
/** Hardware type of the loopback. */
export const ARPHRD_LOOPBACK = 772;
/** Hardware type of a TUN interface: no link header. */
export const ARPHRD_NONE = 0xfffe;

// ---- <sys/mount.h>: mount(2), umount2(2) ------------------------------------------------------------------------

/** The target shows what the source is. */
export const MS_BIND = 0x1000;
/** With what is mounted below it. */
export const MS_REC = 0x4000;
/** Mounts below it appear in the other mount namespaces that share it. */
export const MS_SHARED = 0x100000;
/** umount2(2): now from the tree, from memory when nobody uses it. */
export const MNT_DETACH = 2;
