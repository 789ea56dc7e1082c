/** Entry of the bench's child process; see bench-child.ts. Started by bench-self.ts, never by hand. */

import { runBenchChild } from './bench-child.ts';

await runBenchChild(process.argv[2] ?? '');
