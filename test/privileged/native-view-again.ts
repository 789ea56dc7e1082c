/** Worker of native-mapping.test.ts: views a ring of the parent by its address and tells its packet count. */

import { parentPort, workerData } from 'node:worker_threads';

import { layout, viewAgain } from '../../native/index.ts';

const { address, byteLength } = workerData as { address: number; byteLength: number };
const words = new Int32Array(viewAgain(address, byteLength));
parentPort?.postMessage(words[layout.TPACKET_BLOCK_PACKET_COUNT / 4]);
