// Makes the command executable, for tsc keeps its shebang but not the mode, and bundles the CNI plugins.
import { chmodSync, existsSync } from 'node:fs';

const command = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(command)) chmodSync(command, 0o755);
await import('./bundle-cni.mjs');
