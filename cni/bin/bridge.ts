#!/usr/bin/env node
/** The executable `bridge`. */

import { bridgePlugin } from '../bridge/plugin.ts';
import { runPluginMain } from '../main.ts';

void runPluginMain(bridgePlugin);
