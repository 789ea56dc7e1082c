/**
 * `node compile.js CODE CACHE`: compiles a plugin's code, and writes the cache. To be run by the Node that will run the
 * plugin, with the same flags.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

import { encodeCache, moduleScript } from '../code-cache.ts';

const [, , code = '', cache = ''] = process.argv;
const source = readFileSync(code, 'latin1');
// All functions, not only those that a start runs. V8 notes its flags in the cache when that is made: the usual ones.
setFlagsFromString('--no-lazy');
const script = moduleScript(source, code);
setFlagsFromString('--lazy');
writeFileSync(cache, encodeCache(script.createCachedData()), { mode: 0o644 });
