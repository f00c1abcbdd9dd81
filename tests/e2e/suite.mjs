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
