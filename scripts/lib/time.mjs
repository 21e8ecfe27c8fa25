/** Durations for people. */
export function spent(ms) {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

export async function timed(what, work) {
  const began = Date.now();
  const result = await work();
  console.log(`  ${what}: ${spent(Date.now() - began)}`);
  return result;
}
