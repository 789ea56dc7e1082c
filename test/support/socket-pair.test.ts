/** The cells of docs/support.md over socket pairs, which need no rights. */

import test from 'ava';

import { testDevices } from './cells.ts';

testDevices(test, 'seqpacket');
testDevices(test, 'dgram');
