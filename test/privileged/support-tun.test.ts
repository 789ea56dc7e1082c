/** The cells of docs/support.md over TUN interfaces. */

import test from 'ava';

import { testDevices } from '../support/cells.ts';

testDevices(test, 'tun');
