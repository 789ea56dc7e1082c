/**
 * Pure codecs for the headers of link, network and transport layer: no system calls, no dependencies, any platform.
 *
 *     import { ethernet, ipv4, udp } from 'linkpoint/header';
 *
 *     if (ipv4.isValid(view, at, end) && ipv4.protocol(view, at) === PROTOCOL_UDP) {
 *       const port = udp.destinationPort(view, ipv4.payloadAt(view, at));
 *     }
 *
 * A codec is a module of accessors that read one long-lived DataView at a base offset. Each has `HEADER_BYTES`,
 * `isValid(view, at, end)` (after which no accessor fails), accessors and setters for the hot path, and for the cold
 * one `parse` (bytes to a value or null), `emit` (a value to bytes, returns how many) and `format` (one line of text).
 */
export * as arp from './arp.ts';
export * as checksum from './checksum.ts';
export * as ethernet from './ethernet.ts';
export * as icmpv4 from './icmpv4.ts';
export * as icmpv6 from './icmpv6.ts';
export * as ipv4 from './ipv4.ts';
export * as ipv6 from './ipv6.ts';
export * as ndp from './ndp.ts';
export * as tcp from './tcp.ts';
export * as udp from './udp.ts';

export * from './address.ts';
export * from './protocol.ts';
export { ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, formatEtherType } from './ethernet.ts';
export { NO_FLOW, flowHash } from './flow.ts';
export { formatFrame, formatPacket } from './format.ts';
export { buildIp, buildIpFrame } from './send-ip.ts';
export type { HeadroomBuffer, SendIpOptions } from './send-ip.ts';
