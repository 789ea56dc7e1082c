import { loopback } from './_memory-fixtures.ts';
import { runCompliance } from './_run.ts';

runCompliance('a loopback', loopback);
