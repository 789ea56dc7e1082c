/** Entry of a rootless namespace's process; see rootless-child.ts. Started by rootless.ts, never by hand. */

import { runRootlessChild } from './rootless-child.ts';

runRootlessChild();
