/**
 * PACKET_FANOUT: the kernel spreads the frames of one interface over several AF_PACKET sockets.
 *
 * The group's id is asked of the kernel (FLAG_UNIQUEID), so that two endpoints of one namespace never share a group by
 * accident; where the kernel is too old for that, ids are tried upwards from one derived from the process id.
 *
 * A socket never leaves its group, so sockets that an endpoint over them has left behind are found in one: the same
 * sockets, mode and flags are taken as they are.
 *
 * Source: packet(7), linux/if_packet.h.
 */

import { InvalidOptionError, SystemError } from '../errors.ts';
import {
  PACKET_FANOUT_CBPF,
  PACKET_FANOUT_CPU,
  PACKET_FANOUT_EBPF,
  PACKET_FANOUT_FLAG_DEFRAG,
  PACKET_FANOUT_FLAG_ROLLOVER,
  PACKET_FANOUT_FLAG_UNIQUEID,
  PACKET_FANOUT_HASH,
  PACKET_FANOUT_LB,
  PACKET_FANOUT_QM,
  PACKET_FANOUT_RND,
  PACKET_FANOUT_ROLLOVER,
} from '../native/constants.ts';
import { joinedFanout, joinFanout, setFanoutProgram } from '../native/packet-socket.ts';

/** How the kernel chooses the socket of a frame. */
export type FanoutMode = 'hash' | 'lb' | 'cpu' | 'rollover' | 'random' | 'qm' | 'cbpf' | 'ebpf';

/** Options of a fan-out group. */
export interface FanoutOptions {
  /** `hash` (default) and `cbpf` keep a flow on one socket; `lb` and `random` do not. */
  readonly mode?: FanoutMode;
  /** Reassemble IPv4 fragments first. Default false: a stack sees fragments, which may leave their flow's socket. */
  readonly defrag?: boolean;
  /** When the chosen socket is full, try the others. Default false. */
  readonly rollover?: boolean;
  /** cbpf: the program as `struct sock_filter` records of 8 bytes; ebpf: the fd of a loaded program. */
  readonly program?: Uint8Array | number;
}

const MODES: Readonly<Record<FanoutMode, number>> = {
  hash: PACKET_FANOUT_HASH,
  lb: PACKET_FANOUT_LB,
  cpu: PACKET_FANOUT_CPU,
  rollover: PACKET_FANOUT_ROLLOVER,
  random: PACKET_FANOUT_RND,
  qm: PACKET_FANOUT_QM,
  cbpf: PACKET_FANOUT_CBPF,
  ebpf: PACKET_FANOUT_EBPF,
};

const MAX_GROUP_ID = 0xffff;
/** Ids tried where the kernel has no FLAG_UNIQUEID. */
const FALLBACK_TRIES = 64;
let fallbackId = process.pid & MAX_GROUP_ID;

/**
 * Joins the sockets, bound to one interface, into a new group, or confirms the one that they are in.
 * @returns the group's id
 * @throws InvalidOptionError for a mode without its program, SystemError when the kernel refuses
 */
export function joinFanoutGroup(fds: readonly number[], options: FanoutOptions = {}): number {
  const mode = options.mode ?? 'hash';
  if (!Object.hasOwn(MODES, mode)) throw new InvalidOptionError(`Cannot join a fanout group: mode "${mode}" is unknown`);
  checkProgram(mode, options.program);
  const rollsOver = options.rollover === true && mode !== 'rollover'; // the mode does it anyway, and refuses the flag
  const flags = (options.defrag === true ? PACKET_FANOUT_FLAG_DEFRAG : 0) | (rollsOver ? PACKET_FANOUT_FLAG_ROLLOVER : 0);
  const [first, ...others] = fds;
  if (first === undefined) throw new InvalidOptionError('Cannot join a fanout group: fds is empty');
  const id = openGroup(first, MODES[mode], flags);
  if (options.program !== undefined) setFanoutProgram(first, options.program);
  for (const fd of others) joinOrConfirm(fd, id, MODES[mode], flags);
  return id;
}

function checkProgram(mode: FanoutMode, program: Uint8Array | number | undefined): void {
  const needed = mode === 'cbpf' || mode === 'ebpf';
  if (needed === (program !== undefined)) return;
  throw new InvalidOptionError(`Cannot join a fanout group: mode "${mode}" ${needed ? 'needs' : 'takes no'} program`);
}

function openGroup(fd: number, mode: number, flags: number): number {
  try {
    return joinFanout(fd, 0, mode, flags | PACKET_FANOUT_FLAG_UNIQUEID);
  } catch (error) {
    if (isCode(error, 'EALREADY')) return joinOrConfirm(fd, joinedFanout(fd).id, mode, flags);
    if (!isCode(error, 'EINVAL')) throw error;
    return openFallbackGroup(fd, mode, flags, error);
  }
}

/** Joins the group, unless the socket is in just that one. */
function joinOrConfirm(fd: number, id: number, mode: number, flags: number): number {
  try {
    return joinFanout(fd, id, mode, flags);
  } catch (error) {
    const joined = isCode(error, 'EALREADY') ? joinedFanout(fd) : null;
    if (joined?.id !== id || joined.modeAndFlags !== (mode | flags)) throw error;
    return id;
  }
}

function isCode(error: unknown, code: string): error is SystemError {
  return error instanceof SystemError && error.code === code;
}

/** Linux before 4.12 knows no FLAG_UNIQUEID and answers EINVAL; a clash of ids is EINVAL too, hence the tries. */
function openFallbackGroup(fd: number, mode: number, flags: number, cause: SystemError): number {
  for (let tries = 0; tries < FALLBACK_TRIES; tries++) {
    fallbackId = (fallbackId + 1) & MAX_GROUP_ID;
    try {
      return joinFanout(fd, fallbackId, mode, flags);
    } catch (error) {
      if (!isCode(error, 'EINVAL')) throw error;
    }
  }
  throw cause;
}
