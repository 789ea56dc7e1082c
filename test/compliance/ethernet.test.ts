import { ethernet, ethernetPipe } from './_memory-fixtures.ts';
import { runCompliance } from './_run.ts';

runCompliance('Ethernet over a channel', ethernet);
runCompliance('Ethernet over a pipe', ethernetPipe);
