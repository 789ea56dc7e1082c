/**
 * The C library, one constant per manual page, bound by name and never by system call number: the names are the same
 * on x64 and arm64, glibc and musl.
 *
 * How the signatures were chosen (measured, they differ by a few percent only):
 *  - pointers are `uintptr_t` and take a Number: no object is wrapped, no bigint made, and user space ends at 2^47 on
 *    x64 and 2^48 on arm64, so that every address is an exact Number;
 *  - `ssize_t` results are declared `int`: our lengths are below 2^31, and -1 is -1 in the low half as well;
 *  - variadic functions (fcntl, ioctl) are declared with their one optional argument: on Linux x64 and arm64 a
 *    variadic integer travels in the same register as a named one.
 *
 * These return what C returns: -1 and errno. Only modules of this folder call them; they make -1 an -errno or an error.
 *
 * @packageDocumentation
 */

import { UnsupportedPlatformError } from '../errors.ts';
import { koffi } from './koffi.ts';

const library = koffi === null ? null : koffi.load(null);

/** Binds a C prototype; elsewhere than on Linux the result throws when it is called. */
function bind<F>(prototype: string): F {
  if (library !== null) return library.func(prototype) as unknown as F;
  const name = /(\w+)\(/.exec(prototype)?.[1] ?? prototype;
  const refuse = (): never => {
    throw new UnsupportedPlatformError(`Cannot call ${name}(2)`);
  };
  return refuse as unknown as F;
}

/** errno(3) of the last call on this thread. Read it before anything else can fail. */
export const errno: () => number =
  koffi === null ? bind<() => number>('int errno(void)') : (koffi.errno as () => number);

type Transfer = (fd: number, address: number, length: number) => number;
type Vector = (fd: number, iovec: number, count: number) => number;
type Address = (fd: number, address: number, length: number) => number;

/** open(2), without a mode: it creates nothing. */
export const open: (path: string, flags: number) => number = bind('int open(const char *path, int flags)');
/** read(2). */
export const read: Transfer = bind('int read(int fd, uintptr_t buffer, size_t count)');
/** write(2). */
export const write: Transfer = bind('int write(int fd, uintptr_t buffer, size_t count)');
/** readv(2). */
export const readv: Vector = bind('int readv(int fd, uintptr_t iovec, int count)');
/** writev(2). */
export const writev: Vector = bind('int writev(int fd, uintptr_t iovec, int count)');
/** close(2). */
export const close: (fd: number) => number = bind('int close(int fd)');
/** fcntl(2). */
export const fcntl: (fd: number, command: number, argument: number) => number = bind(
  'int fcntl(int fd, int command, uintptr_t argument)',
);
/** flock(2). */
export const flock: (fd: number, operation: number) => number = bind('int flock(int fd, int operation)');
/** ioctl(2). */
export const ioctl: (fd: number, request: number, argument: number) => number = bind(
  'int ioctl(int fd, ulong request, uintptr_t argument)',
);

/** socket(2). */
export const socket: (domain: number, type: number, protocol: number) => number = bind(
  'int socket(int domain, int type, int protocol)',
);
/** socketpair(2). */
export const socketpair: (domain: number, type: number, protocol: number, pair: number) => number = bind(
  'int socketpair(int domain, int type, int protocol, uintptr_t pair)',
);
/** bind(2). */
export const bindSocket: Address = bind('int bind(int fd, uintptr_t address, uint32_t length)');
/** connect(2). */
export const connect: Address = bind('int connect(int fd, uintptr_t address, uint32_t length)');
/** listen(2). */
export const listen: (fd: number, backlog: number) => number = bind('int listen(int fd, int backlog)');
/** accept4(2). */
export const accept4: (fd: number, address: number, length: number, flags: number) => number = bind(
  'int accept4(int fd, uintptr_t address, uintptr_t length, int flags)',
);
/** shutdown(2). */
export const shutdown: (fd: number, how: number) => number = bind('int shutdown(int fd, int how)');
/** getsockname(2). */
export const getsockname: (fd: number, address: number, lengthAddress: number) => number = bind(
  'int getsockname(int fd, uintptr_t address, uintptr_t length)',
);
/** getsockopt(2). */
export const getsockopt: (
  fd: number,
  level: number,
  option: number,
  value: number,
  lengthAddress: number,
) => number = bind('int getsockopt(int fd, int level, int option, uintptr_t value, uintptr_t length)');
/** setsockopt(2). */
export const setsockopt: (
  fd: number,
  level: number,
  option: number,
  value: number,
  length: number,
) => number = bind('int setsockopt(int fd, int level, int option, uintptr_t value, uint32_t length)');

/** send(2). */
export const send: (fd: number, address: number, length: number, flags: number) => number = bind(
  'int send(int fd, uintptr_t buffer, size_t length, int flags)',
);
/** recv(2). */
export const recv: (fd: number, address: number, length: number, flags: number) => number = bind(
  'int recv(int fd, uintptr_t buffer, size_t length, int flags)',
);
/** sendto(2). */
export const sendto: (
  fd: number,
  address: number,
  length: number,
  flags: number,
  sockaddr: number,
  sockaddrLength: number,
) => number = bind(
  'int sendto(int fd, uintptr_t buffer, size_t length, int flags, uintptr_t sockaddr, uint32_t sockaddrLength)',
);
/** sendmsg(2). */
export const sendmsg: (fd: number, message: number, flags: number) => number = bind(
  'int sendmsg(int fd, uintptr_t message, int flags)',
);
/** recvmsg(2). */
export const recvmsg: (fd: number, message: number, flags: number) => number = bind(
  'int recvmsg(int fd, uintptr_t message, int flags)',
);
/** sendmmsg(2). musl sends the messages one by one; the result means the same. */
export const sendmmsg: (fd: number, messages: number, count: number, flags: number) => number = bind(
  'int sendmmsg(int fd, uintptr_t messages, uint32_t count, uint32_t flags)',
);
/** recvmmsg(2). */
export const recvmmsg: (
  fd: number,
  messages: number,
  count: number,
  flags: number,
  timeout: number,
) => number = bind(
  'int recvmmsg(int fd, uintptr_t messages, uint32_t count, uint32_t flags, uintptr_t timeout)',
);

/** poll(2). */
export const poll: (entries: number, count: number, timeoutMilliseconds: number) => number = bind(
  'int poll(uintptr_t entries, ulong count, int timeout)',
);
/** epoll_create1(2). */
export const epollCreate1: (flags: number) => number = bind('int epoll_create1(int flags)');
/** epoll_ctl(2). */
export const epollCtl: (epollFd: number, operation: number, fd: number, event: number) => number = bind(
  'int epoll_ctl(int epfd, int operation, int fd, uintptr_t event)',
);
/** eventfd(2). */
export const eventfd: (initial: number, flags: number) => number = bind(
  'int eventfd(uint32_t initial, int flags)',
);

/** mmap(2): the address, or -1. */
export const mmap: (
  address: number,
  length: number,
  protection: number,
  flags: number,
  fd: number,
  offset: number,
) => number = bind(
  'intptr_t mmap(uintptr_t address, size_t length, int protection, int flags, int fd, int64_t offset)',
);

/** unshare(2). */
export const unshare: (flags: number) => number = bind('int unshare(int flags)');
/** setns(2). */
export const setns: (fd: number, type: number) => number = bind('int setns(int fd, int type)');
/** mount(2); the texts are addresses. */
export const mount: (source: number, target: number, type: number, flags: number, data: number) => number = bind(
  'int mount(uintptr_t source, uintptr_t target, uintptr_t type, ulong flags, uintptr_t data)',
);
/** umount2(2). */
export const umount2: (target: number, flags: number) => number = bind('int umount2(uintptr_t target, int flags)');
/** sched_setaffinity(2). */
export const schedSetaffinity: (thread: number, length: number, mask: number) => number = bind(
  'int sched_setaffinity(int pid, size_t length, uintptr_t mask)',
);
/** sched_getaffinity(2). */
export const schedGetaffinity: (thread: number, length: number, mask: number) => number = bind(
  'int sched_getaffinity(int pid, size_t length, uintptr_t mask)',
);
/** getrusage(2). */
export const getrusage: (who: number, usage: number) => number = bind(
  'int getrusage(int who, uintptr_t usage)',
);
