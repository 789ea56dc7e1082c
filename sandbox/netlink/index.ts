/**
 * Rtnetlink: the codec, and the requests of this package.
 * @packageDocumentation
 */

export { requestLink } from './link.ts';
export { NetlinkMessage } from './message.ts';
