/** The cells of docs/support.md over TAP interfaces. */

import test from 'ava';

import { testDevices } from '../support/cells.ts';

testDevices(test, 'tap');
