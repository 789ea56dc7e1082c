import test from 'ava';

import { closeFd, createNetworkNamespace, interfaceIndex, interfaceMtu, runInNamespace } from '../../native/index.ts';
import { createVeth } from '../../sandbox/index.ts';
import { inNamespace, makeNamespace } from './native-support.ts';

test.serial('both ends are made in the thread\'s namespace', (t) => {
  inNamespace(t, () => {
    createVeth({ name: 'left', peerName: 'right', mtu: 1400 });
    t.true(interfaceIndex('left') > 0);
    t.true(interfaceIndex('right') > 0);
    t.is(interfaceMtu('left'), 1400);
    t.is(interfaceMtu('right'), 1400);
  });
});

test.serial('the ends can be in two namespaces, and go together', (t) => {
  const namespace = makeNamespace(t);
  const peerNamespaceFd = createNetworkNamespace();
  createVeth({ name: 'left', peerName: 'right', namespace, peerNamespaceFd });
  runInNamespace(namespace, () => {
    t.true(interfaceIndex('left') > 0);
    t.throws(() => interfaceIndex('right'), { code: 'ENODEV' });
  });
  t.true(runInNamespace(peerNamespaceFd, () => interfaceIndex('right')) > 0);
  closeFd(peerNamespaceFd);
});

test.serial('a name that is taken is EEXIST, a name that cannot be is refused before', (t) => {
  inNamespace(t, () => {
    createVeth({ name: 'left', peerName: 'right' });
    t.throws(() => createVeth({ name: 'left', peerName: 'other' }), { code: 'EEXIST' });
    t.throws(() => createVeth({ name: 'a/b', peerName: 'other' }), { code: 'ERR_INVALID_OPTION' });
    t.throws(() => interfaceIndex('other'), { code: 'ENODEV' });
  });
});
