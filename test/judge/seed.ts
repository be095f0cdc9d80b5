/** Of the random part of the corpus. */
export const SEED = Number(process.env['JUDGE_SEED'] ?? 20_261_128);
