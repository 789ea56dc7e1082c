/** Properties and link headers: what a stack reads before it writes. */

import assert from 'node:assert/strict';
import { isLinkUnicastValid } from '../../header/address.ts';
import * as ethernet from '../../header/ethernet.ts';
import { HARDWARE_ETHER } from '../../stack/link-endpoint.ts';
import { packetFrom, TEST_ADDRESSES } from '../packets.ts';
import type { ComplianceCase, ComplianceContext } from './context.ts';
import type { ExpectedProperties } from './fixture.ts';

/** An address that is neither the endpoint's nor the peer's: a bridge writes such frames. */
const BRIDGED_LINK_ADDRESS = 0x0000_5e00_53aa;

/** Cases about properties and headers. */
export const propertyCases: readonly ComplianceCase[] = [
  {
    title: 'has the properties that it was made with or that its inner endpoint has',
    run: ({ endpoint, fixture: { expected = {} } }) => {
      for (const name of Object.keys(expected) as (keyof ExpectedProperties)[]) {
        assert.deepEqual(endpoint[name], expected[name], name);
      }
    },
  },
  {
    title: 'has properties that agree with each other',
    run: ({ endpoint, features }) => {
      assert.ok(endpoint.mtu > 0, 'the MTU is positive');
      assert.equal(endpoint.maxHeaderLength, features.ethernet ? ethernet.HEADER_BYTES : 0);
      assert.equal(endpoint.hardwareType === HARDWARE_ETHER, features.ethernet);
      assert.ok(endpoint.linkAddress === 0 || isLinkUnicastValid(endpoint.linkAddress), 'the link address is unicast');
      assert.equal(endpoint.gso.kind !== 'none', features.gso);
      assert.equal(endpoint.gso.maxSize > 0, features.gso);
      assert.equal(endpoint.isAttached, false);
    },
  },
  {
    title: 'starts with all counters at zero',
    run: ({ endpoint: { statistics } }) => {
      assert.equal(statistics.get('deliveredPackets'), 0);
      assert.equal(statistics.get('transmittedPackets'), 0);
      assert.equal(statistics.get('shortWrites'), 0);
    },
  },
  { title: 'writes a link header that it reads back', run: headerRoundTrip },
  {
    title: 'keeps the source link address that a packet brings along',
    needs: 'ethernet',
    run: (context) => {
      const packet = packetFrom(context.networkPacket(1));
      context.address(packet);
      packet.egress.localLinkAddress = BRIDGED_LINK_ADDRESS;
      context.endpoint.addHeader(packet);
      assert.equal(ethernet.source(packet.view, packet.start), BRIDGED_LINK_ADDRESS);
      assert.equal(ethernet.destination(packet.view, packet.start), TEST_ADDRESSES.remoteLinkAddress);
    },
  },
  {
    title: 'refuses to read the header of a frame that is too short',
    run: ({ endpoint, features }) => {
      const short = features.ethernet ? ethernet.HEADER_BYTES : 0;
      assert.equal(endpoint.parseHeader(packetFrom(new Uint8Array(short))), false);
      assert.equal(endpoint.parseHeader(packetFrom(new Uint8Array(0))), false);
    },
  },
];

function headerRoundTrip(context: ComplianceContext): void {
  const { endpoint, features } = context;
  const packet = packetFrom(context.networkPacket(1));
  const networkOffset = packet.start;
  context.address(packet);
  endpoint.addHeader(packet);
  assert.equal(packet.start, networkOffset - endpoint.maxHeaderLength, 'the header is maxHeaderLength bytes');
  assert.equal(packet.networkOffset, networkOffset);
  if (features.ethernet) {
    assert.equal(packet.linkOffset, packet.start);
    assert.equal(ethernet.destination(packet.view, packet.start), TEST_ADDRESSES.remoteLinkAddress);
  }
  const parsed = packetFrom(packet.copyBytes());
  parsed.networkOffset = -1;
  parsed.egress.protocol = 0;
  assert.equal(endpoint.parseHeader(parsed), true);
  assert.equal(parsed.networkOffset, parsed.start + endpoint.maxHeaderLength);
  assert.equal(parsed.egress.protocol, ethernet.ETHERTYPE_IPV4);
  assert.deepEqual(parsed.copyNetworkBytes(), context.networkPacket(1));
}
