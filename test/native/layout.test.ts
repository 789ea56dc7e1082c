import { createRequire } from 'node:module';

import test from 'ava';

import * as constants from '../../native/constants.ts';
import * as layout from '../../native/layout.ts';
import { ERRNO } from '../../native/errno.ts';
import { evaluateInC } from './_support.ts';

const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');

/** One C structure: its declaration for koffi, and our name of each of its members. */
interface Structure {
  c: string;
  bytes: number;
  declaration: Record<string, string>;
  offsets: Record<string, number>;
}

const L = layout;
const structures: Structure[] = [
  {
    c: 'struct iovec',
    bytes: L.IOVEC_BYTES,
    declaration: { iov_base: 'void *', iov_len: 'size_t' },
    offsets: { iov_base: L.IOVEC_BASE, iov_len: L.IOVEC_LENGTH },
  },
  {
    c: 'struct flock',
    bytes: L.FLOCK_BYTES,
    declaration: { l_type: 'int16_t', l_whence: 'int16_t', l_start: 'int64_t', l_len: 'int64_t', l_pid: 'int' },
    // l_whence is at 2 and l_pid at 24: always 0.
    offsets: { l_type: L.FLOCK_TYPE, l_start: L.FLOCK_START, l_len: L.FLOCK_LENGTH },
  },
  {
    c: 'struct msghdr',
    bytes: L.MSGHDR_BYTES,
    declaration: {
      msg_name: 'void *',
      msg_namelen: 'uint32_t',
      msg_iov: 'void *',
      msg_iovlen: 'size_t',
      msg_control: 'void *',
      msg_controllen: 'size_t',
      msg_flags: 'int',
    },
    offsets: {
      msg_name: L.MSGHDR_NAME,
      msg_namelen: L.MSGHDR_NAME_LENGTH,
      msg_iov: L.MSGHDR_IOVEC,
      msg_iovlen: L.MSGHDR_IOVEC_COUNT,
      msg_control: L.MSGHDR_CONTROL,
      msg_controllen: L.MSGHDR_CONTROL_LENGTH,
      msg_flags: L.MSGHDR_FLAGS,
    },
  },
  {
    c: 'struct mmsghdr',
    bytes: L.MMSGHDR_BYTES,
    declaration: { msg_hdr: 'msghdr', msg_len: 'uint' },
    offsets: { msg_hdr: 0, msg_len: L.MMSGHDR_LENGTH },
  },
  {
    c: 'struct cmsghdr',
    bytes: L.CMSGHDR_BYTES,
    declaration: { cmsg_len: 'size_t', cmsg_level: 'int', cmsg_type: 'int' },
    offsets: { cmsg_len: L.CMSGHDR_LENGTH, cmsg_level: L.CMSGHDR_LEVEL, cmsg_type: L.CMSGHDR_TYPE },
  },
  {
    c: 'struct sockaddr_ll',
    bytes: L.SOCKADDR_LL_BYTES,
    declaration: {
      sll_family: 'uint16_t',
      sll_protocol: 'uint16_t',
      sll_ifindex: 'int',
      sll_hatype: 'uint16_t',
      sll_pkttype: 'uint8_t',
      sll_halen: 'uint8_t',
      sll_addr: 'uint8_t [8]',
    },
    offsets: {
      sll_family: L.SOCKADDR_LL_FAMILY,
      sll_protocol: L.SOCKADDR_LL_PROTOCOL,
      sll_ifindex: L.SOCKADDR_LL_IFINDEX,
      sll_hatype: L.SOCKADDR_LL_HARDWARE_TYPE,
      sll_pkttype: L.SOCKADDR_LL_PACKET_TYPE,
      sll_halen: L.SOCKADDR_LL_ADDRESS_LENGTH,
      sll_addr: L.SOCKADDR_LL_ADDRESS,
    },
  },
  {
    c: 'struct sockaddr_un',
    bytes: L.SOCKADDR_UN_BYTES,
    declaration: { sun_family: 'uint16_t', sun_path: 'char [108]' },
    offsets: { sun_family: L.SOCKADDR_UN_FAMILY, sun_path: L.SOCKADDR_UN_PATH },
  },
  {
    c: 'struct sockaddr_in',
    bytes: L.SOCKADDR_IN_BYTES,
    declaration: { sin_family: 'uint16_t', sin_port: 'uint16_t', sin_addr: 'uint32_t', sin_zero: 'uint8_t [8]' },
    offsets: { sin_family: L.SOCKADDR_IN_FAMILY, sin_port: L.SOCKADDR_IN_PORT, sin_addr: L.SOCKADDR_IN_ADDRESS },
  },
  {
    c: 'struct sockaddr_in6',
    bytes: L.SOCKADDR_IN6_BYTES,
    declaration: {
      sin6_family: 'uint16_t',
      sin6_port: 'uint16_t',
      sin6_flowinfo: 'uint32_t',
      sin6_addr: 'uint8_t [16]',
      sin6_scope_id: 'uint32_t',
    },
    offsets: {
      sin6_family: L.SOCKADDR_IN6_FAMILY,
      sin6_port: L.SOCKADDR_IN6_PORT,
      sin6_addr: L.SOCKADDR_IN6_ADDRESS,
      sin6_scope_id: L.SOCKADDR_IN6_SCOPE,
    },
  },
  {
    c: 'struct sockaddr_nl',
    bytes: L.SOCKADDR_NL_BYTES,
    declaration: { nl_family: 'uint16_t', nl_pad: 'uint16_t', nl_pid: 'uint32_t', nl_groups: 'uint32_t' },
    offsets: { nl_family: L.SOCKADDR_NL_FAMILY, nl_pid: L.SOCKADDR_NL_PID, nl_groups: L.SOCKADDR_NL_GROUPS },
  },
  {
    c: 'struct ifreq',
    bytes: L.IFREQ_BYTES,
    // Its union is as wide as struct ifmap: two longs, a short, three bytes, padding.
    declaration: { ifr_name: 'char [16]', ifr_ifru: 'uint64_t [3]' },
    offsets: { ifr_name: L.IFREQ_NAME, ifr_ifru: L.IFREQ_VALUE },
  },
  {
    c: 'struct in6_ifreq',
    bytes: L.IN6_IFREQ_BYTES,
    declaration: { ifr6_addr: 'uint8_t [16]', ifr6_prefixlen: 'uint32_t', ifr6_ifindex: 'int' },
    offsets: {
      ifr6_addr: L.IN6_IFREQ_ADDRESS,
      ifr6_prefixlen: L.IN6_IFREQ_PREFIX_LENGTH,
      ifr6_ifindex: L.IN6_IFREQ_IFINDEX,
    },
  },
  {
    c: 'struct packet_mreq',
    bytes: L.PACKET_MREQ_BYTES,
    declaration: { mr_ifindex: 'int', mr_type: 'uint16_t', mr_alen: 'uint16_t', mr_address: 'uint8_t [8]' },
    offsets: { mr_ifindex: L.PACKET_MREQ_IFINDEX, mr_type: L.PACKET_MREQ_TYPE },
  },
  {
    c: 'struct tpacket_req3',
    bytes: L.TPACKET_REQ3_BYTES,
    declaration: {
      tp_block_size: 'uint',
      tp_block_nr: 'uint',
      tp_frame_size: 'uint',
      tp_frame_nr: 'uint',
      tp_retire_blk_tov: 'uint',
      tp_sizeof_priv: 'uint',
      tp_feature_req_word: 'uint',
    },
    offsets: {
      tp_block_size: L.TPACKET_REQ3_BLOCK_SIZE,
      tp_block_nr: L.TPACKET_REQ3_BLOCK_COUNT,
      tp_frame_size: L.TPACKET_REQ3_FRAME_SIZE,
      tp_frame_nr: L.TPACKET_REQ3_FRAME_COUNT,
      tp_retire_blk_tov: L.TPACKET_REQ3_RETIRE_TIMEOUT,
      tp_sizeof_priv: L.TPACKET_REQ3_PRIVATE_BYTES,
      tp_feature_req_word: L.TPACKET_REQ3_FEATURES,
    },
  },
  {
    c: 'struct tpacket_block_desc',
    bytes: L.TPACKET_BLOCK_BYTES,
    declaration: {
      version: 'uint32_t',
      offset_to_priv: 'uint32_t',
      'hdr.bh1.block_status': 'uint32_t',
      'hdr.bh1.num_pkts': 'uint32_t',
      'hdr.bh1.offset_to_first_pkt': 'uint32_t',
      'hdr.bh1.blk_len': 'uint32_t',
      'hdr.bh1.seq_num': 'uint64_t',
      'hdr.bh1.ts_first_pkt': 'uint32_t [2]',
      'hdr.bh1.ts_last_pkt': 'uint32_t [2]',
    },
    offsets: {
      'hdr.bh1.block_status': L.TPACKET_BLOCK_STATUS,
      'hdr.bh1.num_pkts': L.TPACKET_BLOCK_PACKET_COUNT,
      'hdr.bh1.offset_to_first_pkt': L.TPACKET_BLOCK_FIRST_PACKET,
      'hdr.bh1.blk_len': L.TPACKET_BLOCK_LENGTH,
      'hdr.bh1.seq_num': L.TPACKET_BLOCK_SEQUENCE,
    },
  },
  {
    c: 'struct tpacket3_hdr',
    bytes: L.TPACKET3_BYTES,
    declaration: {
      tp_next_offset: 'uint32_t',
      tp_sec: 'uint32_t',
      tp_nsec: 'uint32_t',
      tp_snaplen: 'uint32_t',
      tp_len: 'uint32_t',
      tp_status: 'uint32_t',
      tp_mac: 'uint16_t',
      tp_net: 'uint16_t',
      'hv1.tp_rxhash': 'uint32_t',
      'hv1.tp_vlan_tci': 'uint32_t',
      'hv1.tp_vlan_tpid': 'uint16_t',
      'hv1.tp_padding': 'uint16_t',
      tp_padding: 'uint8_t [8]',
    },
    offsets: {
      tp_next_offset: L.TPACKET3_NEXT_OFFSET,
      tp_sec: L.TPACKET3_SECONDS,
      tp_nsec: L.TPACKET3_NANOSECONDS,
      tp_snaplen: L.TPACKET3_SNAPLEN,
      tp_len: L.TPACKET3_LENGTH,
      tp_status: L.TPACKET3_STATUS,
      tp_mac: L.TPACKET3_MAC,
      tp_net: L.TPACKET3_NET,
      'hv1.tp_rxhash': L.TPACKET3_RXHASH,
      'hv1.tp_vlan_tci': L.TPACKET3_VLAN_TCI,
      'hv1.tp_vlan_tpid': L.TPACKET3_VLAN_TPID,
    },
  },
  {
    c: 'struct tpacket_stats_v3',
    bytes: L.TPACKET_STATS_BYTES,
    declaration: { tp_packets: 'uint', tp_drops: 'uint', tp_freeze_q_cnt: 'uint' },
    offsets: {
      tp_packets: L.TPACKET_STATS_PACKETS,
      tp_drops: L.TPACKET_STATS_DROPS,
      tp_freeze_q_cnt: L.TPACKET_STATS_FREEZES,
    },
  },
  {
    c: 'struct pollfd',
    bytes: L.POLLFD_BYTES,
    declaration: { fd: 'int', events: 'short', revents: 'short' },
    offsets: { fd: L.POLLFD_FD, events: L.POLLFD_EVENTS, revents: L.POLLFD_REVENTS },
  },
  {
    c: 'struct sock_filter',
    bytes: L.SOCK_FILTER_BYTES,
    declaration: { code: 'uint16_t', jt: 'uint8_t', jf: 'uint8_t', k: 'uint32_t' },
    offsets: {
      code: L.SOCK_FILTER_CODE,
      jt: L.SOCK_FILTER_JUMP_TRUE,
      jf: L.SOCK_FILTER_JUMP_FALSE,
      k: L.SOCK_FILTER_K,
    },
  },
  {
    c: 'struct sock_fprog',
    bytes: L.SOCK_FPROG_BYTES,
    declaration: { len: 'uint16_t', filter: 'void *' },
    offsets: { len: L.SOCK_FPROG_LENGTH, filter: L.SOCK_FPROG_FILTER },
  },
  {
    c: 'struct rusage',
    bytes: L.RUSAGE_BYTES,
    declaration: {
      'ru_utime.tv_sec': 'int64_t',
      'ru_utime.tv_usec': 'int64_t',
      'ru_stime.tv_sec': 'int64_t',
      'ru_stime.tv_usec': 'int64_t',
      rest: 'int64_t [14]',
    },
    offsets: {
      'ru_utime.tv_sec': L.RUSAGE_USER_SECONDS,
      'ru_utime.tv_usec': L.RUSAGE_USER_MICROSECONDS,
      'ru_stime.tv_sec': L.RUSAGE_SYSTEM_SECONDS,
      'ru_stime.tv_usec': L.RUSAGE_SYSTEM_MICROSECONDS,
    },
  },
  {
    c: 'struct nlmsghdr',
    bytes: L.NLMSGHDR_BYTES,
    declaration: {
      nlmsg_len: 'uint32_t',
      nlmsg_type: 'uint16_t',
      nlmsg_flags: 'uint16_t',
      nlmsg_seq: 'uint32_t',
      nlmsg_pid: 'uint32_t',
    },
    offsets: {
      nlmsg_len: L.NLMSGHDR_LENGTH,
      nlmsg_type: L.NLMSGHDR_TYPE,
      nlmsg_flags: L.NLMSGHDR_FLAGS,
      nlmsg_seq: L.NLMSGHDR_SEQUENCE,
      nlmsg_pid: L.NLMSGHDR_PID,
    },
  },
  {
    c: 'struct nlmsgerr',
    bytes: L.NLMSGERR_BYTES,
    declaration: { error: 'int', msg: 'nlmsghdr' },
    offsets: { error: L.NLMSGERR_ERROR, msg: L.NLMSGERR_REQUEST },
  },
  {
    c: 'struct nlattr',
    bytes: L.NLATTR_BYTES,
    declaration: { nla_len: 'uint16_t', nla_type: 'uint16_t' },
    offsets: { nla_len: L.NLATTR_LENGTH, nla_type: L.NLATTR_TYPE },
  },
];

// glibc's <net/if.h> and <linux/if.h> cannot be included together; <linux/ipv6.h> needs <linux/in6.h>.
const HEADERS = [
  'stdio.h',
  'stddef.h',
  'errno.h',
  'fcntl.h',
  'poll.h',
  'sched.h',
  'netinet/in.h',
  'netinet/tcp.h',
  'netinet/udp.h',
  'sys/epoll.h',
  'sys/eventfd.h',
  'sys/ioctl.h',
  'sys/mman.h',
  'sys/mount.h',
  'sys/resource.h',
  'sys/socket.h',
  'sys/uio.h',
  'sys/un.h',
  'linux/ethtool.h',
  'linux/filter.h',
  'linux/if.h',
  'linux/if_arp.h',
  'linux/if_ether.h',
  'linux/if_packet.h',
  'linux/if_tun.h',
  'linux/netlink.h',
  'linux/nsfs.h',
  'linux/sockios.h',
];

for (const { c, bytes, declaration, offsets } of structures) {
  test.serial(`the layout of ${c} is koffi's`, (t) => {
    const name = c.replace('struct ', '');
    // koffi takes no dots in names; the C program does.
    const type = koffi.struct(name, mapKeys(declaration, plain));
    t.is(koffi.sizeof(type), bytes);
    for (const [member, offset] of Object.entries(offsets)) {
      t.is(koffi.offsetof(type, plain(member)), offset, member);
    }
  });
}

test('every layout is that of the system headers', (t) => {
  // <linux/ipv6.h> clashes with <netinet/in.h> on some libraries: its structure is checked by the kernel, in use.
  const checked = structures.filter(({ c }) => c !== 'struct in6_ifreq');
  const expressions: string[] = [];
  const expected: number[] = [];
  for (const { c, bytes, offsets } of checked) {
    expressions.push(`sizeof(${c})`);
    expected.push(bytes);
    for (const [member, offset] of Object.entries(offsets)) {
      expressions.push(`offsetof(${c}, ${member})`);
      expected.push(offset);
    }
  }
  expressions.push('offsetof(struct ifreq, ifr_hwaddr.sa_data)', 'TPACKET_ALIGN(sizeof(struct tpacket3_hdr))');
  expected.push(L.IFREQ_SOCKADDR_DATA, L.TPACKET3_SOCKADDR_LL);
  const found = evaluateInC(HEADERS, expressions);
  t.deepEqual(zip(expressions, found), zip(expressions, expected));
});

test('every constant is that of the system headers', (t) => {
  // Younger than the headers of the oldest distributions that we build on.
  const young = [
    'PACKET_VNET_HDR_SZ',
    'TUN_F_USO4',
    'TUN_F_USO6',
    'TP_STATUS_GSO_TCP',
    'PACKET_FANOUT_FLAG_IGNORE_OUTGOING',
  ];
  const names = Object.keys(constants).filter((name) => !young.includes(name));
  const found = evaluateInC(HEADERS, names);
  t.true(names.length > 140);
  t.deepEqual(zip(names, found), zip(names, names.map((name) => (constants as Record<string, number>)[name]!)));
});

test('every errno is that of the system headers', (t) => {
  const names = Object.keys(ERRNO);
  t.deepEqual(zip(names, evaluateInC(HEADERS, names)), { ...ERRNO });
});

function plain(name: string): string {
  return name.replaceAll('.', '_');
}

function mapKeys<V>(record: Record<string, V>, rename: (key: string) => string): Record<string, V> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [rename(key), value]));
}

function zip(names: string[], values: number[]): Record<string, number | undefined> {
  return Object.fromEntries(names.map((name, index) => [name, values[index]]));
}
