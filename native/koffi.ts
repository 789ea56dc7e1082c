/**
 * The one place that loads koffi, so that importing this folder is possible everywhere.
 *
 * koffi is required lazily by platform: elsewhere than on Linux nothing is loaded, and what would have been a foreign
 * function throws {@link UnsupportedPlatformError} when it is called.
 *
 * @packageDocumentation
 */

import { createRequire } from 'node:module';

import { UnsupportedPlatformError } from '../errors.ts';

/** Whether the functions of this folder can work at all. */
export const isLinux: boolean = process.platform === 'linux';

/** The koffi module; `null` where there is nothing to call. */
export const koffi: typeof import('koffi') | null = isLinux
  ? (createRequire(import.meta.url)('koffi') as typeof import('koffi'))
  : null;

/** Throws {@link UnsupportedPlatformError} unless this is Linux; for functions that fail before their first call. */
export function requireLinux(action: string): void {
  if (!isLinux) throw new UnsupportedPlatformError(action);
}

/** koffi itself, for a caller that cannot go on without it. */
export function requireKoffi(action: string): typeof import('koffi') {
  if (koffi === null) throw new UnsupportedPlatformError(action);
  return koffi;
}
