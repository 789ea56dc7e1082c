/** Readers of the steps that undo an attach: what another process does at detach, so every value is checked. */

import { match } from 'ts-pattern';

import { isDriverName, isPciAddress, isVendorDeviceId } from './pci-device.ts';
import {
  integer,
  listOf,
  malformed,
  objectOf,
  oneOf,
  optional,
  type Read,
  readBoolean,
  readObject,
  readText,
  textThat,
} from './state-fields.ts';
import {
  readDestination,
  readFamily,
  readHardwareAddress,
  readInterfaceName,
  readIp,
  readMetrics,
  readPrefix,
  readTexts,
  readU32,
} from './state-properties.ts';
import type {
  DeleteLink,
  DeleteTraffic,
  LinkUndo,
  PciUndo,
  RestoreAddressing,
  SavedAddress,
  SavedNeighbour,
  SavedNextHop,
  SavedRoute,
  SetLink,
} from './undo-steps.ts';

/** `0000:00:03.0` */
export const readPciAddress: Read<string> = textThat('a PCI address', isPciAddress);
/** `virtio-pci` */
export const readDriverName: Read<string> = textThat('the name of a driver', isDriverName);
/** `0x1af4 0x1041` */
export const readVendorDeviceId: Read<string> = textThat('a vendor and a device', isVendorDeviceId);

const readSavedAddress = objectOf<SavedAddress>({
  address: readPrefix,
  peer: optional(readIp),
  broadcast: optional(readIp),
  label: optional(readText),
  scope: optional(readText),
  flags: optional(readTexts),
  metric: optional(readU32),
  protocol: optional(integer(0, 255)),
  validLifetime: optional(readU32),
  preferredLifetime: optional(readU32),
});

const readSavedNextHop = objectOf<SavedNextHop>({
  gateway: optional(readIp),
  link: optional(readInterfaceName),
  weight: optional(integer(1, 256)),
  onlink: optional(readBoolean),
});

const readSavedRoute = objectOf<SavedRoute>({
  family: optional(readFamily),
  destination: readDestination,
  source: optional(readPrefix),
  gateway: optional(readIp),
  link: optional(readInterfaceName),
  preferredSource: optional(readIp),
  metric: optional(readU32),
  table: readU32,
  type: optional(readText),
  protocol: optional(readText),
  scope: optional(readText),
  onlink: optional(readBoolean),
  metrics: optional(readMetrics),
  nextHops: optional(listOf(readSavedNextHop)),
});

const readSavedNeighbour = objectOf<SavedNeighbour>({
  address: readIp,
  linkAddress: optional(readHardwareAddress),
  flags: optional(readTexts),
});

const readDeleteLink = objectOf<DeleteLink>({ undo: oneOf('delete-link'), link: readInterfaceName, kind: readText });

const readSetLink = objectOf<SetLink>({
  undo: oneOf('set-link'),
  link: readInterfaceName,
  up: optional(readBoolean),
  address: optional(readHardwareAddress),
  noMaster: optional((value, path) => {
    if (value !== true) throw malformed(path, value, 'true, or nothing,');
    return value;
  }),
});

const readRestoreAddressing = objectOf<RestoreAddressing>({
  undo: oneOf('restore-addressing'),
  link: readInterfaceName,
  addresses: listOf(readSavedAddress),
  routes: listOf(readSavedRoute),
  neighbours: listOf(readSavedNeighbour),
});

const readDeleteTraffic = objectOf<DeleteTraffic>({
  undo: oneOf('delete-filters', 'delete-ingress'),
  link: readInterfaceName,
});

const LINK_UNDOS = ['delete-link', 'set-link', 'restore-addressing', 'delete-filters', 'delete-ingress'] as const;
const PCI_UNDOS = ['pci-bind', 'pci-unbind', 'pci-remove-id'] as const;

/** One step that takes a change of links back. */
export const readLinkUndo: Read<LinkUndo> = (value, path) =>
  match(oneOf(...LINK_UNDOS)(readObject(value, path)['undo'], `${path}.undo`))
    .with('delete-link', () => readDeleteLink(value, path))
    .with('set-link', () => readSetLink(value, path))
    .with('restore-addressing', () => readRestoreAddressing(value, path))
    .with('delete-filters', 'delete-ingress', () => readDeleteTraffic(value, path))
    .exhaustive();

type PciDriverUndo = Exclude<PciUndo, { readonly undo: 'pci-remove-id' }>;
type PciIdUndo = Extract<PciUndo, { readonly undo: 'pci-remove-id' }>;

const readPciDriverUndo = objectOf<PciDriverUndo>({
  undo: oneOf('pci-bind', 'pci-unbind'),
  bdf: readPciAddress,
  driver: readDriverName,
});

const readPciIdUndo = objectOf<PciIdUndo>({
  undo: oneOf('pci-remove-id'),
  driver: readDriverName,
  vendorDeviceId: readVendorDeviceId,
});

/** One step that takes a change of a PCI device's driver back. */
export const readPciUndo: Read<PciUndo> = (value, path) =>
  match(oneOf(...PCI_UNDOS)(readObject(value, path)['undo'], `${path}.undo`))
    .with('pci-remove-id', () => readPciIdUndo(value, path))
    .with('pci-bind', 'pci-unbind', () => readPciDriverUndo(value, path))
    .exhaustive();
