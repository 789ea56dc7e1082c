import { pipe } from './_memory-fixtures.ts';
import { runCompliance } from './_run.ts';

runCompliance('a pipe', pipe);
