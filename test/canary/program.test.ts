import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { canaryArguments, canaryBinary, canarySign, runCanary } from '../../src/canary/program.ts';

/** Children of this process, zombies included. */
const children = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] === String(process.pid)
        );
      } catch {
        return false;
      }
    });

describe('the program of a canary', () => {
  it('is our own Node.js with arguments that no two runs share', () => {
    expect(canaryBinary).toBe(process.execPath);
    const [first, second] = [canaryArguments(), canaryArguments()];
    expect(first).not.toEqual(second);
    for (const args of [first, second]) expect(args.join(' ')).toMatch(new RegExp(canarySign().pattern));
  });

  it('runs and leaves nothing behind', async () => {
    const before = children();
    await runCanary(canaryArguments(), new AbortController().signal);
    expect(children()).toEqual(before);
  });

  it('ends when it is told to, and quietly', async () => {
    const abort = new AbortController();
    const before = children();
    // The same program, with arguments by which it would wait for ever.
    const run = runCanary(['-e', 'setInterval(() => {}, 1000)'], abort.signal);
    expect(children().length).toBe(before.length + 1);
    abort.abort();
    await run;
    await expect.poll(() => children()).toEqual(before);
  });

  it('gets nothing of our environment, and no shell', async () => {
    process.env.LANNER_TEST_SECRET = 'x';
    const file = `/tmp/lanner-canary-test-${process.pid}`;
    const script = `require('fs').writeFileSync('${file}', JSON.stringify([process.env, process.argv0, process.cwd()]))`;
    await runCanary(['-e', script, '; $(touch /tmp/never)'], new AbortController().signal);
    delete process.env.LANNER_TEST_SECRET;
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual([{}, canaryBinary, '/']);
  });
});
