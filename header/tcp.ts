/**
 * TCP (RFC 9293 section 3.1).
 *
 *      0       4        8              15 16              31
 *      |  source port                    |  destination    |
 *      |  sequence number                                  |
 *      |  acknowledgment number                            |
 *      | offset|reserved|  flags         |  window         |      header = offset * 4 = 20 .. 60 bytes
 *      |  checksum                       |  urgent pointer |
 *      |  options, padded with zeros to a multiple of 4 ...|
 *      |  data ...
 *
 * Checksums take the pseudo-header's sum: `checksum.pseudoHeaderIpv4(view, ipAt, PROTOCOL_TCP, end - at)`.
 */
import * as checksums from './checksum.ts';
import * as optionList from './options.ts';

export { OPTION_END, OPTION_NOP } from './options.ts';

const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const SEQUENCE = 4;
const ACKNOWLEDGMENT = 8;
const DATA_OFFSET = 12;
const FLAGS = 13;
const WINDOW = 14;
const CHECKSUM = 16;
const URGENT_POINTER = 18;
const OPTIONS = 20;

/** Bytes of a header without options. */
export const HEADER_BYTES = 20;
/** Bytes of the longest header: the data offset is four bits. */
export const HEADER_BYTES_MAX = 60;

/** No more data from the sender. */
export const FLAG_FIN = 0x01;
/** Synchronise sequence numbers. */
export const FLAG_SYN = 0x02;
/** Reset the connection. */
export const FLAG_RST = 0x04;
/** Push. */
export const FLAG_PSH = 0x08;
/** The acknowledgment number counts. */
export const FLAG_ACK = 0x10;
/** The urgent pointer counts. */
export const FLAG_URG = 0x20;
/** Congestion was seen (RFC 3168). */
export const FLAG_ECE = 0x40;
/** Congestion window reduced (RFC 3168). */
export const FLAG_CWR = 0x80;

/** Maximum segment size: 4 bytes. */
export const OPTION_MSS = 2;
/** Window scale (RFC 7323): 3 bytes. */
export const OPTION_WINDOW_SCALE = 3;
/** Selective acknowledgments are understood (RFC 2018): 2 bytes. */
export const OPTION_SACK_PERMITTED = 4;
/** Selective acknowledgments (RFC 2018). */
export const OPTION_SACK = 5;
/** Timestamps (RFC 7323): 10 bytes, value and echo. */
export const OPTION_TIMESTAMPS = 8;

const MSS_BYTES = 4;
const WINDOW_SCALE_BYTES = 3;
const SACK_PERMITTED_BYTES = 2;
const TIMESTAMPS_BYTES = 10;

/** A TCP header as a value. */
export interface Tcp {
  sourcePort: number;
  destinationPort: number;
  sequence: number;
  acknowledgment: number;
  /** FLAG_SYN | FLAG_ACK and so on. */
  flags: number;
  window: number;
  checksum: number;
  urgentPointer: number;
  /** Raw options, 0 .. 40 bytes; `emit` pads them to a multiple of 4. */
  options: Uint8Array;
}

/** Whether `at .. end` holds a whole header with its options. */
export const isValid = (view: DataView, at: number, end: number): boolean =>
  end - at >= HEADER_BYTES && headerBytes(view, at) >= HEADER_BYTES && payloadAt(view, at) <= end;

/** Source port. */
export const sourcePort = (view: DataView, at: number): number => view.getUint16(at + SOURCE_PORT);
/** Destination port. */
export const destinationPort = (view: DataView, at: number): number => view.getUint16(at + DESTINATION_PORT);
/** Sequence number, unsigned. */
export const sequence = (view: DataView, at: number): number => view.getUint32(at + SEQUENCE);
/** Acknowledgment number, unsigned. */
export const acknowledgment = (view: DataView, at: number): number => view.getUint32(at + ACKNOWLEDGMENT);
/** Header length in bytes, options included. */
export const headerBytes = (view: DataView, at: number): number => (view.getUint8(at + DATA_OFFSET) >>> 4) * 4;
/** Where the data starts, in the view. */
export const payloadAt = (view: DataView, at: number): number => at + headerBytes(view, at);
/** The eight flags. */
export const flags = (view: DataView, at: number): number => view.getUint8(at + FLAGS);
/** Window, before scaling. */
export const window = (view: DataView, at: number): number => view.getUint16(at + WINDOW);
/** Checksum. */
export const checksum = (view: DataView, at: number): number => view.getUint16(at + CHECKSUM);
/** Urgent pointer. */
export const urgentPointer = (view: DataView, at: number): number => view.getUint16(at + URGENT_POINTER);

/** Sets the source port. */
export const setSourcePort = (view: DataView, at: number, port: number): void => view.setUint16(at + SOURCE_PORT, port);
/** Sets the destination port. */
export const setDestinationPort = (view: DataView, at: number, port: number): void =>
  view.setUint16(at + DESTINATION_PORT, port);
/** Sets the sequence number. */
export const setSequence = (view: DataView, at: number, value: number): void => view.setUint32(at + SEQUENCE, value);
/** Sets the acknowledgment number. */
export const setAcknowledgment = (view: DataView, at: number, value: number): void =>
  view.setUint32(at + ACKNOWLEDGMENT, value);
/** Sets the header length, a multiple of 4 bytes; the reserved bits become zero. `isValid` has to be asked again. */
export const setHeaderBytes = (view: DataView, at: number, bytes: number): void =>
  view.setUint8(at + DATA_OFFSET, (bytes / 4) << 4);
/** Sets the eight flags. */
export const setFlags = (view: DataView, at: number, value: number): void => view.setUint8(at + FLAGS, value);
/** Sets the window. */
export const setWindow = (view: DataView, at: number, value: number): void => view.setUint16(at + WINDOW, value);
/** Sets the checksum. */
export const setChecksum = (view: DataView, at: number, value: number): void => view.setUint16(at + CHECKSUM, value);
/** Sets the urgent pointer. */
export const setUrgentPointer = (view: DataView, at: number, value: number): void =>
  view.setUint16(at + URGENT_POINTER, value);

/** The checksum that the segment `at .. end` should have, whatever its field holds. */
export const computeChecksum = (view: DataView, at: number, end: number, pseudoHeaderSum: number): number => {
  const head = checksums.sum(view, at, CHECKSUM, pseudoHeaderSum);
  return checksums.finish(checksums.sum(view, at + URGENT_POINTER, end - at - URGENT_POINTER, head));
};
/** Computes and sets the checksum of the segment `at .. end`. */
export const fillChecksum = (view: DataView, at: number, end: number, pseudoHeaderSum: number): void =>
  setChecksum(view, at, computeChecksum(view, at, end, pseudoHeaderSum));
/** Whether the segment `at .. end` arrived intact. */
export const isChecksumValid = (view: DataView, at: number, end: number, pseudoHeaderSum: number): boolean =>
  checksums.isIntact(checksums.sum(view, at, end - at, pseudoHeaderSum));

/** Where the options start; they end at `payloadAt`. */
export const optionsAt = (at: number): number => at + OPTIONS;

/** Position of the first option of this kind in a valid header, or -1 when there is none before a malformed one. */
export const findOption = (view: DataView, at: number, kind: number): number =>
  optionList.findOption(view, optionsAt(at), payloadAt(view, at), kind);

/** Whether each option of a valid header is well formed, up to the end of the list or of the header. */
export const areOptionsValid = (view: DataView, at: number): boolean =>
  optionList.areOptionsValid(view, optionsAt(at), payloadAt(view, at));

/** Like `findOption`, for a kind whose length is fixed: an option of another length is not there. */
function findSized(view: DataView, at: number, kind: number, bytes: number): number {
  const position = findOption(view, at, kind);
  return position !== -1 && view.getUint8(position + 1) === bytes ? position : -1;
}

/** Maximum segment size option in bytes, or -1. */
export function mss(view: DataView, at: number): number {
  const position = findSized(view, at, OPTION_MSS, MSS_BYTES);
  return position === -1 ? -1 : view.getUint16(position + 2);
}
/** Shift of the window scale option, or -1. */
export function windowScale(view: DataView, at: number): number {
  const position = findSized(view, at, OPTION_WINDOW_SCALE, WINDOW_SCALE_BYTES);
  return position === -1 ? -1 : view.getUint8(position + 2);
}
/** Whether selective acknowledgments are permitted. */
export const isSackPermitted = (view: DataView, at: number): boolean =>
  findSized(view, at, OPTION_SACK_PERMITTED, SACK_PERMITTED_BYTES) !== -1;
/** Value of the timestamps option, unsigned, or -1. */
export function timestampValue(view: DataView, at: number): number {
  const position = findSized(view, at, OPTION_TIMESTAMPS, TIMESTAMPS_BYTES);
  return position === -1 ? -1 : view.getUint32(position + 2);
}
/** Echo of the timestamps option, unsigned, or -1. */
export function timestampEcho(view: DataView, at: number): number {
  const position = findSized(view, at, OPTION_TIMESTAMPS, TIMESTAMPS_BYTES);
  return position === -1 ? -1 : view.getUint32(position + 6);
}

/** The header as a value with its own copy of the options, or null. Cold. */
export function parse(view: DataView, at: number, end: number): Tcp | null {
  if (!isValid(view, at, end)) return null;
  return {
    sourcePort: sourcePort(view, at),
    destinationPort: destinationPort(view, at),
    sequence: sequence(view, at),
    acknowledgment: acknowledgment(view, at),
    flags: flags(view, at),
    window: window(view, at),
    checksum: checksum(view, at),
    urgentPointer: urgentPointer(view, at),
    options: optionList.copyOptions(view, optionsAt(at), payloadAt(view, at)),
  };
}

/** Writes every byte of the header, options padded; `fillChecksum` comes after the data. Returns its length. Cold. */
export function emit(value: Tcp, view: DataView, at: number): number {
  const bytes = HEADER_BYTES + Math.ceil(value.options.length / 4) * 4;
  setSourcePort(view, at, value.sourcePort);
  setDestinationPort(view, at, value.destinationPort);
  setSequence(view, at, value.sequence);
  setAcknowledgment(view, at, value.acknowledgment);
  setHeaderBytes(view, at, bytes);
  setFlags(view, at, value.flags);
  setWindow(view, at, value.window);
  setChecksum(view, at, value.checksum);
  setUrgentPointer(view, at, value.urgentPointer);
  optionList.emitOptions(value.options, view, optionsAt(at), at + bytes);
  return bytes;
}

/** The letters that tcpdump prints, in its order. */
const FLAG_LETTERS = [
  [FLAG_FIN, 'F'],
  [FLAG_SYN, 'S'],
  [FLAG_RST, 'R'],
  [FLAG_PSH, 'P'],
  [FLAG_ACK, '.'],
  [FLAG_URG, 'U'],
  [FLAG_ECE, 'E'],
  [FLAG_CWR, 'W'],
] as const;

/** `S.` for a SYN that acknowledges, `none` for no flags. Cold. */
export const formatFlags = (flags: number): string =>
  FLAG_LETTERS.filter(([flag]) => (flags & flag) !== 0)
    .map(([, letter]) => letter)
    .join('') || 'none';

/** What `format` says behind the ports: `Flags [S], seq 1, win 64240, options [mss 1460], length 0`. Cold. */
export function summarize(view: DataView, at: number, end: number): string {
  if (!isValid(view, at, end)) return '[|TCP]';
  const options = formatOptions(view, at);
  return [
    `Flags [${formatFlags(flags(view, at))}]`,
    `seq ${sequence(view, at)}`,
    ...((flags(view, at) & FLAG_ACK) === 0 ? [] : [`ack ${acknowledgment(view, at)}`]),
    `win ${window(view, at)}`,
    ...(options === '' ? [] : [`options [${options}]`]),
    `length ${end - payloadAt(view, at)}`,
  ].join(', ');
}

/** `1234 > 80: Flags [S], seq 1, win 64240, length 0`. Cold; never throws. */
export const format = (view: DataView, at: number, end: number): string =>
  isValid(view, at, end)
    ? `${sourcePort(view, at)} > ${destinationPort(view, at)}: ${summarize(view, at, end)}`
    : '[|TCP]';

function formatOptions(view: DataView, at: number): string {
  return [
    ...(mss(view, at) === -1 ? [] : [`mss ${mss(view, at)}`]),
    ...(isSackPermitted(view, at) ? ['sackOK'] : []),
    ...(timestampValue(view, at) === -1 ? [] : [`TS val ${timestampValue(view, at)} ecr ${timestampEcho(view, at)}`]),
    ...(windowScale(view, at) === -1 ? [] : [`wscale ${windowScale(view, at)}`]),
    ...(areOptionsValid(view, at) ? [] : ['malformed']),
  ].join(',');
}
