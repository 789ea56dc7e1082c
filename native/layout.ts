/**
 * Layouts of the C structures that cross the boundary, as named offsets in bytes. The same on x64 and arm64, glibc and
 * musl (64-bit little-endian): where the two libraries disagree about a width, the other's padding is zero.
 *
 * A test compares every number with koffi's layout of the C declaration and with offsets printed by a C program that
 * is compiled from the system headers.
 *
 * @packageDocumentation
 */

// struct iovec, <sys/uio.h>, readv(2)
//   0               8               16
//   | iov_base      | iov_len       |
export const IOVEC_BASE = 0;
export const IOVEC_LENGTH = 8;
export const IOVEC_BYTES = 16;

// struct flock, <fcntl.h>, fcntl(2)
//   0          | l_type | l_whence | (padding) |
//   8          | l_start                       |   0: from the first byte
//   16         | l_len                         |   0: to the end, however far that goes
//   24         | l_pid         | (padding)     |   0 for locks of an open file description
export const FLOCK_TYPE = 0;
export const FLOCK_START = 8;
export const FLOCK_LENGTH = 16;
export const FLOCK_BYTES = 32;

// struct msghdr, <sys/socket.h>, recvmsg(2)
//   0          | msg_name                      |
//   8          | msg_namelen   | (padding)     |
//   16         | msg_iov                       |
//   24         | msg_iovlen                    |   musl: int and a zero int
//   32         | msg_control                   |
//   40         | msg_controllen                |   musl: socklen_t and a zero int
//   48         | msg_flags     | (padding)     |
export const MSGHDR_NAME = 0;
export const MSGHDR_NAME_LENGTH = 8;
export const MSGHDR_IOVEC = 16;
export const MSGHDR_IOVEC_COUNT = 24;
export const MSGHDR_CONTROL = 32;
export const MSGHDR_CONTROL_LENGTH = 40;
export const MSGHDR_FLAGS = 48;
export const MSGHDR_BYTES = 56;

// struct mmsghdr, <sys/socket.h>, recvmmsg(2)
//   0          | struct msghdr                 |
//   56         | msg_len       | (padding)     |
export const MMSGHDR_LENGTH = 56;
export const MMSGHDR_BYTES = 64;

// struct cmsghdr, <sys/socket.h>, cmsg(3)
//   0          | cmsg_len (with this header)   |   musl: socklen_t and a zero int
//   8          | cmsg_level    | cmsg_type     |
//   16         | data …                        |
export const CMSGHDR_LENGTH = 0;
export const CMSGHDR_LEVEL = 8;
export const CMSGHDR_TYPE = 12;
export const CMSGHDR_BYTES = 16;
/** Control messages start at multiples of this: CMSG_ALIGN. */
export const CMSGHDR_ALIGNMENT = 8;

// struct sockaddr_ll, <linux/if_packet.h>, packet(7)
//   0          | family | protocol (BE) | ifindex       |
//   8          | hatype | pkttype, halen | addr[0..3]   |
//   16         | addr[4..7]             |
export const SOCKADDR_LL_FAMILY = 0;
export const SOCKADDR_LL_PROTOCOL = 2;
export const SOCKADDR_LL_IFINDEX = 4;
export const SOCKADDR_LL_HARDWARE_TYPE = 8;
export const SOCKADDR_LL_PACKET_TYPE = 10;
export const SOCKADDR_LL_ADDRESS_LENGTH = 11;
export const SOCKADDR_LL_ADDRESS = 12;
export const SOCKADDR_LL_BYTES = 20;

// struct sockaddr_un, <sys/un.h>, unix(7): | family u16 | path … 108 |
export const SOCKADDR_UN_FAMILY = 0;
export const SOCKADDR_UN_PATH = 2;
export const SOCKADDR_UN_BYTES = 110;

// struct sockaddr_in, <netinet/in.h>, ip(7): | family u16 | port u16 BE | address u32 BE | zero 8 |
export const SOCKADDR_IN_FAMILY = 0;
export const SOCKADDR_IN_PORT = 2;
export const SOCKADDR_IN_ADDRESS = 4;
export const SOCKADDR_IN_BYTES = 16;

// struct sockaddr_in6, <netinet/in.h>, ipv6(7): | family u16 | port u16 BE | flow info u32 BE | address 16 | scope u32 |
export const SOCKADDR_IN6_FAMILY = 0;
export const SOCKADDR_IN6_PORT = 2;
export const SOCKADDR_IN6_ADDRESS = 8;
export const SOCKADDR_IN6_SCOPE = 24;
export const SOCKADDR_IN6_BYTES = 28;

// struct sockaddr_nl, <linux/netlink.h>, netlink(7): | family u16 | pad u16 | pid u32 | groups u32 |
export const SOCKADDR_NL_FAMILY = 0;
export const SOCKADDR_NL_PID = 4;
export const SOCKADDR_NL_GROUPS = 8;
export const SOCKADDR_NL_BYTES = 12;

// struct ifreq, <net/if.h>, netdevice(7)
//   0          | ifr_name, 16 bytes, zero-terminated             |
//   16         | union: int, short flags, struct sockaddr, …  24 |
export const IFREQ_NAME = 0;
export const IFREQ_VALUE = 16;
export const IFREQ_BYTES = 40;
/** In the union, struct sockaddr: the data after the family. */
export const IFREQ_SOCKADDR_DATA = 18;

// struct in6_ifreq, <linux/ipv6.h>: | address 16 | prefixlen u32 | ifindex i32 |
export const IN6_IFREQ_ADDRESS = 0;
export const IN6_IFREQ_PREFIX_LENGTH = 16;
export const IN6_IFREQ_IFINDEX = 20;
export const IN6_IFREQ_BYTES = 24;

// struct packet_mreq, <linux/if_packet.h>: | ifindex i32 | type u16 | alen u16 | address 8 |
export const PACKET_MREQ_IFINDEX = 0;
export const PACKET_MREQ_TYPE = 4;
export const PACKET_MREQ_BYTES = 16;

// struct tpacket_req3, <linux/if_packet.h>, all u32
export const TPACKET_REQ3_BLOCK_SIZE = 0;
export const TPACKET_REQ3_BLOCK_COUNT = 4;
export const TPACKET_REQ3_FRAME_SIZE = 8;
export const TPACKET_REQ3_FRAME_COUNT = 12;
export const TPACKET_REQ3_RETIRE_TIMEOUT = 16;
export const TPACKET_REQ3_PRIVATE_BYTES = 20;
export const TPACKET_REQ3_FEATURES = 24;
export const TPACKET_REQ3_BYTES = 28;

// struct tpacket_block_desc (version 3), <linux/if_packet.h>: the head of every block
//   0          | version       | offset to private area |
//   8          | block status  | packet count           |
//   16         | offset to first packet | block length  |
//   24         | sequence number u64                    |
//   32         | timestamp of the first packet          |
//   40         | timestamp of the last packet           |
export const TPACKET_BLOCK_STATUS = 8;
export const TPACKET_BLOCK_PACKET_COUNT = 12;
export const TPACKET_BLOCK_FIRST_PACKET = 16;
export const TPACKET_BLOCK_LENGTH = 20;
export const TPACKET_BLOCK_SEQUENCE = 24;
export const TPACKET_BLOCK_BYTES = 48;

// struct tpacket3_hdr, <linux/if_packet.h>: the head of every packet in a block
//   0          | next offset   | seconds       |
//   8          | nanoseconds   | snaplen       |
//   16         | len           | status        |
//   24         | mac u16 | net u16 | rxhash    |   mac, net: offsets of the headers from here
//   32         | vlan tci u32  | tpid u16, pad |
//   40         | padding                       |
export const TPACKET3_NEXT_OFFSET = 0;
export const TPACKET3_SECONDS = 4;
export const TPACKET3_NANOSECONDS = 8;
export const TPACKET3_SNAPLEN = 12;
export const TPACKET3_LENGTH = 16;
export const TPACKET3_STATUS = 20;
export const TPACKET3_MAC = 24;
export const TPACKET3_NET = 26;
export const TPACKET3_RXHASH = 28;
export const TPACKET3_VLAN_TCI = 32;
export const TPACKET3_VLAN_TPID = 36;
export const TPACKET3_BYTES = 48;
/** Offset of the packet's struct sockaddr_ll: TPACKET_ALIGN(sizeof(struct tpacket3_hdr)). */
export const TPACKET3_SOCKADDR_LL = 48;

// struct tpacket_stats_v3, <linux/if_packet.h>: | packets u32 (drops included) | drops u32 | freeze count u32 |
export const TPACKET_STATS_PACKETS = 0;
export const TPACKET_STATS_DROPS = 4;
export const TPACKET_STATS_FREEZES = 8;
export const TPACKET_STATS_BYTES = 12;

// struct pollfd, <poll.h>, poll(2): | fd i32 | events i16 | revents i16 |
export const POLLFD_FD = 0;
export const POLLFD_EVENTS = 4;
export const POLLFD_REVENTS = 6;
export const POLLFD_BYTES = 8;

// struct sock_filter, <linux/filter.h>: | code u16 | jt u8 | jf u8 | k u32 |
export const SOCK_FILTER_CODE = 0;
export const SOCK_FILTER_JUMP_TRUE = 2;
export const SOCK_FILTER_JUMP_FALSE = 3;
export const SOCK_FILTER_K = 4;
export const SOCK_FILTER_BYTES = 8;

// struct sock_fprog, <linux/filter.h>: | len u16 | (padding 6) | filter pointer |
export const SOCK_FPROG_LENGTH = 0;
export const SOCK_FPROG_FILTER = 8;
export const SOCK_FPROG_BYTES = 16;

// struct rusage, <sys/resource.h>: | utime { sec i64, usec i64 } | stime { sec i64, usec i64 } | 14 longs |
export const RUSAGE_USER_SECONDS = 0;
export const RUSAGE_USER_MICROSECONDS = 8;
export const RUSAGE_SYSTEM_SECONDS = 16;
export const RUSAGE_SYSTEM_MICROSECONDS = 24;
export const RUSAGE_BYTES = 144;
/** musl's struct rusage has 16 reserved longs more. */
export const RUSAGE_BYTES_MUSL = 272;

// struct nlmsghdr, <linux/netlink.h>: | len u32 | type u16 | flags u16 | seq u32 | pid u32 |
export const NLMSGHDR_LENGTH = 0;
export const NLMSGHDR_TYPE = 4;
export const NLMSGHDR_FLAGS = 6;
export const NLMSGHDR_SEQUENCE = 8;
export const NLMSGHDR_PID = 12;
export const NLMSGHDR_BYTES = 16;

// struct nlmsgerr, <linux/netlink.h>: | error i32 | the request's nlmsghdr 16 | …
export const NLMSGERR_ERROR = 0;
export const NLMSGERR_REQUEST = 4;
export const NLMSGERR_BYTES = 20;

// struct nlattr, <linux/netlink.h>: | len u16 | type u16 | payload, padded to 4 |
export const NLATTR_LENGTH = 0;
export const NLATTR_TYPE = 2;
export const NLATTR_BYTES = 4;
