/** The cells of docs/support.md over TUN interfaces. */

import { testDevices } from '../support/cells.ts';
import { testWithTun } from './_rights.ts';

const test = { serial: testWithTun };

testDevices(test, 'tun');
