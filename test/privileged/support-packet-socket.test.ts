/** The cells of docs/support.md over AF_PACKET sockets on a veth pair. */

import test from 'ava';

import { testDevices } from '../support/cells.ts';

testDevices(test, 'packet');
