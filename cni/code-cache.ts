/**
 * A plugin's code, and what V8 has made of it: compiling it at every start would take a third of the time of a call.
 *
 *     .linkpoint/bridge-0.1.0-HASH.cjs      the code: the name changes with it, so a cache is never another code's
 *                bridge-0.1.0-HASH.cache    ┌ V8's code cache ┬ the same again ┐
 *
 * V8 refuses a cache of another version, of other flags or of code of another length, and compiles. It does not look at
 * what is in it, and would run whatever a bad sector makes of it: so it is there twice, and both halves must be equal.
 */

import { Script } from 'node:vm';

/** What Node wraps a module of CommonJS into. */
export type ModuleFunction = (
  exports: unknown,
  require: NodeJS.Require,
  module: NodeJS.Module,
  filename: string,
  folder: string,
) => void;

/** A script whose value is a {@link ModuleFunction}. @param path what stack traces call it */
export const moduleScript = (source: string, path: string, cachedData?: Buffer): Script =>
  new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: path,
    ...(cachedData === undefined ? {} : { cachedData }),
  });

/** The file of a cache. */
export const encodeCache = (cachedData: Buffer): Buffer => Buffer.concat([cachedData, cachedData]);

/** What is in the file; undefined for one that is damaged. */
export function decodeCache(file: Buffer): Buffer | undefined {
  const first = file.subarray(0, file.length / 2);
  return first.length > 0 && first.equals(file.subarray(first.length)) ? first : undefined;
}
