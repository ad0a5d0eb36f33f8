import { defineConfig } from 'vitest/config';

// Tests with real container runtimes, a real API server and real receivers, one file at a time;
// `.ci/install-real.sh` installs what they need. What is missing is said on the terminal and its tests are skipped.
export default defineConfig({
  test: {
    include: ['test/**/*.real.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
});
