/**
 * The Internet checksum (RFC 1071) and its incremental update (RFC 1624).
 *
 * A *sum* is a ones' complement sum in progress: a non-negative integer below 2^31 whose 16-bit halves have still to be
 * added together. Sums are chained through `initial` and end in `finish`:
 *
 *     const sum = checksum.pseudoHeaderIpv4(view, ipAt, PROTOCOL_UDP, bytes);
 *     udp.setChecksum(view, at, checksum.finish(checksum.sum(view, at, bytes, sum)));
 *
 * A chained range counts from an even offset of the summed message, so only the last one may have an odd length.
 */
import type { IpAddress } from './ip-address.ts';

/** Bytes summed by one turn of the unrolled loop. */
const STRIDE_BYTES = 32;

/** Up to here, headers above all, the plain loop is done before the unrolled one has put its halves together. */
const SHORT_BYTES = 40;

/**
 * The most bytes that one run of the loop takes, as 32-bit words: neither the sum of their upper halves nor that of
 * their lower halves reaches 2^31 then, 0x8000 * 0xffff being just below. Longer ranges are summed in such pieces.
 */
const PIECE_BYTES = 0x8000 * 4;

/** Where the source address starts in an IPv4 header; the destination follows (RFC 791 section 3.1). */
const IPV4_SOURCE = 12;

/** Where the source address starts in an IPv6 header; the destination follows (RFC 8200 section 3). */
const IPV6_SOURCE = 8;

/**
 * Ones' complement sum of `length` bytes at `at`, on top of `initial`; an odd last byte counts as if a zero followed
 * (RFC 1071 section 1). Any alignment. Returns the folded 16-bit sum, so that it can be chained at will.
 */
export function sum(view: DataView, at: number, length: number, initial: number = 0): number {
  if (length <= SHORT_BYTES) return sumShort(view, at, length, fold(initial));
  let total = fold(initial);
  for (; length > PIECE_BYTES; length -= PIECE_BYTES, at += PIECE_BYTES) total += sumPiece(view, at, PIECE_BYTES);
  return fold(total + sumPiece(view, at, length));
}

/** A header: word by word, in the order of the network. */
function sumShort(view: DataView, at: number, length: number, initial: number): number {
  const end = at + length;
  let total = initial;
  for (const last = end - 4; at <= last; at += 4) {
    const word = view.getInt32(at);
    total += (word >>> 16) + (word & 0xffff);
  }
  if (end - at >= 2) {
    total += view.getUint16(at);
    at += 2;
  }
  if (at < end) total += view.getUint8(at) << 8;
  return fold(total);
}

/**
 * The loop itself. It reads little-endian 32-bit words, which spares the byte swap on the machines that we run on: the
 * sum of swapped words is the swapped sum (RFC 1071 section 2, B), so one swap at the end puts it right anywhere.
 *
 * `upper` adds the upper halves and `all` the whole words modulo 2^32; what `all` has beyond `upper` is the sum of the
 * lower halves, which is exact as that fits. So a word costs a shift and two additions, all on small integers.
 */
function sumPiece(view: DataView, at: number, length: number): number {
  const end = at + length;
  let upper = 0;
  let all = 0;
  for (const last = end - STRIDE_BYTES; at <= last; at += STRIDE_BYTES) {
    const a = view.getInt32(at, true);
    const b = view.getInt32(at + 4, true);
    const c = view.getInt32(at + 8, true);
    const d = view.getInt32(at + 12, true);
    const e = view.getInt32(at + 16, true);
    const f = view.getInt32(at + 20, true);
    const g = view.getInt32(at + 24, true);
    const h = view.getInt32(at + 28, true);
    all = (all + a + b + c + d + e + f + g + h) | 0;
    upper = (upper + (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16)) | 0;
    upper = (upper + (e >>> 16) + (f >>> 16) + (g >>> 16) + (h >>> 16)) | 0;
  }
  for (const last = end - 4; at <= last; at += 4) {
    const word = view.getInt32(at, true);
    all = (all + word) | 0;
    upper = (upper + (word >>> 16)) | 0;
  }
  const lower = (all - (upper << 16)) | 0;
  let total = (upper >>> 16) + (upper & 0xffff) + (lower >>> 16) + (lower & 0xffff);
  if (end - at >= 2) {
    total += view.getUint16(at, true);
    at += 2;
  }
  if (at < end) total += view.getUint8(at);
  total = fold(total);
  return ((total & 0xff) << 8) | (total >>> 8);
}

/** Adds the carries of `sum` (0 .. 2^31) back in until 16 bits are left (RFC 1071 section 4.1). */
export function fold(sum: number): number {
  sum = (sum & 0xffff) + (sum >>> 16);
  return (sum & 0xffff) + (sum >>> 16);
}

/** The checksum field that belongs to `sum`: its 16-bit ones' complement. */
export const finish = (sum: number): number => ~fold(sum) & 0xffff;

/** Whether a message that was summed with its checksum field in it is intact (RFC 1071 section 1, 3). */
export const isIntact = (sum: number): boolean => fold(sum) === 0xffff;

/**
 * Sum of the IPv4 pseudo-header (RFC 9293 section 3.1, RFC 768): both addresses of the IPv4 header at `ipAt`, the
 * protocol, and the length in bytes of the transport header with its payload.
 */
export const pseudoHeaderIpv4 = (view: DataView, ipAt: number, protocol: number, length: number): number =>
  view.getUint16(ipAt + IPV4_SOURCE) +
  view.getUint16(ipAt + IPV4_SOURCE + 2) +
  view.getUint16(ipAt + IPV4_SOURCE + 4) +
  view.getUint16(ipAt + IPV4_SOURCE + 6) +
  protocol +
  (length >>> 16) +
  (length & 0xffff);

/**
 * Sum of the IPv6 pseudo-header (RFC 8200 section 8.1) of the IPv6 header at `ipAt`. With a Routing header, the
 * destination that counts is the final one: use `pseudoHeader` then.
 */
export const pseudoHeaderIpv6 = (view: DataView, ipAt: number, protocol: number, length: number): number =>
  sum(view, ipAt + IPV6_SOURCE, 32, protocol + (length >>> 16) + (length & 0xffff));

/** Sum of the pseudo-header of two addresses of one family; the same value as from the header that carries them. */
export const pseudoHeader = (source: IpAddress, destination: IpAddress, protocol: number, length: number): number =>
  sumAddress(source) + sumAddress(destination) + protocol + (length >>> 16) + (length & 0xffff);

function sumAddress(address: IpAddress): number {
  if (typeof address === 'number') return (address >>> 16) + (address & 0xffff);
  let total = 0;
  for (let i = 0; i < 16; i += 2) total += (address[i]! << 8) | address[i + 1]!;
  return total;
}

/** The checksum after one 16-bit word of the message changed (RFC 1624 section 3, equation 3). */
export const update16 = (checksum: number, oldWord: number, newWord: number): number =>
  finish((~checksum & 0xffff) + (~oldWord & 0xffff) + newWord);

/** The checksum after one 32-bit word at an even offset of the message changed, such as an IPv4 address. */
export const update32 = (checksum: number, oldWord: number, newWord: number): number =>
  finish(
    (~checksum & 0xffff) +
      ((~oldWord >>> 16) + (~oldWord & 0xffff)) +
      ((newWord >>> 16) + (newWord & 0xffff)),
  );
