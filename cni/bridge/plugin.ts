/**
 * The CNI plugin `bridge`: joins containers to a Linux bridge, as their gateway where it is asked to be.
 *
 * Source: CNI SPEC 1.1.0, and the behaviour of the reference, containernetworking-plugins; docs/guide/cni.md says where
 * this one differs, and why.
 */

import type { CniPlugin } from '../types.ts';
import type { StepObserver } from '../undo-list.ts';
import { CNI_VERSIONS } from '../version.ts';
import { addToBridge } from './add.ts';
import { checkBridge } from './check.ts';
import { collectGarbage, reportStatus } from './collect.ts';
import { deleteFromBridge } from './delete.ts';

/** The plugin. @param observe called before each step of an ADD; what it throws fails the step */
export const createBridgePlugin = (observe?: StepObserver): CniPlugin => ({
  about: 'CNI bridge plugin of linkpoint',
  versions: CNI_VERSIONS,
  add: (context) => addToBridge(context, observe),
  check: checkBridge,
  del: deleteFromBridge,
  gc: collectGarbage,
  status: reportStatus,
});

/** The plugin as runtimes call it. */
export const bridgePlugin: CniPlugin = createBridgePlugin();
