/** resolv.conf(5) as the `dns` of a result. */

import { readFileSync } from 'node:fs';

import { causeText } from '../strerror.ts';
import type { CniDns } from '../types.ts';

/** Reads a file of that form. @throws Error `open …: no such file or directory` */
export function readResolvConf(path: string): CniDns {
  try {
    return parseResolvConf(readFileSync(path, 'utf8'));
  } catch (cause) {
    const call = (cause as NodeJS.ErrnoException).code === 'EISDIR' ? 'read' : 'open';
    throw new Error(`${call} ${path}: ${causeText(cause)}`, { cause });
  }
}

/** Nameservers, search and options add up over the lines; the last domain counts. Comments begin with # or ;. */
export function parseResolvConf(text: string): CniDns {
  const dns = { nameservers: [] as string[], domain: '', search: [] as string[], options: [] as string[] };
  for (const line of text.split('\n').map((each) => each.trim())) {
    const [keyword, first, ...more] = line.split(/\s+/);
    if (first === undefined || /^[#;]/.test(line)) continue;
    if (keyword === 'nameserver') dns.nameservers.push(first);
    if (keyword === 'domain') dns.domain = first;
    if (keyword === 'search') dns.search.push(first, ...more);
    if (keyword === 'options') dns.options.push(first, ...more);
  }
  return dns;
}
