/**
 * Link endpoints, one a file, and the decorators around them.
 * @packageDocumentation
 */

export { FdBasedEndpoint, openFdBased } from './fd-based.ts';
export type { FdBasedOptions, RunMode } from './fd-based-options.ts';
