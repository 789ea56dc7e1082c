/** Addresses as ranges count with them: a number and its family. */

import type { IpAddress, IpFamily } from '../../header/ip-address.ts';
import { ipFamily } from '../../header/ip-address.ts';
import { formatIp } from '../../header/ip-text.ts';
import { addressNumber, numberAddress } from '../addresses.ts';

/** An address of either family. */
export interface Address {
  readonly value: bigint;
  readonly family: IpFamily;
}

/** The address that can be counted with. */
export const toAddress = (ip: IpAddress): Address => ({ value: addressNumber(ip), family: ipFamily(ip) });

/** `192.0.2.1`, in the form of RFC 5952. */
export const addressText = ({ value, family }: Address): string => formatIp(numberAddress(value, family));

/** Whether two addresses are the same. */
export const isSameAddress = (a: Address, b: Address): boolean => a.family === b.family && a.value === b.value;
