/**
 * Typed errors: every failure that linkpoint reports by exception has a stable `code`.
 *
 * Match on `code`, never on the message. A message states the action, the quoted values, a colon, the state that was
 * found and, where a right is missing, the remedy:
 *
 *     Cannot join fanout group 7 on fd 12: setsockopt(PACKET_FANOUT) failed with EPERM; CAP_NET_RAW is required
 *
 * Malformed bytes from the wire are never an exception: they are a counter (see stack/statistics.ts).
 */

/** Base of all errors of this package. */
export class LinkpointError extends Error {
  /** Stable identifier, `ERR_…`, or the errno name (`EPERM`) for a failed system call. */
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** A system call failed. `code` is the errno's name, so that `error.code === 'EPERM'` works as with Node's own errors. */
export class SystemError extends LinkpointError {
  /** Positive errno of the failed call. */
  readonly errno: number;
  /** The call as the man page names it, with the option where one matters: `setsockopt(PACKET_FANOUT)`. */
  readonly syscall: string;

  constructor(
    action: string,
    failure: { syscall: string; errno: number; name: string; remedy?: string },
    options?: { cause?: unknown },
  ) {
    const remedy = failure.remedy === undefined ? '' : `; ${failure.remedy}`;
    super(failure.name, `${action}: ${failure.syscall} failed with ${failure.name}${remedy}`, options);
    this.errno = failure.errno;
    this.syscall = failure.syscall;
  }
}

/** The kernel refused a netlink request. `syscall` is the message type, such as `RTM_NEWLINK`. */
export class NetlinkError extends SystemError {
  /** The kernel's own words (extended acknowledgement), where it had any: `Unknown device type`. */
  readonly extAck: string | undefined;

  constructor(
    action: string,
    failure: { syscall: string; errno: number; name: string; remedy?: string; extAck?: string | undefined },
    options?: { cause?: unknown },
  ) {
    const words = failure.extAck === undefined ? undefined : `the kernel says "${failure.extAck}"`;
    const remedy = [failure.remedy, words].filter((part) => part !== undefined).join('; ');
    super(action, remedy === '' ? failure : { ...failure, remedy }, options);
    this.extAck = failure.extAck;
  }
}

/** A netlink message is not what its own lengths say, or lacks what its type must have. */
export class NetlinkMessageError extends LinkpointError {
  constructor(action: string, state: string) {
    super('ERR_NETLINK_MESSAGE', `${action}: ${state}`);
  }
}

/** An option has a value, or contradicts another one or the kernel's own state, so that nothing was opened. */
export class InvalidOptionError extends LinkpointError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ERR_INVALID_OPTION', message, options);
  }
}

/** The operation needs Linux; the memory endpoints and codecs work everywhere. */
export class UnsupportedPlatformError extends LinkpointError {
  constructor(action: string) {
    super('ERR_UNSUPPORTED_PLATFORM', `${action}: the platform is "${process.platform}"; Linux is required`);
  }
}

/** The endpoint (or its peer) is closed for good; a new one must be opened. */
export class LinkClosedError extends LinkpointError {
  constructor(action: string, reason: string) {
    super('ERR_LINK_CLOSED', `${action}: the endpoint is closed (${reason}); open a new one`);
  }
}

/** A dispatcher was attached to an endpoint that has one. */
export class AlreadyAttachedError extends LinkpointError {
  constructor(action: string) {
    super('ERR_ALREADY_ATTACHED', `${action}: a dispatcher is attached; attach(null) first`);
  }
}

/** A packet was injected into an endpoint that has no dispatcher. */
export class NotAttachedError extends LinkpointError {
  constructor(action: string) {
    super('ERR_NOT_ATTACHED', `${action}: no dispatcher is attached; attach one first`);
  }
}

/** A packet of a list is longer than the endpoint takes; nothing of the list was sent. */
export class PacketTooLongError extends LinkpointError {
  /** Position of the offending packet in the list. */
  readonly index: number;
  /** Its length in bytes, without the link header. */
  readonly packetBytes: number;
  /** The most that would have been accepted, in bytes. */
  readonly limitBytes: number;

  constructor(index: number, packetBytes: number, limitBytes: number) {
    super(
      'ERR_PACKET_TOO_LONG',
      `Cannot write packet ${index} of the list: it has ${packetBytes} bytes and the limit is ${limitBytes}; nothing was sent`,
    );
    this.index = index;
    this.packetBytes = packetBytes;
    this.limitBytes = limitBytes;
  }
}

/** No route of a multiplexer leads to the packet's remote address. */
export class HostUnreachableError extends LinkpointError {
  constructor(action: string) {
    super('ERR_HOST_UNREACHABLE', `${action}: no route leads to this address; add one`);
  }
}

/** A packet was touched after it had been returned to its owner (only thrown with LINKPOINT_DEBUG=1). */
export class UseAfterReturnError extends LinkpointError {
  constructor(field: string) {
    super(
      'ERR_USE_AFTER_RETURN',
      `Cannot read packet.${field}: the packet was returned to its endpoint; clone() it inside the delivery to keep it`,
    );
  }
}

/** A thrown value as an Error: a user's dispatcher may throw anything. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`A dispatcher threw ${String(thrown)}`, { cause: thrown });
}
