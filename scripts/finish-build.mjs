/** The last step of the build: what tsc cannot do. Makes the command executable, for `npx linkpoint` and the bin link. */

import { chmodSync } from 'node:fs';

chmodSync(new URL('../dist/cli/main.js', import.meta.url), 0o755);
