/**
 * Making links exist.
 * @packageDocumentation
 */

export { createVeth } from './veth.ts';
export type { VethOptions } from './veth.ts';
