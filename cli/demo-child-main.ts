/** Entry of the demo's child process; see demo-child.ts. Started by demo-sandbox.ts, never by hand. */

import { runChild } from './demo-child.ts';

runChild(process.argv[2] ?? '');
