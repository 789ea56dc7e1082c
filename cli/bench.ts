export const BENCH_USAGE = '';
export async function runBench(_args: readonly string[]): Promise<number> { return 0; }
