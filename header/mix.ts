/**
 * 32-bit mixing for hash tables and flow hashes: the steps of MurmurHash3 (Austin Appleby, public domain), which need
 * nothing but `Math.imul` and shifts. Values are signed 32-bit integers, which the engine keeps out of the heap.
 */

/** Takes one more 32-bit word into the hash in progress. */
export function combine(hash: number, word: number): number {
  word = Math.imul(word, 0xcc9e2d51);
  word = (word << 15) | (word >>> 17);
  hash ^= Math.imul(word, 0x1b873593);
  hash = (hash << 13) | (hash >>> 19);
  return (Math.imul(hash, 5) + 0xe6546b64) | 0;
}

/** Ends a hash: each bit of the input reaches each bit of the result with a chance near one half. */
export function finalize(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
