/**
 * The walk over IPv6 extension headers to the upper layer (RFC 8200 section 4, RFC 7112).
 *
 *      0        8       16               31
 *      | next   | length |  ...          |      Hop-by-Hop, Routing, Destination Options: (length + 1) * 8 bytes
 *      | next   | length |  ...          |      Authentication (RFC 4302): (length + 2) * 4 bytes
 *      | next   |    0   | offset | 0 |M |      Fragment: 8 bytes; the offset counts 8 bytes, as its low bits are flags
 *      |  identification                 |
 *
 * The walk answers with one packed small integer, so that it allocates nothing:
 *
 *      26                   10       9          8         0
 *      |  offset of the     |  later | fragment | protocol |
 *      |  upper layer       |        |          |          |
 */
import {
  PROTOCOL_AUTHENTICATION,
  PROTOCOL_DESTINATION_OPTIONS,
  PROTOCOL_FRAGMENT,
  PROTOCOL_HOP_BY_HOP,
  PROTOCOL_ROUTING,
} from './protocol.ts';

const FIXED_HEADER_BYTES = 40;
const PAYLOAD_LENGTH = 4;
const NEXT_HEADER = 6;
const EXTENSION_NEXT = 0;
const EXTENSION_LENGTH = 1;
const FRAGMENT_OFFSET_FLAGS = 2;
const FRAGMENT_IDENTIFICATION = 4;

/** Bytes of a Fragment header, and the fewest of any extension header. */
export const FRAGMENT_HEADER_BYTES = 8;

/**
 * The most extension headers that are walked. RFC 8200 section 4.1 names seven that make sense in one packet; longer
 * chains only serve to keep receivers busy (RFC 8504 section 5.3 allows such a limit).
 */
export const EXTENSION_HEADERS_MAX = 8;

/** The chain is malformed, cut short (RFC 7112) or too long: there is no upper layer. */
export const TRANSPORT_MALFORMED = -1;

const PROTOCOL_MASK = 0xff;
const FRAGMENT = 0x100;
const LATER_FRAGMENT = 0x200;
const OFFSET_SHIFT = 10;
/** Offset and M of a Fragment header; the two reserved bits between them are ignored (RFC 8200 section 4.5). */
const OFFSET_AND_MORE = 0xfff9;
const OFFSET_ONLY = 0xfff8;

/** Protocol of the upper layer: PROTOCOL_TCP and so on. */
export const transportProtocol = (transport: number): number => transport & PROTOCOL_MASK;
/** Where the upper layer starts, in bytes from the start of the IPv6 header. */
export const transportOffset = (transport: number): number => transport >>> OFFSET_SHIFT;
/** Whether the packet is part of a larger one. Atomic fragments (RFC 6946) are whole packets. */
export const isFragment = (transport: number): boolean => (transport & FRAGMENT) !== 0;
/**
 * Whether it is a part other than the first: no upper-layer header is in it, and the protocol is the one that its
 * Fragment header names.
 */
export const isLaterFragment = (transport: number): boolean => (transport & LATER_FRAGMENT) !== 0;

/** Fragment header: position of the fragment in its packet, in bytes. */
export const fragmentOffset = (view: DataView, fragmentAt: number): number =>
  view.getUint16(fragmentAt + FRAGMENT_OFFSET_FLAGS) & OFFSET_ONLY;
/** Fragment header: whether more fragments follow. */
export const hasMoreFragments = (view: DataView, fragmentAt: number): boolean =>
  (view.getUint16(fragmentAt + FRAGMENT_OFFSET_FLAGS) & 1) !== 0;
/** Fragment header: what the fragments of one packet have in common. */
export const fragmentIdentification = (view: DataView, fragmentAt: number): number =>
  view.getUint32(fragmentAt + FRAGMENT_IDENTIFICATION);

/**
 * Finds the upper layer of the IPv6 packet at `at`, whose fixed header lies before `end`. Returns the packed integer of
 * which `transportProtocol`, `transportOffset`, `isFragment` and `isLaterFragment` tell the parts, or
 * TRANSPORT_MALFORMED. A header of an unknown kind is the upper layer, ESP and "no next header" too. Hot.
 */
export function transport(view: DataView, at: number, end: number): number {
  return walk(view, at, end, false);
}

/** Where the Fragment header is, in the view, or -1 when there is none before the upper layer. */
export function fragmentHeaderAt(view: DataView, at: number, end: number): number {
  return walk(view, at, end, true);
}

/** Both walks in one, so that they cannot disagree: to the upper layer, or no further than a Fragment header. */
function walk(view: DataView, at: number, end: number, toFragmentHeader: boolean): number {
  const limit = Math.min(end, at + FIXED_HEADER_BYTES + view.getUint16(at + PAYLOAD_LENGTH));
  let next = view.getUint8(at + NEXT_HEADER);
  let position = at + FIXED_HEADER_BYTES;
  let flags = 0;
  let hasFragmentHeader = false;
  for (let count = 0; isExtension(next); count++) {
    const isMisplaced = next === PROTOCOL_HOP_BY_HOP ? count > 0 : next === PROTOCOL_FRAGMENT && hasFragmentHeader;
    if (count === EXTENSION_HEADERS_MAX || isMisplaced || position + FRAGMENT_HEADER_BYTES > limit) return -1;
    if (next === PROTOCOL_FRAGMENT) {
      if (toFragmentHeader) return position;
      hasFragmentHeader = true;
      flags = fragmentFlags(view.getUint16(position + FRAGMENT_OFFSET_FLAGS));
    }
    const bytes = extensionBytes(view, position, next);
    if (position + bytes > limit) return TRANSPORT_MALFORMED;
    next = view.getUint8(position + EXTENSION_NEXT);
    position += bytes;
    if ((flags & LATER_FRAGMENT) !== 0) break;
  }
  return toFragmentHeader ? -1 : ((position - at) << OFFSET_SHIFT) | flags | next;
}

const isExtension = (protocol: number): boolean =>
  protocol === PROTOCOL_HOP_BY_HOP ||
  protocol === PROTOCOL_ROUTING ||
  protocol === PROTOCOL_FRAGMENT ||
  protocol === PROTOCOL_DESTINATION_OPTIONS ||
  protocol === PROTOCOL_AUTHENTICATION;

function extensionBytes(view: DataView, position: number, protocol: number): number {
  if (protocol === PROTOCOL_FRAGMENT) return FRAGMENT_HEADER_BYTES;
  const length = view.getUint8(position + EXTENSION_LENGTH);
  return protocol === PROTOCOL_AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8;
}

function fragmentFlags(offsetAndFlags: number): number {
  if ((offsetAndFlags & OFFSET_AND_MORE) === 0) return 0;
  return (offsetAndFlags & OFFSET_ONLY) === 0 ? FRAGMENT : FRAGMENT | LATER_FRAGMENT;
}
