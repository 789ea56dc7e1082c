/**
 * What an installed plugin is: it runs the code of its name beside it, as it was compiled when it was installed.
 * Without a cache, or with one that is of another Node or damaged, V8 compiles it now.
 */

import { readFileSync } from 'node:fs';

import { decodeCache, type ModuleFunction, moduleScript } from '../code-cache.ts';

/** Replaced, when this is bundled, by the path of the code from the plugin's folder, without `.cjs`. */
declare const LINKPOINT_CODE: string;

const code = `${__dirname}/${LINKPOINT_CODE}`;
const script = moduleScript(readFileSync(`${code}.cjs`, 'latin1'), `${code}.cjs`, readCache(`${code}.cache`));
const run = script.runInThisContext() as ModuleFunction;
run(exports, require, module, __filename, __dirname);

function readCache(path: string): Buffer | undefined {
  try {
    return decodeCache(readFileSync(path));
  } catch {
    return undefined;
  }
}
