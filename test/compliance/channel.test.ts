import { channel, ethernetChannel } from './_memory-fixtures.ts';
import { runCompliance } from './_run.ts';

runCompliance('a channel', channel);
runCompliance('an Ethernet channel', ethernetChannel);
