/** `linkpoint cni`: installs the plugins, and calls those of a network, as cnitool of the CNI project does. */

import { match, P } from 'ts-pattern';

import {
  type CniAttachmentOptions,
  CniClient,
  CniError,
  type CniNetworkList,
  installCniPlugins,
  printResult,
} from '../cni/index.ts';
import { type CniCommandLine, parseCniCommand } from './cni-options.ts';
import { parseCommand, UsageError } from './usage.ts';

/** How to call it. */
export const CNI_USAGE = `linkpoint cni install DIR [--force]
linkpoint cni add|check|del NETWORK NETNS [OPTIONS]
linkpoint cni gc|status|version NETWORK [OPTIONS]

  install   write the plugins bridge and host-local into DIR
  add       add an interface to the namespace NETNS; print the result, as JSON
  check     check that it is as add left it
  del       remove it; also when NETNS is gone
  gc        remove what is left of attachments: of all but those that --keep names
  status    ask the plugins of the network whether they are ready
  version   print which versions of the specification each plugin speaks, as JSON

  NETWORK is the name in a .conflist, .conf or .json file. NETNS is NAME, for /run/netns/NAME, or a path with a slash.

  --force                       install: replace plugins of the same names that are not linkpoint's
  --path DIR:DIR                folders of plugins; by default $CNI_PATH, then /opt/cni/bin
  --conf-dir DIR                folder of networks; by default $NETCONFPATH, then /etc/cni/net.d
  --cache-dir DIR               where results are kept between add and del; by default /var/lib/cni
  --ifname NAME                 interface in NETNS; by default $CNI_IFNAME, then eth0
  --container-id ID             by default derived from the path of NETNS, as cnitool does
  --args KEY=VALUE              for every plugin, once or more often; by default $CNI_ARGS
  --cap-args JSON               by capability, for plugins that declare it; by default $CAP_ARGS
  --keep CONTAINER/INTERFACE    gc: an attachment that is still there, once or more often

  Exits 0, or 1 with the error of the plugin on stderr.`;

/** Runs a command of CNI; the exit code. */
export async function runCni(args: readonly string[]): Promise<number> {
  try {
    await match(args)
      .with(['install', ...P.array()], ([, ...rest]) => install(rest))
      .with(['add', ...P.array()], ([, ...rest]) => add(parseCniCommand(rest)))
      .with(['check', ...P.array()], ([, ...rest]) => check(parseCniCommand(rest)))
      .with(['del', ...P.array()], ([, ...rest]) => del(parseCniCommand(rest)))
      .with(['gc', ...P.array()], ([, ...rest]) => gc(parseCniCommand(rest)))
      .with(['status', ...P.array()], ([, ...rest]) => status(parseCniCommand(rest)))
      .with(['version', ...P.array()], ([, ...rest]) => version(parseCniCommand(rest)))
      .with([], () => {
        throw new UsageError('a command of cni is expected');
      })
      .otherwise(([command]) => {
        throw new UsageError(`"${command}" is no command of cni`);
      });
    return 0;
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    console.error(`linkpoint: ${error.message} (CNI error ${error.code})`);
    return 1;
  }
}

function install(words: readonly string[]): void {
  const { values, positionals } = parseCommand(words, { force: { type: 'boolean', default: false } });
  const [directory, ...others] = positionals;
  if (directory === undefined || others.length > 0) throw new UsageError('one folder is expected');
  for (const path of installCniPlugins(directory, { force: values.force })) console.log(path);
}

async function add(line: CniCommandLine): Promise<void> {
  const attachment = attachmentOf(line);
  const { client, list } = open(line);
  console.log(printResult(await client.add(list, attachment), list.cniVersion));
}

async function check(line: CniCommandLine): Promise<void> {
  const attachment = attachmentOf(line);
  const { client, list } = open(line);
  await client.check(list, attachment);
}

async function del(line: CniCommandLine): Promise<void> {
  const attachment = attachmentOf(line);
  const { client, list } = open(line);
  await client.del(list, attachment);
}

async function gc(line: CniCommandLine): Promise<void> {
  const { client, list } = open(line);
  await client.gc(list, line.keep);
}

async function status(line: CniCommandLine): Promise<void> {
  const { client, list } = open(line);
  await client.status(list);
}

async function version(line: CniCommandLine): Promise<void> {
  const { client, list } = open(line);
  const { cniVersion } = list;
  console.log(JSON.stringify({ cniVersion, plugins: await client.version(list) }, null, 4));
}

function open({ path, confDir, cacheDir, network }: CniCommandLine): { client: CniClient; list: CniNetworkList } {
  const client = new CniClient({
    path,
    ...(confDir === null ? {} : { confDir }),
    ...(cacheDir === null ? {} : { cacheDir }),
    warn: (message) => console.error(message),
  });
  return { client, list: client.loadNetwork(network) };
}

function attachmentOf({ netns, containerId, ifName, args, capabilityArgs }: CniCommandLine): CniAttachmentOptions {
  if (netns === null) throw new UsageError('the namespace of the container is expected');
  return {
    netns,
    containerId,
    ifName,
    ...(args === undefined ? {} : { args }),
    ...(capabilityArgs === undefined ? {} : { capabilityArgs }),
  };
}
