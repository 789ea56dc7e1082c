#!/usr/bin/env node
/** The executable `host-local`. */

import { hostLocalPlugin } from '../host-local/plugin.ts';
import { runPluginMain } from '../main.ts';

// All is written by now, and exiting takes two milliseconds less than taking Node apart.
void runPluginMain(hostLocalPlugin).then(() => process.exit());
