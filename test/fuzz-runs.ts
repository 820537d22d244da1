/**
 * How many times a property is tried: `usual`, and in `npm run attack:fuzz` as often as its time allows.
 *
 * `RIGIL_FUZZ_FACTOR` multiplies it; `RIGIL_FUZZ_SECONDS` (see fuzz-setup.ts) ends each property after that time.
 */
export function runs(usual: number): number {
  return usual * Number(process.env['RIGIL_FUZZ_FACTOR'] ?? 1);
}
