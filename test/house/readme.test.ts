import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/commands/exit-codes.ts';
import { parseConfig } from '../../src/config.ts';

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
const blocks = [...readme.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1]!);

describe('the README', () => {
  it.each(blocks.map((block, at) => [at + 1, block] as const))(
    'shows a configuration that is valid (%i)',
    (_at, block) => {
      const whole = [
        block.includes('version:') ? '' : 'version: 1\n',
        block.includes('sources:') ? '' : 'sources: {t: {type: tetragon}}\n',
        block,
      ].join('');
      const env = {
        LANNER_TOKEN: 'x',
        PD_KEY: 'x'.repeat(32),
        SLACK_URL: 'https://hooks.slack.com/services/T/B/x',
      };
      expect(() => parseConfig(whole, 'README.md', env)).not.toThrow();
    },
  );

  it('lists the exit codes as they are', () => {
    const listed = [...readme.matchAll(/^\| (\d+) \| (.+?) \|$/gm)].map(([, code, meaning]) => [
      Number(code),
      meaning,
    ]);
    const known = Object.values(exitCodes).map(({ code }) => code);
    expect(listed.map(([code]) => code)).toEqual(known);
  });
});
