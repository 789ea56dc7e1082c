import { inlineSubjects } from './_fd-based-fixtures.ts';
import { runCompliance } from './_run.ts';

for (const [name, subject] of Object.entries(inlineSubjects)) runCompliance(name, subject);
