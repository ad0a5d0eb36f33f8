import { defineConfig } from 'vitest/config';

/** Tests against real programs; those whose program is not installed say which and are skipped. */
export default defineConfig({
  test: { include: ['test/**/*.real.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
});
