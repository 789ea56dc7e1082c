import test from 'ava';
import { DuplicateNicIdError, type Nic, Stack, UnknownNicIdError } from '../../stack/index.ts';
import { RecordingEndpoint } from './_support.ts';

const IPV4 = 0x0800;

test('createNic() attaches the endpoint and begins enabled', (t) => {
  const stack = new Stack();
  const endpoint = new RecordingEndpoint();
  const nic = stack.createNic(7, endpoint);
  t.true(endpoint.isAttached);
  t.true(nic.isEnabled);
  t.is(nic.name, 'nic7');
  t.is(stack.nic(7), nic);
  t.is(nic.endpoint, endpoint);
});

test('options name a NIC, disable it and make it promiscuous', (t) => {
  const nic = new Stack().createNic(1, new RecordingEndpoint(), { name: 'eth0', disabled: true, promiscuous: true });
  t.is(nic.name, 'eth0');
  t.false(nic.isEnabled);
  t.true(nic.promiscuous);
});

test('nics lists them in the order of creation', (t) => {
  const stack = new Stack();
  for (const id of [3, 1, 2]) stack.createNic(id, new RecordingEndpoint());
  t.deepEqual(
    stack.nics.map(({ id }) => id),
    [3, 1, 2],
  );
});

test('an id that is taken is refused, and the endpoint stays free', (t) => {
  const stack = new Stack();
  const first = stack.createNic(1, new RecordingEndpoint());
  const endpoint = new RecordingEndpoint();
  t.throws(() => stack.createNic(1, endpoint), { instanceOf: DuplicateNicIdError, code: 'ERR_DUPLICATE_NIC_ID' });
  t.false(endpoint.isAttached);
  t.is(stack.nic(1), first);
});

for (const id of [0, -1, 1.5, Number.NaN]) {
  test(`${id} is no NIC id`, (t) => {
    t.throws(() => new Stack().createNic(id, new RecordingEndpoint()), { instanceOf: RangeError });
  });
}

test('an endpoint that refuses to be attached leaves the stack as it was', (t) => {
  const stack = new Stack();
  const endpoint = new RecordingEndpoint();
  stack.createNic(1, endpoint);
  t.throws(() => stack.createNic(2, endpoint), { code: 'ERR_ALREADY_ATTACHED' });
  t.deepEqual(
    stack.nics.map(({ id }) => id),
    [1],
  );
  t.notThrows(() => stack.createNic(2, new RecordingEndpoint()));
});

test('an unknown id is a typed error everywhere but in checkNic()', (t) => {
  const stack = new Stack();
  const wanted = { instanceOf: UnknownNicIdError, code: 'ERR_UNKNOWN_NIC_ID' };
  t.throws(() => stack.nic(1), wanted);
  t.throws(() => stack.enableNic(1), wanted);
  t.throws(() => stack.disableNic(1), wanted);
  t.throws(() => stack.removeNic(1), wanted);
  t.false(stack.checkNic(1));
});

test('enableNic() and disableNic() switch what checkNic() tells', (t) => {
  const stack = new Stack();
  stack.createNic(1, new RecordingEndpoint());
  t.true(stack.checkNic(1));
  stack.disableNic(1);
  t.false(stack.checkNic(1));
  stack.enableNic(1);
  t.true(stack.checkNic(1));
});

test('removeNic() detaches, closes nothing, and makes id and endpoint free again', (t) => {
  const stack = new Stack();
  const endpoint = new RecordingEndpoint();
  stack.createNic(1, endpoint);
  stack.removeNic(1);
  t.deepEqual(
    endpoint.reasons.map(({ kind }) => kind),
    ['detached'],
  );
  t.throws(() => stack.nic(1), { instanceOf: UnknownNicIdError });
  t.true(stack.createNic(1, endpoint).isEnabled);
});

test('a NIC may be removed inside a delivery', (t) => {
  const stack = new Stack();
  const endpoint = new RecordingEndpoint();
  let deliveries = 0;
  stack.setProtocolHandler(IPV4, (nic) => {
    deliveries++;
    stack.removeNic(nic.id);
  });
  stack.createNic(1, endpoint);
  endpoint.receive(IPV4, endpoint.packetOf([1]));
  endpoint.receive(IPV4, endpoint.packetOf([1]));
  t.is(deliveries, 1);
  t.deepEqual(
    endpoint.reasons.map(({ kind }) => kind),
    ['detached'],
  );
});

test('one handler serves all NICs and is told which one, and the EtherType', (t) => {
  const stack = new Stack();
  const seen: string[] = [];
  const handler = {
    handlePacket: (nic: Nic, _packet: object, protocol: number) => void seen.push(`${nic.id}:${protocol}`),
  };
  stack.setProtocolHandler(IPV4, handler);
  stack.setProtocolHandler(0x0806, handler);
  const endpoints = [1, 2].map((id) => {
    const endpoint = new RecordingEndpoint();
    stack.createNic(id, endpoint);
    return endpoint;
  });
  endpoints[1]?.receive(IPV4, endpoints[1].packetOf([1]));
  endpoints[0]?.receive(0x0806, endpoints[0].packetOf([1]));
  t.deepEqual(seen, ['2:2048', '1:2054']);
});

test('setProtocolHandler() replaces a handler, and null removes it', (t) => {
  const stack = new Stack();
  const endpoint = new RecordingEndpoint();
  const nic = stack.createNic(1, endpoint);
  const seen: string[] = [];
  const receive = (): void => endpoint.receive(IPV4, endpoint.packetOf([1]));
  stack.setProtocolHandler(IPV4, () => seen.push('first'));
  receive();
  stack.setProtocolHandler(IPV4, () => seen.push('second'));
  receive();
  stack.setProtocolHandler(IPV4, null);
  receive();
  t.deepEqual(seen, ['first', 'second']);
  t.is(nic.statistics.get('unknown-protocol'), 1);
});
