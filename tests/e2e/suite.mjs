// Checks one after the other, since each leans on what those before it did; and their counts.

let [passed, failed] = [0, 0];

/** Runs a check whose name is a sentence. A failure is told, and the next one runs. */
export async function check(name, run) {
  const began = performance.now();
  try {
    await run();
    passed += 1;
    console.log(`✔ ${name} (${Math.round(performance.now() - began)} ms)`);
  } catch (error) {
    failed += 1;
    console.log(`✖ ${name}\n  ${String(error?.stack ?? error).replaceAll('\n', '\n  ')}`);
  }
}

/** Tells the counts, and whether all went well. */
export function finish() {
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0;
}

/** Waits until something is there; what it is. */
export async function until(what, look, late_ms = 20_000) {
  const end = Date.now() + late_ms;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
