import { nested } from './_memory-fixtures.ts';
import { runCompliance } from './_run.ts';

runCompliance('a decorator of a decorator', nested);
