// Checks one after the other, since each leans on what those before it did; and their counts.

let passed = 0;
const failures = [];

/** Runs a check whose name is a sentence. A failure is told, and the next one runs. */
export async function check(name, run) {
  const began = performance.now();
  try {
    await run();
    passed += 1;
    console.log(`✔ ${name} (${Math.round(performance.now() - began)} ms)`);
  } catch (error) {
    failures.push(`✖ ${name}\n  ${String(error?.stack ?? error).replaceAll('\n', '\n  ')}`);
    console.log(failures.at(-1));
  }
}

/** Tells what failed once more, where the end of a long log shows it, and the counts; whether all went well. */
export function finish() {
  if (failures.length > 0) console.log(`\n${failures.join('\n')}`);
  console.log(`\n${passed} passed, ${failures.length} failed`);
  return failures.length === 0 && passed > 0;
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
