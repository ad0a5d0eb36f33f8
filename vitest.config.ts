import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests that need a real system which this machine may not have stand in *.real.test.ts (npm run test:real).
    exclude: ['test/**/*.real.test.ts', 'node_modules/**'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    sequence: { shuffle: { tests: false, files: true } },
  },
});
