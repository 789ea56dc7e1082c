/** Makes and deletes links of a namespace in a thread of its own; says how many there are in the end. */

import { parentPort, workerData } from 'node:worker_threads';

import { Rtnl } from '../../sandbox/index.ts';

const { namespace, churn } = workerData as { namespace: number; churn: number };
using rtnl = Rtnl.open(namespace);
for (let i = 0; i < churn; i++) {
  rtnl.links.add({ kind: 'ifb', name: 'churn' });
  rtnl.links.delete('churn');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500); // longer than a dump takes
}
parentPort?.postMessage(rtnl.links.list().length);
