#!/usr/bin/env node
/** The executable `host-local`. */

import { hostLocalPlugin } from '../host-local/plugin.ts';
import { runPluginMain } from '../main.ts';

void runPluginMain(hostLocalPlugin);
