/** Names in rules, quoting, settings' paths: what becomes of names that come from configuration. */

import test from 'ava';

import { iptablesWord, readIptablesWord } from '../../cni/iptables.ts';
import { chainOf } from '../../cni/masquerade-iptables.ts';
import { commentOf } from '../../cni/masquerade-nft.ts';
import { hashName } from '../../cni/masquerade-owner.ts';
import { nftString } from '../../cni/nft.ts';
import { interfaceSettingPath } from '../../cni/sysctl.ts';
import { causeText, strerror } from '../../cni/strerror.ts';
import { UndoList } from '../../cni/undo-list.ts';
import { NetlinkError } from '../../errors.ts';

test('a chain has the name that the reference gives it', (t) => {
  t.is(chainOf({ network: 'net1', containerId: 'cont1' }), 'CNI-01d424cb2a9303e21c6e971c');
});

test('hashed names have the length that is asked for, and begin with their prefix', (t) => {
  t.is(hashName(28, 'CNI-', 'test1234'), 'CNI-2bbe0c48b91a7d1b8a6753a8');
  t.is(hashName(16, '', 'net1').length, 16);
  t.not(hashName(16, '', 'net1'), hashName(16, '', 'net2'));
});

test('a comment of nftables is cut to 128 characters and has no quotes', (t) => {
  const owner = { network: 'a"net', ifName: 'eth0', containerId: 'c'.repeat(200) };
  const comment = commentOf(owner);
  t.is(comment.length, 128);
  t.regex(comment, /^[0-9a-f]{16}-[0-9a-f]{16}, net: anet, if: eth0, id: c+$/);
});

test('a name that would end a line or a string of the rules is refused', (t) => {
  for (const name of ['a\nb', 'a"; flush ruleset', 'a\0', '\u007f']) {
    t.throws(() => nftString(name), { message: /quote or a control/ });
  }
  t.throws(() => iptablesWord('a\n-F'), { message: /control character/ });
  t.is(nftString('a b;c'), '"a b;c"');
});

test('words of iptables survive quoting', (t) => {
  for (const word of ['a', 'name: "net1" id: "cont1"', 'back\\slash "', '']) {
    t.is(readIptablesWord(iptablesWord(word)), word);
  }
  t.is(readIptablesWord('bare'), 'bare');
});

test('the dots of an interface’s name stay dots in the path of its settings', (t) => {
  const path = interfaceSettingPath({ family: 'ipv6', name: 'cni0.100', setting: 'accept_ra' });
  t.is(path, '/proc/sys/net/ipv6/conf/cni0.100/accept_ra');
});

test('a name that leads elsewhere below /proc/sys is refused', (t) => {
  for (const name of ['..', '.', '../../kernel', 'a/b', '', 'all', 'default', 'a\0b', 'x'.repeat(16)]) {
    const path = (): string => interfaceSettingPath({ family: 'ipv4', name, setting: 'arp_notify' });
    t.throws(path, { code: 'ERR_INVALID_OPTION' }, JSON.stringify(name));
  }
  const path = (): string => interfaceSettingPath({ family: 'ipv4', name: 'eth0', setting: '../x' });
  t.throws(path, { code: 'ERR_INVALID_OPTION' });
});

test('a quoted error is the words of its errno', (t) => {
  const error = new NetlinkError('x', { syscall: 'RTM_NEWLINK', errno: 95, name: 'EOPNOTSUPP' });
  t.is(causeText(error), 'operation not supported');
  t.is(causeText(Object.assign(new Error('x'), { errno: -2 })), 'no such file or directory');
  t.is(causeText(new Error('as it is')), 'as it is');
  t.is(strerror(4000), 'errno 4000');
});

test('steps are taken back last first, whatever fails', async (t) => {
  const seen: string[] = [];
  const list = new UndoList((number, name) => void seen.push(`${number} ${name}`));
  list.step('one', () => 1, (value) => void seen.push(`undo ${value}`));
  list.step('two', () => 2, () => Promise.reject(new Error('stuck')));
  await t.throwsAsync(
    list.begin('three', () => Promise.reject(new Error('half done')), () => void seen.push('undo 3')),
    { message: 'half done' },
  );
  t.throws(() => list.step('four', () => { throw new Error('nothing done'); }, () => void seen.push('undo 4')));
  t.deepEqual((await list.unwind()).map(({ message }) => message), ['stuck']);
  t.deepEqual(seen, ['1 one', '2 two', '3 three', '4 four', 'undo 3', 'undo 1']);
  t.deepEqual(await list.unwind(), []);
});
